/* Where a thread begins that libchorus.a's threadCreate() makes (lib/musl/thread.c). On its stack lie its
 * control block and the entry that the program gave; at that entry the stack pointer is the program's own and
 * the other registers are 0, but for tp, gp (the linker's) and ra, which is the entry. */
    .section .text.chorus_thread_entry, "ax", @progbits
    .globl chorus_thread_entry
    .hidden chorus_thread_entry
    .type chorus_thread_entry, @function
chorus_thread_entry:
    .weak   __global_pointer$
    .hidden __global_pointer$
    .option push
    .option norelax
    lla     gp, __global_pointer$
    .option pop
    ld      a0, 0(sp)
    mv      s0, sp
    andi    sp, sp, -16
    call    chorus_thread_begin
    ld      ra, 8(s0)
    addi    sp, s0, 16
    .irp    register, t0, t1, t2, t3, t4, t5, t6, s0, a0, a1, a2, a3, a4, a5, a6, a7
    li      \register, 0
    .endr
    jr      ra
    .size chorus_thread_entry, . - chorus_thread_entry

    .section .note.GNU-stack, "", @progbits
