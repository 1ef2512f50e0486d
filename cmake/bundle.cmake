# One archive with zlib inside that defines the functions of src/api/symbols.txt and nothing else, so that a program may
# have another zlib beside it. For ELF, with GNU's ld and objcopy.
find_library(TENSORFILE_STATIC_ZLIB NAMES libz.a DOC "The zlib that goes into the bundle")
if(NOT TENSORFILE_BUILD_STATIC OR NOT TENSORFILE_STATIC_ZLIB OR NOT CMAKE_OBJCOPY)
  message(FATAL_ERROR "tensorfile: TENSORFILE_BUILD_BUNDLE needs TENSORFILE_BUILD_STATIC, zlib as an archive, and objcopy")
endif()

# ISA-L comes as a shared library only, so what uses it is compiled once more, without it.
set(objects $<TARGET_OBJECTS:tensorfile_objects>)
if(TENSORFILE_ISAL)
  set(of_codecs ${TENSORFILE_SOURCES})
  list(FILTER of_codecs INCLUDE REGEX "^src/codec/")
  add_library(tensorfile_bundle_codecs OBJECT ${of_codecs})
  target_compile_features(tensorfile_bundle_codecs PRIVATE cxx_std_20)
  target_compile_definitions(tensorfile_bundle_codecs PRIVATE _FILE_OFFSET_BITS=64)
  target_include_directories(tensorfile_bundle_codecs PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
  target_compile_options(tensorfile_bundle_codecs PRIVATE $<TARGET_PROPERTY:tensorfile_flags,INTERFACE_COMPILE_OPTIONS>)
  target_link_libraries(tensorfile_bundle_codecs PRIVATE ZLIB::ZLIB)
  set_target_properties(tensorfile_bundle_codecs PROPERTIES CXX_EXTENSIONS OFF CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON POSITION_INDEPENDENT_CODE ON)
  set(objects $<FILTER:$<TARGET_OBJECTS:tensorfile_objects>,EXCLUDE,src/codec/>
    $<TARGET_OBJECTS:tensorfile_bundle_codecs>)
endif()

set(bundle ${PROJECT_BINARY_DIR}/${CMAKE_STATIC_LIBRARY_PREFIX}tensorfile_bundle${CMAKE_STATIC_LIBRARY_SUFFIX})
# Groups are dissolved, or the linker would take functions of the program for those of the same name in here.
add_custom_command(OUTPUT ${bundle}
  COMMAND ${CMAKE_C_COMPILER} -r -nostdlib -Wl,--force-group-allocation ${objects} ${TENSORFILE_STATIC_ZLIB}
    -o tensorfile_bundle.o
  COMMAND ${CMAKE_OBJCOPY} --keep-global-symbols=${PROJECT_SOURCE_DIR}/src/api/symbols.txt tensorfile_bundle.o
  COMMAND ${CMAKE_COMMAND} -E rm -f ${bundle}
  COMMAND ${CMAKE_AR} rcs ${bundle} tensorfile_bundle.o
  DEPENDS ${objects} ${PROJECT_SOURCE_DIR}/src/api/symbols.txt
  COMMENT "Bundling tensorfile and zlib in one archive" COMMAND_EXPAND_LISTS VERBATIM)
add_custom_target(tensorfile_bundle ALL DEPENDS ${bundle})

add_library(tensorfile_bundle_as_c INTERFACE)
add_library(tensorfile::bundle ALIAS tensorfile_bundle_as_c)
target_include_directories(tensorfile_bundle_as_c INTERFACE ${PROJECT_SOURCE_DIR}/include)
target_link_libraries(tensorfile_bundle_as_c INTERFACE ${bundle} Threads::Threads)
add_dependencies(tensorfile_bundle_as_c tensorfile_bundle)
