# An archive that contains zlib and defines only the functions of src/api/symbols.txt, so that a program may also
# contain another zlib. Needs ELF, and ld and objcopy of GNU.
set(bundled_zlib "")
if(NOT TENSORFILE_NO_ZLIB)
  find_library(TENSORFILE_STATIC_ZLIB NAMES libz.a DOC "The zlib archive for the bundle")
  set(bundled_zlib ${TENSORFILE_STATIC_ZLIB})
endif()
if(NOT TENSORFILE_BUILD_STATIC OR NOT CMAKE_OBJCOPY OR NOT (TENSORFILE_NO_ZLIB OR TENSORFILE_STATIC_ZLIB))
  message(FATAL_ERROR "tensorfile: TENSORFILE_BUILD_BUNDLE needs TENSORFILE_BUILD_STATIC, zlib as an archive, and objcopy")
endif()

set(bundle ${PROJECT_BINARY_DIR}/${CMAKE_STATIC_LIBRARY_PREFIX}tensorfile_bundle${CMAKE_STATIC_LIBRARY_SUFFIX})
# Section groups are removed, or the linker could replace functions in the bundle by those of the program with the same
# name.
add_custom_command(OUTPUT ${bundle}
  COMMAND ${CMAKE_C_COMPILER} -r -nostdlib -Wl,--force-group-allocation $<TARGET_OBJECTS:tensorfile_objects>
    ${bundled_zlib} -o tensorfile_bundle.o
  COMMAND ${CMAKE_OBJCOPY} --keep-global-symbols=${PROJECT_SOURCE_DIR}/src/api/symbols.txt tensorfile_bundle.o
  COMMAND ${CMAKE_COMMAND} -E rm -f ${bundle}
  COMMAND ${CMAKE_AR} rcs ${bundle} tensorfile_bundle.o
  DEPENDS $<TARGET_OBJECTS:tensorfile_objects> ${PROJECT_SOURCE_DIR}/src/api/symbols.txt
  COMMENT "Bundling tensorfile and zlib in one archive" COMMAND_EXPAND_LISTS VERBATIM)
add_custom_target(tensorfile_bundle ALL DEPENDS ${bundle})

add_library(tensorfile_bundle_as_c INTERFACE)
add_library(tensorfile::bundle ALIAS tensorfile_bundle_as_c)
target_include_directories(tensorfile_bundle_as_c INTERFACE ${PROJECT_SOURCE_DIR}/include)
target_link_libraries(tensorfile_bundle_as_c INTERFACE ${bundle} Threads::Threads)
add_dependencies(tensorfile_bundle_as_c tensorfile_bundle)
