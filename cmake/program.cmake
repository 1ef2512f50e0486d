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
if(TENSORFILE_UNITY_PROGRAM)
  # Two files, so that two processors have work. Their sources share what is in unnamed namespaces, where names must
  # therefore be unique.
  list(LENGTH program_sources half)
  math(EXPR half "(${half} + 1) / 2")
  set_target_properties(tensorfile_program PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${half})
  # The headers of a system define macros and declare names that the other sources do not expect; and a test builds the
  # program with another remote.cpp.
  set(alone ${program_sources})
  list(FILTER alone INCLUDE REGEX "(_posix|_windows|/remote)\\.cpp$")
  set_source_files_properties(${alone} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endif()
if(TENSORFILE_BUILD_SHARED AND NOT TENSORFILE_STATIC_CLI)
  target_link_libraries(tensorfile_program PRIVATE tensorfile::tensorfile)
else()
  target_link_libraries(tensorfile_program PRIVATE tensorfile::static)
endif()
# The root of the program's own headers.
target_include_directories(tensorfile_program PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_BINARY_DIR}/program)
target_link_libraries(tensorfile_program PRIVATE tensorfile_warnings CLI11::CLI11 nlohmann_json::nlohmann_json)
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
