/* Rust: SWIG has no back end for it. `swig -java -doxygen -xmlout` exports the parse tree, doc comments included, and
   swig2rust.py prints the crate tensorfile-sys from that. Names stay as in C, as they do in every -sys crate.
   Honoured: %ignore, and the feature below on a type, whose functions then get #[must_use]. */
%feature("rust:must_use") tf_status;
