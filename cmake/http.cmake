# libtensorfile_http, which reads from URLs with libcurl. It uses only the public header of the core, and like the core it
# needs no C++ run-time library.
if(WIN32)
  message(FATAL_ERROR "tensorfile: TENSORFILE_BUILD_HTTP needs a POSIX system")
endif()
find_package(CURL 7.85 REQUIRED)
find_package(OpenSSL 1.1 REQUIRED COMPONENTS Crypto)

file(GLOB http_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/http/*.cpp)
tensorfile_object_library(tensorfile_http_objects ${http_sources})
target_link_libraries(tensorfile_http_objects PRIVATE CURL::libcurl OpenSSL::Crypto)

# An archive of the objects alone, for tests that link the core of tensorfile_inside.
add_library(tensorfile_http_inside STATIC EXCLUDE_FROM_ALL $<TARGET_OBJECTS:tensorfile_http_objects>)
target_link_libraries(tensorfile_http_inside INTERFACE tensorfile_inside CURL::libcurl OpenSSL::Crypto Threads::Threads)

function(tensorfile_http_library target core)
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${target} PUBLIC ${core} PRIVATE CURL::libcurl OpenSSL::Crypto Threads::Threads)
  set_target_properties(${target} PROPERTIES OUTPUT_NAME tensorfile_http LINKER_LANGUAGE C)
endfunction()

if(TENSORFILE_BUILD_SHARED)
  add_library(tensorfile_http SHARED $<TARGET_OBJECTS:tensorfile_http_objects>)
  add_library(tensorfile::http ALIAS tensorfile_http)
  tensorfile_http_library(tensorfile_http tensorfile)
  set_target_properties(tensorfile_http PROPERTIES EXPORT_NAME http VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR} INSTALL_RPATH $<IF:$<PLATFORM_ID:Darwin>,@loader_path,$ORIGIN>)
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND NOT TENSORFILE_SANITIZED)
    target_link_options(tensorfile_http PRIVATE LINKER:-z,defs)
  endif()
endif()
if(TENSORFILE_BUILD_STATIC)
  add_library(tensorfile_http_static STATIC $<TARGET_OBJECTS:tensorfile_http_objects>)
  add_library(tensorfile::http_static ALIAS tensorfile_http_static)
  tensorfile_http_library(tensorfile_http_static tensorfile_static)
  set_target_properties(tensorfile_http_static PROPERTIES EXPORT_NAME http_static)
endif()
