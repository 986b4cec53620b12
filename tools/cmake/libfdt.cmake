# libfdt, compiled from the source package that ./chorale fetches (tools/sources.txt).
#
#   chorale_libfdt(target [WRITER] [options...])   a static library, compiled with `options`: what reads a
#                                                  device tree and, with WRITER, what makes one
#
# What links it includes kernel/boot/libfdt/libfdt.hpp. It needs memchr, memcmp and strlen of its program.

include(${CMAKE_CURRENT_LIST_DIR}/third_party.cmake)

function(chorale_libfdt target)
  cmake_parse_arguments(option "WRITER" "" "" ${ARGN})
  chorale_third_party(package u-boot)
  set(folder ${package}/scripts/dtc/libfdt)
  add_library(${target} STATIC ${folder}/fdt.c ${folder}/fdt_ro.c)
  if(option_WRITER)
    target_sources(${target} PRIVATE ${folder}/fdt_sw.c)
  endif()
  # Ours first: it has the libfdt_env.h that all of them include.
  target_include_directories(${target} SYSTEM PUBLIC ${PROJECT_SOURCE_DIR}/kernel/boot/libfdt ${folder})
  # FDT_ASSUME_MASK 2: formats before version 16 are not read, kernel/boot/device_tree.cpp refuses them first.
  # Its warnings are its authors' affair; what it may do at run time is not, so sanitizers are options.
  target_compile_options(${target} PRIVATE -w ${CHORALE_REPRODUCIBLE}
    "SHELL:-include \"${PROJECT_SOURCE_DIR}/kernel/boot/libfdt/c_library.h\""
    -ffile-prefix-map=${CHORALE_THIRD_PARTY}/=build/third-party/ ${option_UNPARSED_ARGUMENTS})
  target_compile_definitions(${target} PRIVATE FDT_ASSUME_MASK=2)
  set_target_properties(${target} PROPERTIES C_STANDARD 17 C_EXTENSIONS OFF)
endfunction()
