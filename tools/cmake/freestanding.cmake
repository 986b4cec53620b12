# What the toolchains of the machines share: clang-19 and lld-19 making freestanding programs. A toolchain
# file sets CMAKE_SYSTEM_PROCESSOR to the machine and includes this.
#
# Invariant: no header of the host's C library is reachable. The C++ headers are libstdc++'s, taken from
# where the host's clang finds them and used header-only; tools/cmake/freestanding stands before them and
# takes away what would need a C library (threads, futexes, wide characters) or the host's processor.

set(CMAKE_SYSTEM_NAME Generic)

set(CMAKE_C_COMPILER clang-19)
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_ASM_COMPILER clang-19)
set(CMAKE_AR llvm-ar-19 CACHE FILEPATH "archiver")
set(CMAKE_RANLIB llvm-ranlib-19 CACHE FILEPATH "archive indexer")
set(CMAKE_NM llvm-nm-19 CACHE FILEPATH "symbol lister")
set(CMAKE_OBJCOPY llvm-objcopy-19 CACHE FILEPATH "object copier")
set(CMAKE_OBJDUMP llvm-objdump-19 CACHE FILEPATH "disassembler")
set(CMAKE_STRIP llvm-strip-19 CACHE FILEPATH "stripper")

foreach(language C CXX ASM)
  set(CMAKE_${language}_COMPILER_TARGET ${CMAKE_SYSTEM_PROCESSOR}-unknown-none-elf)
endforeach()
# A freestanding program has no start files: compiler checks build an archive, not an executable.
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)

if(NOT DEFINED CACHE{CHORALE_LIBSTDCXX_DIRS})
  execute_process(
    COMMAND ${CMAKE_CXX_COMPILER} -v -x c++ -E /dev/null
    OUTPUT_QUIET ERROR_VARIABLE chorale_probe RESULT_VARIABLE chorale_probe_status)
  string(REGEX MATCHALL "\n /[^\n]*/c\\+\\+/[0-9]+" chorale_found "${chorale_probe}")
  set(chorale_directories "")
  foreach(line IN LISTS chorale_found)
    string(STRIP "${line}" line)
    get_filename_component(line "${line}" REALPATH)
    list(APPEND chorale_directories "${line}")
  endforeach()
  list(REMOVE_DUPLICATES chorale_directories)
  if(NOT chorale_probe_status EQUAL 0 OR chorale_directories STREQUAL "")
    message(FATAL_ERROR "clang++-19 finds no libstdc++ headers: install libstdc++-12-dev (./chorale setup)")
  endif()
  set(CHORALE_LIBSTDCXX_DIRS "${chorale_directories}" CACHE STRING "libstdc++ include directories")
endif()

set(chorale_c_flags "-ffreestanding -nostdlibinc")
set(chorale_cxx_flags "${chorale_c_flags} -nostdinc++ -isystem \"${CMAKE_CURRENT_LIST_DIR}/freestanding\"")
foreach(directory IN LISTS CHORALE_LIBSTDCXX_DIRS)
  string(APPEND chorale_cxx_flags " -isystem \"${directory}\"")
endforeach()
set(CMAKE_C_FLAGS_INIT "${chorale_c_flags}")
set(CMAKE_CXX_FLAGS_INIT "${chorale_cxx_flags}")
set(CMAKE_ASM_FLAGS_INIT "${chorale_c_flags}")

# clang's bare-metal driver hands the link to a host gcc, its Linux driver calls lld itself. Only the link
# line sees this target: it chooses a driver, the objects keep theirs.
string(CONCAT CMAKE_EXE_LINKER_FLAGS_INIT "--target=${CMAKE_SYSTEM_PROCESSOR}-linux-gnu -fuse-ld=lld-19 "
  "-nostdlib -static -Wl,--build-id=none -Wl,-z,noexecstack")

set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
