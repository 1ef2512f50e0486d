# Defines tensorfile::tensorfile (the shared library), tensorfile::static (the static library) and tensorfile::bundle
# (an archive that contains zlib). The project need only enable C.
include(CMakeFindDependencyMacro)
if(EXISTS ${CMAKE_CURRENT_LIST_DIR}/tensorfile-shared-targets.cmake)
  include(${CMAKE_CURRENT_LIST_DIR}/tensorfile-shared-targets.cmake)
endif()
if(EXISTS ${CMAKE_CURRENT_LIST_DIR}/tensorfile-static-targets.cmake)
  # With the option TENSORFILE_NO_ZLIB, the static library does not link zlib.
  file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/tensorfile-static-targets.cmake tensorfile_zlib REGEX "ZLIB::ZLIB")
  if(tensorfile_zlib)
    find_dependency(ZLIB)
  endif()
  unset(tensorfile_zlib)
  find_dependency(Threads)
  include(${CMAKE_CURRENT_LIST_DIR}/tensorfile-static-targets.cmake)
  # Although compiled as C++, it needs no C++ run-time library, so the C compiler can link it.
  get_target_property(tensorfile_configurations tensorfile::static IMPORTED_CONFIGURATIONS)
  foreach(configuration IN LISTS tensorfile_configurations)
    set_property(TARGET tensorfile::static PROPERTY IMPORTED_LINK_INTERFACE_LANGUAGES_${configuration} C)
  endforeach()
  unset(tensorfile_configurations)
endif()
set(tensorfile_bundle ${CMAKE_CURRENT_LIST_DIR}/../../libtensorfile_bundle.a)
if(EXISTS ${tensorfile_bundle} AND NOT TARGET tensorfile::bundle)
  find_dependency(Threads)
  cmake_path(NORMAL_PATH tensorfile_bundle)
  add_library(tensorfile::bundle STATIC IMPORTED)
  set_target_properties(tensorfile::bundle PROPERTIES IMPORTED_LOCATION "${tensorfile_bundle}"
    IMPORTED_LINK_INTERFACE_LANGUAGES C INTERFACE_LINK_LIBRARIES Threads::Threads)
  # The bundle is always installed together with the static library.
  target_include_directories(tensorfile::bundle INTERFACE
    $<TARGET_PROPERTY:tensorfile::static,INTERFACE_INCLUDE_DIRECTORIES>)
endif()
unset(tensorfile_bundle)
