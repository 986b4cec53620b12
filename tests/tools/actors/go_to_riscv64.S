/* go_to(stack, entry): goes on at the entry with that stack pointer and no thread pointer. */
    .globl go_to
go_to:
    mv sp, a0
    li tp, 0
    jr a1
    .section .note.GNU-stack, "", @progbits
