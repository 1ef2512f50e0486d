# tensorfile::tensorfile is the shared library, tensorfile::static the static one, tensorfile::bundle the archive with zlib
# inside; they need only C of a project.
include(CMakeFindDependencyMacro)
if(EXISTS ${CMAKE_CURRENT_LIST_DIR}/tensorfile-shared-targets.cmake)
  include(${CMAKE_CURRENT_LIST_DIR}/tensorfile-shared-targets.cmake)
endif()
if(EXISTS ${CMAKE_CURRENT_LIST_DIR}/tensorfile-static-targets.cmake)
  find_dependency(ZLIB)
  find_dependency(Threads)
  include(${CMAKE_CURRENT_LIST_DIR}/tensorfile-static-targets.cmake)
  # It was compiled as C++, but needs no C++ run-time library: C links it.
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
  # It is never without the archive that it is made of.
  target_include_directories(tensorfile::bundle INTERFACE
    $<TARGET_PROPERTY:tensorfile::static,INTERFACE_INCLUDE_DIRECTORIES>)
endif()
unset(tensorfile_bundle)
