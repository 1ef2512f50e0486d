# The shared library exports only the functions listed in src/api/symbols.txt.
set(symbols_file ${PROJECT_SOURCE_DIR}/src/api/symbols.txt)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${symbols_file})
file(STRINGS ${symbols_file} symbols)

# -Xlinker passes the file because -Wl and CMake's LINKER: split paths at commas.
if(APPLE AND ZIG_TOOLS)
  # The linker of zig has no such list. Other functions are hidden from it by their visibility; a test of the packages
  # compares what is exported.
elseif(APPLE)
  list(TRANSFORM symbols PREPEND "_")
  list(JOIN symbols "\n" symbols)
  file(CONFIGURE OUTPUT tensorfile.exports CONTENT "${symbols}\n" @ONLY)
  target_link_options(tensorfile PRIVATE
    "SHELL:-Xlinker -exported_symbols_list -Xlinker \"${CMAKE_CURRENT_BINARY_DIR}/tensorfile.exports\"")
  set_property(TARGET tensorfile APPEND PROPERTY LINK_DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/tensorfile.exports)
elseif(NOT WIN32)
  list(JOIN symbols ";\n    " symbols)
  file(CONFIGURE OUTPUT tensorfile.map CONTENT "{\n  global:\n    ${symbols};\n  local:\n    *;\n};\n" @ONLY)
  target_link_options(tensorfile PRIVATE
    "SHELL:-Xlinker --version-script -Xlinker \"${CMAKE_CURRENT_BINARY_DIR}/tensorfile.map\"")
  set_property(TARGET tensorfile APPEND PROPERTY LINK_DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/tensorfile.map)
  # The sanitizers define some of their functions in the program.
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND NOT TENSORFILE_SANITIZED)
    target_link_options(tensorfile PRIVATE "LINKER:-z,defs")
  endif()
endif()
