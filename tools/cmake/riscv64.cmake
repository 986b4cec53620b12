# Toolchain: freestanding programs for RISC-V, 64 bits.
set(CMAKE_SYSTEM_PROCESSOR riscv64)
include(${CMAKE_CURRENT_LIST_DIR}/freestanding.cmake)
