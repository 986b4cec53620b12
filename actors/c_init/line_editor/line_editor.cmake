# linenoise, the line editor, compiled from the source of jimtcl, whose authors keep the version of it that
# knows UTF-8.
#
#   chorale_line_editor(name)   an object library; CHORALE_LINE_EDITOR is where its header is

chorale_third_party(CHORALE_LINE_EDITOR jimtcl)
set(CHORALE_LINE_EDITOR_FOLDER ${CMAKE_CURRENT_LIST_DIR})

function(chorale_line_editor name)
  add_library(${name} OBJECT ${CHORALE_LINE_EDITOR}/linenoise.c)
  target_compile_definitions(${name} PRIVATE USE_UTF8 _GNU_SOURCE)
  # utf8.h: jimtcl's own is not unpacked.
  target_include_directories(${name} PRIVATE ${CHORALE_LINE_EDITOR_FOLDER} ${CHORALE_LINE_EDITOR})
  target_compile_options(${name} PRIVATE ${CHORALE_REPRODUCIBLE}
    -ffile-prefix-map=${CHORALE_THIRD_PARTY}/=build/third-party/ -w)
endfunction()
