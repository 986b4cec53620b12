# Toolchain: freestanding programs for x86-64.
set(CMAKE_SYSTEM_PROCESSOR x86_64)
include(${CMAKE_CURRENT_LIST_DIR}/freestanding.cmake)
