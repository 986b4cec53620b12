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
  set(version ${CMAKE_MATCH_1})
  # Of a binary package, name:machine, the folder has neither the machine nor the version's epoch in its name.
  string(REGEX REPLACE ":.*" "" name ${package})
  string(REGEX REPLACE "^[0-9]+:" "" version ${version})
  set(directory ${CHORALE_THIRD_PARTY}/${name}-${version})
  if(NOT EXISTS ${directory}/.complete)
    message(FATAL_ERROR "the source of ${package} is not in ${directory}: type ./chorale setup")
  endif()
  set(${variable} ${directory} PARENT_SCOPE)
endfunction()
