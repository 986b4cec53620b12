# What musl's Makefile makes before it compiles: the headers that other files of its source spell out.
#   cmake -DSOURCE=<musl> -DARCH=<machine> -DVERSION=<text> -DOUTPUT=<folder> -P generate.cmake
# Writes include/bits/alltypes.h, include/bits/syscall.h and internal/version.h below the folder.

file(MAKE_DIRECTORY ${OUTPUT}/include/bits ${OUTPUT}/internal)
execute_process(
  COMMAND sed -f ${SOURCE}/tools/mkalltypes.sed ${SOURCE}/arch/${ARCH}/bits/alltypes.h.in
    ${SOURCE}/include/alltypes.h.in
  OUTPUT_FILE ${OUTPUT}/include/bits/alltypes.h COMMAND_ERROR_IS_FATAL ANY)
file(READ ${SOURCE}/arch/${ARCH}/bits/syscall.h.in numbers)
string(REGEX MATCHALL "[^\n]*__NR_[^\n]*\n" again "${numbers}")
list(JOIN again "" again)
string(REPLACE "__NR_" "SYS_" again "${again}")
file(WRITE ${OUTPUT}/include/bits/syscall.h "${numbers}${again}")
file(WRITE ${OUTPUT}/internal/version.h "#define VERSION \"${VERSION}\"\n")
