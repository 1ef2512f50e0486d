# The program `tensorfile`. It uses the library through its public C++ header, and CLI11, JSON for Modern C++, and RE2 and
# libpng if they are installed.
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(PkgConfig QUIET)
if(NEEDS_SOURCES)
  # A release, which contains its own.
  add_subdirectory(tools/dist/needs)
  set(RE2_FOUND ON)
  set(PNG_FOUND ON)
  add_library(PkgConfig::RE2 ALIAS tensorfile_re2)
  add_library(PkgConfig::PNG ALIAS tensorfile_png)
elseif(PkgConfig_FOUND AND NOT CMAKE_CROSSCOMPILING)
  # pkg-config describes the libraries of the building machine.
  pkg_check_modules(RE2 QUIET IMPORTED_TARGET re2)
  pkg_check_modules(PNG QUIET IMPORTED_TARGET libpng)
endif()
include(cmake/report_page.cmake)
file(GLOB program_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/cli/*.cpp)
add_executable(tensorfile_program ${program_sources})
target_compile_features(tensorfile_program PRIVATE cxx_std_20)
if(NEEDS_SOURCES)
  # Most of the program is compiled as two files, in a third of the processor time. Files in the second group have names
  # in common with files in the first. Each of these has names in common with both, or needs what a system header declares
  # only if it is the first to include it.
  set(alone mlx_weights report show stat platform_posix platform_windows raw_file_posix raw_file_windows)
  set(second edit ls ls_output metadata_choice slice_argument)
  set_target_properties(tensorfile_program PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  foreach(source IN LISTS program_sources)
    cmake_path(GET source STEM name)
    if(name IN_LIST second)
      set_source_files_properties(${source} PROPERTIES UNITY_GROUP second)
    elseif(NOT name IN_LIST alone)
      set_source_files_properties(${source} PROPERTIES UNITY_GROUP first)
    endif()
  endforeach()
endif()
if(TENSORFILE_BUILD_SHARED AND NOT TENSORFILE_STATIC_CLI)
  target_link_libraries(tensorfile_program PRIVATE tensorfile::tensorfile)
else()
  target_link_libraries(tensorfile_program PRIVATE tensorfile::static)
endif()
# The root of the program's own headers.
target_include_directories(tensorfile_program PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_BINARY_DIR}/program)
target_link_libraries(tensorfile_program PRIVATE tensorfile_warnings CLI11::CLI11 nlohmann_json::nlohmann_json)
if(TENSORFILE_PRECOMPILED_HEADERS)
  # Nearly every source includes these headers, and reading them takes longer than compiling what follows.
  target_precompile_headers(tensorfile_program PRIVATE <algorithm> <array> <charconv> <cmath> <cstdint> <filesystem>
    <functional> <map> <memory> <optional> <span> <string> <string_view> <system_error> <utility> <vector>
    <tensorfile.hpp>)
endif()
if(RE2_FOUND)
  target_link_libraries(tensorfile_program PRIVATE PkgConfig::RE2)
  target_compile_definitions(tensorfile_program PRIVATE TENSORFILE_HAS_RE2)
endif()
if(PNG_FOUND)
  target_link_libraries(tensorfile_program PRIVATE PkgConfig::PNG)
  target_compile_definitions(tensorfile_program PRIVATE TENSORFILE_HAS_PNG)
endif()
if(TARGET tensorfile_http AND NOT TENSORFILE_STATIC_CLI)
  target_link_libraries(tensorfile_program PRIVATE tensorfile::http)
  target_compile_definitions(tensorfile_program PRIVATE TENSORFILE_HAS_HTTP)
elseif(TARGET tensorfile_http_static)
  target_link_libraries(tensorfile_program PRIVATE tensorfile::http_static)
  target_compile_definitions(tensorfile_program PRIVATE TENSORFILE_HAS_HTTP)
endif()
# GCC 12 warns about its own std::string at -O2.
target_compile_options(tensorfile_program PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
file(RELATIVE_PATH libdir_from_bindir /${CMAKE_INSTALL_BINDIR} /${CMAKE_INSTALL_LIBDIR})
# For Windows, MinGW's linker writes an import library for the program too, which must not replace that of the library.
set_target_properties(tensorfile_program PROPERTIES OUTPUT_NAME tensorfile CXX_EXTENSIONS OFF
  ARCHIVE_OUTPUT_NAME tensorfile_program
  INSTALL_RPATH "$<$<NOT:$<BOOL:${TENSORFILE_STATIC_CLI}>>:$<IF:$<PLATFORM_ID:Darwin>,@loader_path,$ORIGIN>/${libdir_from_bindir}>")
