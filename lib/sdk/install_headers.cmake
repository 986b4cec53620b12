# Copies the headers that programs include.
#   cmake -DMUSL=<its source> -DGENERATED=<what was made of it> -DROOT=<this checkout> -DARCH=<machine>
#         -DOUTPUT=<sdk> -P install_headers.cmake
# <sdk>/include: the C library's and the nucleus's, for C; <sdk>/chorus/include: the nucleus's alone, for
# programs with a C library of their own.

file(REMOVE_RECURSE ${OUTPUT}/include ${OUTPUT}/chorus/include)
# The machine's own headers replace general ones of the same name.
file(COPY ${MUSL}/include/ DESTINATION ${OUTPUT}/include PATTERN *.in EXCLUDE)
file(COPY ${MUSL}/arch/generic/bits DESTINATION ${OUTPUT}/include PATTERN *.in EXCLUDE)
file(COPY ${MUSL}/arch/${ARCH}/bits DESTINATION ${OUTPUT}/include PATTERN *.in EXCLUDE)
file(COPY ${GENERATED}/include/bits DESTINATION ${OUTPUT}/include)
foreach(folder include arch/${ARCH}/public)
  file(COPY ${ROOT}/${folder}/ DESTINATION ${OUTPUT}/include)
  file(COPY ${ROOT}/${folder}/ DESTINATION ${OUTPUT}/chorus/include)
endforeach()
# <chorus/message.hpp> stands on these.
foreach(target include chorus/include)
  file(COPY ${ROOT}/lib/arch/transfer.hpp DESTINATION ${OUTPUT}/${target}/arch)
  file(COPY ${ROOT}/lib/arch/${ARCH}/include/actor/message.hpp DESTINATION ${OUTPUT}/${target}/actor)
endforeach()
