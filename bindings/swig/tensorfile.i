/* The one interface for every language. generate.sh runs SWIG over it; the languages' own rules are in rust.i, go.i
   and java.i. */
#if defined(TENSORFILE_SWIG_RUST)
%module tensorfile_sys
#elif defined(SWIGGO)
%module capi
#elif defined(SWIGJAVA)
%module TensorfileNative
#endif

%{
#include "tensorfile.h"
%}

/* Not SWIG's <stdint.i>: it makes uint64_t an `unsigned long long`, which the system's need not be. Typemaps bound to
   the names keep the generated C portable, and the names visible to whoever reads the parse tree. */
%apply int                { int32_t };
%apply unsigned int       { uint32_t };
%apply long long          { int64_t };
%apply unsigned long long { uint64_t };

/* The ABI's enums are typedefs of int32_t beside an unnamed enum. */
%apply int { tf_status, tf_dtype, tf_format, tf_kind, tf_option };

/* SWIG drops, in silence, a macro whose value it does not know. The names are ignored before they are defined, since
   afterwards they would be replaced here too. */
%ignore INT64_MIN;
%ignore UINT64_MAX;
#define INT64_MIN (-9223372036854775807LL - 1)
#define UINT64_MAX 0xffffffffffffffffULL

/* Means nothing outside the C preprocessor. */
%ignore TENSORFILE_API;

#if defined(TENSORFILE_SWIG_RUST)
%include "rust.i"
#elif defined(SWIGGO)
%include "go.i"
#elif defined(SWIGJAVA)
%include "java.i"
#endif

%include "tensorfile.h"
