/* SWIG has no back end for Rust. `swig -java -doxygen -xmlout` exports the parse tree with the comments, from which
   swig2rust.py generates the crate tensorfile-sys. The names are those of C, as in every -sys crate. swig2rust.py
   supports %ignore and the feature below, which adds #[must_use] to functions that return the type. */
%feature("rust:must_use") tf_status;
