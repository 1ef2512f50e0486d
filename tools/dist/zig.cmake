# The toolchain of platforms.py: zig as the cross-compiler. ZIG_TOOLS is a folder with the commands that native.py wrote;
# ZIG_SYSTEM and ZIG_PROCESSOR are what CMake calls the platform.
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ZIG_TOOLS ZIG_SYSTEM ZIG_PROCESSOR)
# Linking a program in C++ makes zig build the C++ library, without the optimization of the real one, which is too much
# for a question of CMake's: so neither its tests nor the one for the kind of compiler link.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_C_COMPILER_ID_FLAGS_ALWAYS -c)
set(CMAKE_CXX_COMPILER_ID_FLAGS_ALWAYS -c)
set(CMAKE_SYSTEM_NAME ${ZIG_SYSTEM})
set(CMAKE_SYSTEM_PROCESSOR ${ZIG_PROCESSOR})
foreach(tool IN ITEMS AR RANLIB RC_COMPILER)
  string(TOLOWER ${tool} name)
  set(CMAKE_${tool} ${ZIG_TOOLS}/${name})
endforeach()
set(CMAKE_C_COMPILER ${ZIG_TOOLS}/cc)
set(CMAKE_CXX_COMPILER ${ZIG_TOOLS}/cxx)
# Everything is linked with its final names and without symbols, and an edit would invalidate the signature that zig
# gives programs for arm64 macOS. So there is nothing to do for this tool, which CMake demands.
set(CMAKE_INSTALL_NAME_TOOL ${ZIG_TOOLS}/nothing)
set(CMAKE_BUILD_WITH_INSTALL_RPATH ON)
set(CMAKE_BUILD_WITH_INSTALL_NAME_DIR ON)
set(CMAKE_INSTALL_NAME_DIR "@rpath")
set(CMAKE_OSX_SYSROOT "")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
