# Programs in C and C++ that run under C_OS, linked with musl and libchorus.a: targets that go into banks.
#
#   chorale_program(name sources...)   an executable `name`; <build>/bin/<name> is it, stripped
#
# C++ is libstdc++'s headers over musl, without its library, as in the nucleus: strings and vectors, no
# streams, no exceptions (support/). That is a matter of folders: one that includes this compiles all its C++
# so.

set(CHORALE_SUPPORT ${CMAKE_CURRENT_LIST_DIR}/support)
set(CMAKE_CXX_FLAGS "-nostdinc -nostdinc++ -isystem \"${CHORALE_SUPPORT}/include\"")
foreach(directory IN LISTS CHORALE_LIBSTDCXX_DIRS)
  string(APPEND CMAKE_CXX_FLAGS " -isystem \"${directory}\"")
endforeach()
set(CMAKE_C_FLAGS "-nostdinc")

function(chorale_program name)
  add_executable(${name} ${ARGN} ${CHORALE_SUPPORT}/runtime.cpp)
  add_dependencies(${name} sdk)
  chorale_warnings(${name})
  chorale_extended_flags(${name})
  # The headers' own templates are instantiated here, as no library has them.
  target_compile_definitions(${name} PRIVATE _GNU_SOURCE
    $<$<COMPILE_LANGUAGE:CXX>:_GLIBCXX_EXTERN_TEMPLATE=0>)
  target_compile_options(${name} PRIVATE --target=${CHORALE_ARCH}-linux-musl -isystem ${CHORALE_SDK}/include)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/actors)
  # The start files come first, and what all else may need in a circle comes last.
  target_link_options(${name} PRIVATE -Wl,--gc-sections -Wl,-z,max-page-size=0x1000 -Wl,-z,separate-code
    ${CHORALE_SDK}/lib/crt1.o ${CHORALE_SDK}/lib/crti.o)
  target_link_libraries(${name} PRIVATE -Wl,--start-group ${CHORALE_SDK}/lib/libchorus.a
    ${CHORALE_SDK}/lib/libc.a ${CHORALE_SDK}/lib/libgcc.a -Wl,--end-group ${CHORALE_SDK}/lib/crtn.o)
  set(stripped ${CMAKE_BINARY_DIR}/bin/${name})
  add_custom_command(OUTPUT ${stripped}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/bin
    COMMAND ${CMAKE_OBJCOPY} --strip-all $<TARGET_FILE:${name}> ${stripped}
    DEPENDS ${name} VERBATIM)
  add_custom_target(${name}_stripped ALL DEPENDS ${stripped})
endfunction()
