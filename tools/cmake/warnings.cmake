# What every target of the project is compiled with.
#
#   chorale_warnings(target)               warnings, as errors, and reproducible output
#   chorale_nucleus_flags(target)          code that runs in the nucleus (supervisor mode)
#   chorale_fastpath_sources(target f...)  files of such a target whose code must keep the frame-pointer free
#   chorale_user_flags(target [GENERAL_REGS_ONLY])  static user actor, linked from 0x400000 up
#   chorale_extended_flags(target)         what programs with a C library of their own link (lib/sdk)
#   chorale_supervisor_flags(target)       code of supervisor actors: any address, the nucleus's privilege

set(CHORALE_WARNINGS
  -Wall -Wextra -Wpedantic -Werror
  -Wshadow -Wconversion -Wsign-conversion -Wcast-align -Wcast-qual -Wformat=2 -Wimplicit-fallthrough
  -Wnull-dereference -Wdouble-promotion -Wundef -Wvla -Wdate-time -Wpointer-arith -Wstrict-prototypes
  -Wmissing-prototypes -Wmissing-variable-declarations -Wunreachable-code -Wunused -Wcomma
  -Wconditional-uninitialized -Wthread-safety
  # Extensions that the machine needs: statement expressions and unnamed structs; anything else is an error.
  -Wno-gnu-statement-expression -Wno-gnu-anonymous-struct -Wno-nested-anon-types)
set(CHORALE_CXX_WARNINGS
  -Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual -Wextra-semi -Wzero-as-null-pointer-constant
  -Wsuggest-override -Winconsistent-missing-destructor-override -Wrange-loop-analysis
  -Wimplicit-int-conversion)

# Two builds of the same sources give the same bytes, wherever they stand: no path and no date gets in.
# A file is named as from the checkout's top, where ./chorale debug starts gdb.
set(CHORALE_REPRODUCIBLE
  -ffile-prefix-map=${CMAKE_BINARY_DIR}/=build/ -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=
  -fdebug-compilation-dir=. -no-canonical-prefixes)

function(chorale_warnings target)
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:C,CXX>:${CHORALE_WARNINGS}>
    $<$<COMPILE_LANGUAGE:CXX>:${CHORALE_CXX_WARNINGS}>
    ${CHORALE_REPRODUCIBLE})
  set_target_properties(${target} PROPERTIES
    CXX_STANDARD 23 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF C_STANDARD 17 C_EXTENSIONS OFF)
endfunction()

# What nucleus and user actors share: no exceptions, RTTI or unwinding, sections for the linker to drop.
set(CHORALE_TARGET_OPTIONS
  $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-use-cxa-atexit
    -fno-c++-static-destructors>
  $<$<COMPILE_LANGUAGE:C,CXX>:-ffunction-sections -fdata-sections -fno-common -fno-strict-aliasing
    -fno-asynchronous-unwind-tables -fno-unwind-tables -fcf-protection=none -fno-stack-protector
    -fno-pic -fno-pie>)

# riscv64: every language, as the linker joins only objects of one floating-point convention. That is lp64,
# floating-point arguments in general registers, also where actors may use floating point: they link the same
# library. The nucleus leaves those registers to the interrupted user thread.
set(CHORALE_RISCV_USER -march=rv64gc -mabi=lp64)
set(CHORALE_RISCV_USER_GENERAL_REGS -march=rv64imac_zicsr -mabi=lp64)
set(CHORALE_RISCV_NUCLEUS -march=rv64imac_zicsr_zifencei -mabi=lp64)
# t3 to t6: half of a message stays in them on its way through the nucleus, which therefore leaves them alone.
# t2: so that a short call need not clear it. (chorus/machine_registers.h, arch/riscv64/call_entry.S)
set(CHORALE_RISCV_MESSAGE_REGISTERS -ffixed-x7 -ffixed-x28 -ffixed-x29 -ffixed-x30 -ffixed-x31)

function(chorale_nucleus_flags target)
  # Stack protector: off. Each stack has a guard page below it; a canary would cost the fast path loads. Frame
  # pointers: on, so that a panic can walk the stack without unwind tables; leaf functions do without, which
  # hides at most the caller of the innermost one.
  target_compile_options(${target} PRIVATE ${CHORALE_TARGET_OPTIONS}
    $<$<COMPILE_LANGUAGE:C,CXX>:-fno-omit-frame-pointer -momit-leaf-frame-pointer
      -Wframe-larger-than=2048>)
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    # Such programs may move themselves, so all of it can; on riscv64 they pass floating point in its
# registers.
function(chorale_extended_flags target)
  target_compile_options(${target} PRIVATE ${CHORALE_TARGET_OPTIONS} -O2 -fPIC)
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "riscv64")
    target_compile_options(${target} PRIVATE -march=rv64gc -mabi=lp64d)
  endif()
endfunction()

# An interrupt uses the stack below rsp; vector registers belong to the interrupted user thread.
    # Not -mgeneral-regs-only: without x87 clang refuses the long double overloads in libstdc++'s headers,
    # though nothing calls them (tools/cost sees to it that no x87 instruction is emitted).
    target_compile_options(${target} PRIVATE
      $<$<COMPILE_LANGUAGE:C,CXX>:-mno-red-zone -mno-mmx -mno-sse -mno-implicit-float -mcmodel=kernel>)
  elseif(CMAKE_SYSTEM_PROCESSOR STREQUAL "riscv64")
    target_compile_options(${target} PRIVATE ${CHORALE_RISCV_NUCLEUS} -mcmodel=medlow
      $<$<COMPILE_LANGUAGE:C,CXX>:${CHORALE_RISCV_MESSAGE_REGISTERS} -mno-implicit-float>)
  endif()
  target_link_options(${target} PRIVATE -Wl,--gc-sections -Wl,-z,max-page-size=0x1000 -Wl,-z,norelro)
endfunction()

function(chorale_fastpath_sources target)
  set(options -O2 -fomit-frame-pointer -momit-leaf-frame-pointer)
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "riscv64")
    list(APPEND options -ffixed-x17) # a7: what it holds at the entry it still holds at the exit
  endif()
  set_source_files_properties(${ARGN} TARGET_DIRECTORY ${target} PROPERTIES COMPILE_OPTIONS "${options}")
endfunction()

function(chorale_user_flags target)
  cmake_parse_arguments(option "GENERAL_REGS_ONLY" "" "" ${ARGN})
  target_compile_options(${target} PRIVATE ${CHORALE_TARGET_OPTIONS} $<$<COMPILE_LANGUAGE:C,CXX>:-O2>)
  if(option_GENERAL_REGS_ONLY AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    target_compile_options(${target} PRIVATE
      $<$<COMPILE_LANGUAGE:C,CXX>:-mno-mmx -mno-sse -mno-implicit-float>)
  elseif(option_GENERAL_REGS_ONLY AND CMAKE_SYSTEM_PROCESSOR STREQUAL "riscv64")
    target_compile_options(${target} PRIVATE ${CHORALE_RISCV_USER_GENERAL_REGS})
  elseif(CMAKE_SYSTEM_PROCESSOR STREQUAL "riscv64")
    target_compile_options(${target} PRIVATE ${CHORALE_RISCV_USER})
  endif()
  target_link_options(${target} PRIVATE -Wl,--image-base=0x400000 -Wl,--gc-sections
    -Wl,-z,max-page-size=0x1000 -Wl,-z,separate-code -Wl,-z,norelro)
endfunction()

# Such programs may move themselves, so all of it can; on riscv64 they pass floating point in its
# registers.
function(chorale_extended_flags target)
  target_compile_options(${target} PRIVATE ${CHORALE_TARGET_OPTIONS} -O2 -fPIC)
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "riscv64")
    target_compile_options(${target} PRIVATE -march=rv64gc -mabi=lp64d)
  endif()
endfunction()

# An interrupt uses the stack below the stack pointer; floating point belongs to user threads. The general
# options come first: -fPIC takes their -fno-pic back.
function(chorale_supervisor_flags target)
  target_compile_options(${target} PRIVATE ${CHORALE_TARGET_OPTIONS}
    $<$<COMPILE_LANGUAGE:C,CXX>:-O2 -fPIC -fno-plt -fno-omit-frame-pointer>)
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    target_compile_options(${target} PRIVATE
      $<$<COMPILE_LANGUAGE:C,CXX>:-mno-red-zone -mno-mmx -mno-sse -mno-implicit-float>)
  elseif(CMAKE_SYSTEM_PROCESSOR STREQUAL "riscv64")
    target_compile_options(${target} PRIVATE ${CHORALE_RISCV_USER_GENERAL_REGS})
  endif()
endfunction()
