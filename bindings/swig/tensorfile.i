/* The SWIG interface of all languages, from which generate.sh generates code. The rules of each language are in rust.i,
   go.i and java.i. */
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

/* SWIG's <stdint.i> is not used because it replaces uint64_t by `unsigned long long`, which can be another type. With
   typemaps for the names, the generated C is portable and the names are in the parse tree. */
%apply int                { int32_t };
%apply unsigned int       { uint32_t };
%apply long long          { int64_t };
%apply unsigned long long { uint64_t };

/* Each enum of the ABI is a typedef of int32_t and an unnamed enum. */
%apply int { tf_status, tf_dtype, tf_format, tf_ability, tf_kind, tf_option, tf_preset };

/* SWIG silently drops macros whose values it does not know. The %ignore lines come first, because the preprocessor
   would replace the names in later lines. */
%ignore INT64_MIN;
%ignore UINT64_MAX;
#define INT64_MIN (-9223372036854775807LL - 1)
#define UINT64_MAX 0xffffffffffffffffULL

/* Only meaningful to the C preprocessor. */
%ignore TENSORFILE_API;

#if defined(TENSORFILE_SWIG_RUST)
%include "rust.i"
#elif defined(SWIGGO)
%include "go.i"
#elif defined(SWIGJAVA)
%include "java.i"
#endif

%include "tensorfile.h"
