# The program `tensorfile`. It uses the library through its public C++ header, and CLI11, JSON for Modern C++, and RE2 and
# libpng if they are installed.
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(PkgConfig QUIET)
# pkg-config describes the libraries of the building machine.
if(PkgConfig_FOUND AND NOT CMAKE_CROSSCOMPILING)
  pkg_check_modules(RE2 QUIET IMPORTED_TARGET re2)
  pkg_check_modules(PNG QUIET IMPORTED_TARGET libpng)
endif()
include(cmake/report_page.cmake)
file(GLOB program_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/cli/*.cpp)
add_executable(tensorfile_program ${program_sources})
target_compile_features(tensorfile_program PRIVATE cxx_std_20)
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
  INSTALL_RPATH $<IF:$<PLATFORM_ID:Darwin>,@loader_path,$ORIGIN>/${libdir_from_bindir})
