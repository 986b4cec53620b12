# The parts of BearSSL that C_OS uses, compiled from the source package that ./chorale fetches
# (tools/sources.txt).
#
#   chorale_bearssl(target [options...])   an object library, compiled with `options`; it needs memcpy and
#                                          memset of its program
include(${CMAKE_CURRENT_LIST_DIR}/third_party.cmake)

function(chorale_bearssl target)
  chorale_third_party(package bearssl)
  add_library(${target} OBJECT ${package}/src/symcipher/chacha20_ct.c ${package}/src/hash/sha2small.c
    ${package}/src/codec/dec32be.c ${package}/src/codec/enc32be.c)
  target_include_directories(${target} SYSTEM PUBLIC ${package}/inc)
  target_include_directories(${target} PRIVATE ${package}/src)
  if(CMAKE_SYSTEM_NAME STREQUAL "Generic")
    target_include_directories(${target} SYSTEM PUBLIC ${PROJECT_SOURCE_DIR}/c_os/file/bearssl)
  endif()
  # Its warnings are its authors' affair. No code for special instructions: they need registers that
  # supervisor actors leave alone.
  target_compile_options(${target} PRIVATE -w ${CHORALE_REPRODUCIBLE}
    -ffile-prefix-map=${CHORALE_THIRD_PARTY}/=build/third-party/ ${ARGN})
  target_compile_definitions(${target} PRIVATE BR_AES_X86NI=0 BR_SSE2=0 BR_RDRAND=0 BR_USE_URANDOM=0
    BR_USE_WIN32_RAND=0 BR_USE_UNIX_TIME=0 BR_USE_WIN32_TIME=0 BR_USE_GETENTROPY=0)
  set_target_properties(${target} PROPERTIES C_STANDARD 17 C_EXTENSIONS OFF)
endfunction()
