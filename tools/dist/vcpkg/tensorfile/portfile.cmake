# A port for vcpkg, used from a checkout: vcpkg install tensorfile --overlay-ports=tools/dist/vcpkg
# In vcpkg's own repository vcpkg_from_github() replaces the next line, with the checksum of the release.
set(SOURCE_PATH ${CMAKE_CURRENT_LIST_DIR}/../../../..)
string(COMPARE EQUAL ${VCPKG_LIBRARY_LINKAGE} dynamic shared)
string(COMPARE EQUAL ${VCPKG_LIBRARY_LINKAGE} static static)
vcpkg_cmake_configure(SOURCE_PATH ${SOURCE_PATH} OPTIONS -DTENSORFILE_BUILD_SHARED=${shared}
  -DTENSORFILE_BUILD_STATIC=${static} -DTENSORFILE_BUILD_CLI=OFF -DTENSORFILE_NO_ZLIB=ON)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/tensorfile)
vcpkg_fixup_pkgconfig()
file(REMOVE_RECURSE ${CURRENT_PACKAGES_DIR}/debug/include)
vcpkg_install_copyright(FILE_LIST ${SOURCE_PATH}/LICENSE)
