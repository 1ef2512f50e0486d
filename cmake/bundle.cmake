# One archive with zlib inside that defines the functions of src/api/symbols.txt and nothing else, so that a program may
# have another zlib beside it. For ELF, with GNU's ld and objcopy.
find_library(TENSORFILE_STATIC_ZLIB NAMES libz.a DOC "The zlib that goes into the bundle")
if(NOT TENSORFILE_BUILD_STATIC OR NOT TENSORFILE_STATIC_ZLIB OR NOT CMAKE_OBJCOPY)
  message(FATAL_ERROR "tensorfile: TENSORFILE_BUILD_BUNDLE needs TENSORFILE_BUILD_STATIC, zlib as an archive, and objcopy")
endif()

set(bundle ${PROJECT_BINARY_DIR}/${CMAKE_STATIC_LIBRARY_PREFIX}tensorfile_bundle${CMAKE_STATIC_LIBRARY_SUFFIX})
# Groups are dissolved, or the linker would take functions of the program for those of the same name in here.
add_custom_command(OUTPUT ${bundle}
  COMMAND ${CMAKE_C_COMPILER} -r -nostdlib -Wl,--force-group-allocation ${TENSORFILE_ARCHIVED} ${TENSORFILE_STATIC_ZLIB}
    -o tensorfile_bundle.o
  COMMAND ${CMAKE_OBJCOPY} --keep-global-symbols=${PROJECT_SOURCE_DIR}/src/api/symbols.txt tensorfile_bundle.o
  COMMAND ${CMAKE_COMMAND} -E rm -f ${bundle}
  COMMAND ${CMAKE_AR} rcs ${bundle} tensorfile_bundle.o
  DEPENDS ${TENSORFILE_ARCHIVED} ${PROJECT_SOURCE_DIR}/src/api/symbols.txt
  COMMENT "Bundling tensorfile and zlib in one archive" COMMAND_EXPAND_LISTS VERBATIM)
add_custom_target(tensorfile_bundle ALL DEPENDS ${bundle})

add_library(tensorfile_bundle_as_c INTERFACE)
add_library(tensorfile::bundle ALIAS tensorfile_bundle_as_c)
target_include_directories(tensorfile_bundle_as_c INTERFACE ${PROJECT_SOURCE_DIR}/include)
target_link_libraries(tensorfile_bundle_as_c INTERFACE ${bundle} Threads::Threads)
add_dependencies(tensorfile_bundle_as_c tensorfile_bundle)
