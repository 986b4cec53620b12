# The file layer of C_OS (base, file, file_calls, security).
#
#   chorale_c_os_file(target)   an object library; the caller adds flags, and BearSSL (bearssl.cmake)
include(${CMAKE_CURRENT_LIST_DIR}/bearssl.cmake)

function(chorale_c_os_file target)
  set(folder ${PROJECT_SOURCE_DIR}/c_os)
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/base/*.cpp ${folder}/file/*.cpp ${folder}/file/ram/*.cpp
    ${folder}/file_calls/*.cpp ${folder}/security.cpp)
  if(CHORALE_ARCH STREQUAL "host")
    # The heap is the tests' own, as is all that C_OS calls of the nucleus.
    list(REMOVE_ITEM sources ${folder}/base/heap.cpp ${folder}/base/page_pool.cpp)
    set(machine ${CMAKE_HOST_SYSTEM_PROCESSOR})
  else()
    set(machine ${CHORALE_ARCH})
  endif()
  add_library(${target} OBJECT ${sources} ${PROJECT_SOURCE_DIR}/formats/cpio.cpp)
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include
    ${PROJECT_SOURCE_DIR}/arch/${CHORALE_ARCH}/public ${folder}/arch/${machine})
  chorale_warnings(${target})
endfunction()
