# Toolchain: the same compiler for Linux programs (tests, tools, the host machine).
set(CMAKE_C_COMPILER clang-19)
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_ASM_COMPILER clang-19)
set(CMAKE_AR llvm-ar-19 CACHE FILEPATH "archiver")
set(CMAKE_RANLIB llvm-ranlib-19 CACHE FILEPATH "archive indexer")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-fuse-ld=lld-19 -Wl,--build-id=none")
set(CMAKE_SHARED_LINKER_FLAGS_INIT "-fuse-ld=lld-19 -Wl,--build-id=none")
