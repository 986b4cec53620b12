# How much of kernel/ and fastpath/ the tests of the checked flavour reach. Each of them leaves its counters
# in one folder; the test `coverage` waits for all of them, adds up and compares with fuzz/coverage.json.

# %m: processes of one program share a few files, into which each adds its counters at its end.
set(CHORALE_PROFILES ${CMAKE_BINARY_DIR}/profiles)
# For the PROPERTIES of a test.
set(CHORALE_COVERED ENVIRONMENT "LLVM_PROFILE_FILE=${CHORALE_PROFILES}/%4m.profraw" FIXTURES_SETUP coverage)

# What the figure is about: the objects of libraries and programs of the checked flavour; the target makes
# them.
if(NOT TARGET coverage)
  add_custom_target(coverage)
  file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/coverage_objects.txt
    CONTENT "$<JOIN:$<TARGET_GENEX_EVAL:coverage,$<TARGET_PROPERTY:coverage,OBJECTS>>,\n>\n")
endif()

# chorale_covered(targets...): libraries or programs
function(chorale_covered)
  foreach(target ${ARGN})
    add_dependencies(coverage ${target})
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "EXECUTABLE")
      set_property(TARGET coverage APPEND PROPERTY OBJECTS "$<TARGET_FILE:${target}>")
    else()
      # Also those that no program needs.
      set_property(TARGET coverage APPEND PROPERTY OBJECTS "$<TARGET_OBJECTS:${target}>")
    endif()
  endforeach()
endfunction()

# chorale_test_sources([COUNTED] sources...): code that looks and is not looked at. Nobody waits for it to
# run, and unless what it includes of the nucleus is to be COUNTED nobody counts its lines: it is compiled in
# two thirds of the time. (Of sources, to come after the flavour's options.)
function(chorale_test_sources)
  cmake_parse_arguments(arg "COUNTED" "" "" ${ARGN})
  set(options -O1 -g1 -fno-sanitize=fuzzer-no-link)
  if(NOT arg_COUNTED)
    list(APPEND options -fno-profile-instr-generate -fno-coverage-mapping)
  endif()
  set_source_files_properties(${arg_UNPARSED_ARGUMENTS} PROPERTIES COMPILE_OPTIONS "${options}")
endfunction()
