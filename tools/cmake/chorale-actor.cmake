# A toolchain file for projects of their own: their executables become actors.
#   cmake -DCMAKE_TOOLCHAIN_FILE=<checkout>/tools/cmake/chorale-actor.cmake [-DCHORALE_ARCH=riscv64]
# The checkout must have been built for that machine (tools/chorale-cc says how).

set(CHORALE_ARCH x86_64 CACHE STRING "machine: x86_64 or riscv64")
# CMake's own trial projects read this file too, without the cache.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES CHORALE_ARCH)

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${CHORALE_ARCH})
get_filename_component(chorale_root ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)
get_filename_component(chorale_root ${chorale_root} DIRECTORY)
set(CMAKE_C_COMPILER ${chorale_root}/tools/chorale-cc --arch=${CHORALE_ARCH})
set(CMAKE_CXX_COMPILER ${chorale_root}/tools/chorale-c++ --arch=${CHORALE_ARCH})
set(CMAKE_ASM_COMPILER ${CMAKE_C_COMPILER})
set(CMAKE_AR llvm-ar-19 CACHE FILEPATH "archiver")
set(CMAKE_RANLIB llvm-ranlib-19 CACHE FILEPATH "archive indexer")

set(BUILD_SHARED_LIBS OFF)
# What the host has installed is for the host.
set(CMAKE_FIND_ROOT_PATH ${chorale_root}/build/${CHORALE_ARCH}/sdk)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
