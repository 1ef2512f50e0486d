# The tests for another machine, which has no simdjson.
list(FILTER TENSORFILE_UNIT_TESTS EXCLUDE REGEX "/json_oracle_test[.]cpp$")

add_executable(report machines/report.c)
target_link_libraries(report PRIVATE tensorfile_inside ZLIB::ZLIB)
set_target_properties(report PROPERTIES C_STANDARD 99 C_EXTENSIONS OFF)
list(JOIN CMAKE_CROSSCOMPILING_EMULATOR " " emulator)
file(WRITE ${PROJECT_BINARY_DIR}/emulator.txt "${emulator}\n")

if(TENSORFILE_MACHINE STREQUAL i386)
  # Expected values must be computed with the precision of their types.
  set(machine_options -msse2 -mfpmath=sse)
  # The tests may convert 64-bit sizes to 32 bits.
  set_source_files_properties(${TENSORFILE_UNIT_TESTS} PROPERTIES COMPILE_OPTIONS "-Wno-conversion;-Wno-narrowing")
endif()
