# The sources of other projects, which ./chorale fetches (tools/sources.txt) into CHORALE_THIRD_PARTY.
#
#   chorale_third_party(variable package)   the folder of a package
include_guard(GLOBAL)

set(CHORALE_THIRD_PARTY ${PROJECT_SOURCE_DIR}/build/third-party CACHE PATH "unpacked third-party sources")

function(chorale_third_party variable package)
  set(list ${PROJECT_SOURCE_DIR}/tools/sources.txt)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${list})
  file(STRINGS ${list} line REGEX "^${package} ")
  if(NOT line MATCHES "^${package} +([^ ]+) ")
    message(FATAL_ERROR "tools/sources.txt has no ${package}")
  endif()
  set(directory ${CHORALE_THIRD_PARTY}/${package}-${CMAKE_MATCH_1})
  if(NOT EXISTS ${directory}/.complete)
    message(FATAL_ERROR "the source of ${package} is not in ${directory}: type ./chorale setup")
  endif()
  set(${variable} ${directory} PARENT_SCOPE)
endfunction()
