# zlib's half that inflates, compiled from the source package that ./chorale fetches (tools/sources.txt).
#
#   chorale_zlib(target [options...])   a static library, compiled with `options`
#
# It needs no C library but the mem*() functions; who uses it gives it zalloc and zfree.
include(${CMAKE_CURRENT_LIST_DIR}/third_party.cmake)

function(chorale_zlib target)
  chorale_third_party(package zlib)
  add_library(${target} STATIC)
  foreach(source adler32 crc32 inffast inflate inftrees zutil)
    target_sources(${target} PRIVATE ${package}/${source}.c)
  endforeach()
  target_include_directories(${target} SYSTEM PUBLIC ${package})
  target_compile_definitions(${target} PUBLIC Z_SOLO ZLIB_CONST)
  target_compile_options(${target} PRIVATE -w ${CHORALE_REPRODUCIBLE}
    -ffile-prefix-map=${CHORALE_THIRD_PARTY}/=build/third-party/ ${ARGN})
endfunction()
