# TENSORFILE_ARCHIVED with the codecs compiled once more, without ISA-L.
set(codecs ${TENSORFILE_SOURCES})
list(FILTER codecs INCLUDE REGEX "^src/codec/")
add_library(tensorfile_plain_codecs OBJECT ${codecs})
target_compile_features(tensorfile_plain_codecs PRIVATE cxx_std_20)
target_compile_definitions(tensorfile_plain_codecs PRIVATE _FILE_OFFSET_BITS=64)
target_include_directories(tensorfile_plain_codecs PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
target_compile_options(tensorfile_plain_codecs PRIVATE $<TARGET_PROPERTY:tensorfile_flags,INTERFACE_COMPILE_OPTIONS>)
target_link_libraries(tensorfile_plain_codecs PRIVATE ZLIB::ZLIB)
set_target_properties(tensorfile_plain_codecs PROPERTIES CXX_EXTENSIONS OFF CXX_VISIBILITY_PRESET hidden
  VISIBILITY_INLINES_HIDDEN ON POSITION_INDEPENDENT_CODE ON)
set(TENSORFILE_ARCHIVED $<FILTER:$<TARGET_OBJECTS:tensorfile_objects>,EXCLUDE,src/codec/>
  $<TARGET_OBJECTS:tensorfile_plain_codecs>)
