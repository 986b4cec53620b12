/* Raw calls, register and floating-point contents for the target tests. The tests are compiled without
 * floating point: only this file uses it. */
#include <chorus/message_registers.h>

    .option arch, +d, +zifencei

    .text

/* On the stack: what C keeps, as a message call loses most of it. */
#define SAVED_GP 104
#define SAVED_TP 112
#define SAVED_POINTER 120
#define SAVED_RESULT 128
#define SAVED_BYTES 144

    .macro for_saved operation
    \operation ra, 0(sp)
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    \operation s\n, (8 + 8 * \n)(sp)
    .endr
    .endm

/* long raw_call(const RawCall* a0) */
    .globl raw_call
    .type raw_call, @function
raw_call:
    addi    sp, sp, -SAVED_BYTES
    for_saved sd
    mv      t0, a0
    ld      a7, 0(t0)
    ld      a0, 8(t0)
    ld      a1, 16(t0)
    ld      a2, 24(t0)
    ld      a3, 32(t0)
    ld      a4, 40(t0)
    ld      a5, 48(t0)
    li      s1, 0
    ecall
    for_saved ld
    addi    sp, sp, SAVED_BYTES
    ret
    .size raw_call, . - raw_call

/* void call_with_registers(Registers* a0): x0 to x31; x0 and x2 (sp) are left alone */
    .macro for_all_but_a0 operation
    .irp n, 1, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, \
            29, 30, 31
    \operation x\n, (8 * \n)(a0)
    .endr
    .endm

    .globl call_with_registers
    .type call_with_registers, @function
call_with_registers:
    addi    sp, sp, -SAVED_BYTES
    for_saved sd
    sd      gp, SAVED_GP(sp)
    sd      tp, SAVED_TP(sp)
    sd      a0, SAVED_POINTER(sp)
    for_all_but_a0 ld
    ld      a0, (8 * 10)(a0)
    ecall
    sd      a0, SAVED_RESULT(sp)
    ld      a0, SAVED_POINTER(sp)
    for_all_but_a0 sd
    ld      t0, SAVED_RESULT(sp)
    sd      t0, (8 * 10)(a0)
    ld      gp, SAVED_GP(sp)
    ld      tp, SAVED_TP(sp)
    for_saved ld
    addi    sp, sp, SAVED_BYTES
    ret
    .size call_with_registers, . - call_with_registers

/* void load_floating(const void* a0), void store_floating(void* a0): f0 to f31
 * void set_floating_status(unsigned a0), unsigned get_floating_status(): fcsr */
    .macro for_all_floating operation
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, \
            26, 27, 28, 29, 30, 31
    \operation f\n, (8 * \n)(a0)
    .endr
    .endm

    .globl load_floating, store_floating, set_floating_status, get_floating_status
load_floating:
    for_all_floating fld
    ret
store_floating:
    for_all_floating fsd
    ret
set_floating_status:
    fscsr   a0
    ret
get_floating_status:
    frcsr   a0
    ret

/* ---- faults: each is a thread body ---- */
    .macro fault name
    .globl fault_\name
fault_\name:
    .endm

#define NUCLEUS 0xffffffff80000000
#define NUCLEUS_CODE 0xffffffff80201000
#define DIRECT_MAP 0xffffffc000000000
#define ABOVE_39_BITS 0x0000004000000000
#define NON_CANONICAL 0x0000900000000000

    fault null_write
    sd      zero, 0(zero)
    ret
    fault null_read
    ld      t0, 0(zero)
    ret
    fault null_call
    jr      zero
    fault text_write
    la      t0, fault_text_write
    sb      zero, 0(t0)
    ret
    fault constant_write
    la      t0, fault_constant
    sb      zero, 0(t0)
    ret
    fault data_execution
    la      t0, fault_bytes
    jr      t0
    fault nucleus_read
    li      t0, NUCLEUS
    ld      t0, 0(t0)
    ret
    fault nucleus_write
    li      t0, NUCLEUS_CODE
    sd      zero, 0(t0)
    ret
    fault nucleus_jump
    li      t0, NUCLEUS_CODE
    jr      t0
    fault direct_map_read
    li      t0, DIRECT_MAP
    ld      t0, 0(t0)
    ret
    fault last_byte_read
    lbu     t0, -1(zero)
    ret
    fault above_39_bits_read
    li      t0, ABOVE_39_BITS
    ld      t0, 0(t0)
    ret
    fault non_canonical_read
    li      t0, NON_CANONICAL
    ld      t0, 0(t0)
    ret
    fault non_canonical_jump
    li      t0, NON_CANONICAL
    jr      t0
    /* Across the end of 64 bytes: no machine does that at once. */
    fault misaligned_atomic
    andi    t0, sp, -64
    addi    t0, t0, -4
    amoadd.d t0, zero, (t0)
    ret
    fault misaligned_reservation
    andi    t0, sp, -64
    addi    t0, t0, -4
    lr.d    t0, (t0)
    ret
    fault null_atomic
    amoadd.w t0, zero, (zero)
    ret
    fault nucleus_reservation
    li      t0, NUCLEUS
    lr.d    t0, (t0)
    ret
    fault text_atomic
    la      t0, fault_text_write
    andi    t0, t0, -4
    amoor.w t0, zero, (t0)
    ret
    fault undefined
    unimp
    fault undefined_short
    .2byte  0
    fault undefined_ones
    .4byte  0xffffffff
    fault breakpoint
    .option push
    .option norvc
    ebreak
    .option pop
    ret
    fault short_breakpoint
    c.ebreak
    ret
    fault supervisor_return
    sret
    fault machine_return
    mret
    /* May go on at once as well, but must not stop the CPU. */
    fault wait_for_interrupt
    wfi
    unimp
    fault interrupts_off
    csrci   sstatus, 2
    ret
    fault status_read
    csrr    t0, sstatus
    ret
    fault root_read
    csrr    t0, satp
    ret
    fault root_write
    csrw    satp, zero
    ret
    fault trap_vector_write
    csrw    stvec, zero
    ret
    fault scratch_read
    csrr    t0, sscratch
    ret
    fault machine_register_read
    csrr    t0, mhartid
    ret
    fault counter_write
    csrw    time, zero
    ret
    fault translation_flush
    sfence.vma
    ret
    fault hypervisor_load
    .4byte  0x6c0142f3 /* hlv.d t0, (sp) */
    ret
    fault cache_invalidate
    .4byte  0x0001200f /* cbo.inval (sp) */
    ret
    fault vector_use
    .4byte  0xcc007057 /* vsetivli zero, 0, e8, m1, ta, ma: nobody keeps vector registers */
    ret
    /* An illegal instruction though floating point is on: asking for it to be switched on must end. */
    fault reserved_rounding
    li      t0, 5
    fsrm    t0
    fadd.s  ft0, ft0, ft0, dyn
    ret
    fault stack_overflow
    addi    sp, sp, -2048
    sd      zero, 0(sp)
    j       fault_stack_overflow
    fault stack_in_nucleus
    li      sp, NUCLEUS
    sd      zero, -8(sp)
    ret
    fault stack_non_canonical
    li      sp, NON_CANONICAL
    sd      zero, -8(sp)
    ret
    fault pointers_in_nucleus /* with every register that the nucleus uses for itself */
    li      gp, NUCLEUS
    mv      tp, gp
    mv      sp, gp
    mv      s0, gp
    unimp

/* ---- oddities: the nucleus must not be impressed; each returns, unless what it changed was not kept ---- */
    .macro oddity name
    .globl oddity_\name
oddity_\name:
    .endm

#define NULL_CALL (CHORUS_CALL_BASE + 2)
#define YIELD (CHORUS_CALL_BASE + 133)

    .macro both_calls
    li      a7, NULL_CALL
    ecall
    li      a0, 0
    li      a7, YIELD
    ecall
    .endm

    /* Both calls with `register` = `value`; `spare` keeps what it had. */
    .macro both_calls_with register, value, spare
    addi    sp, sp, -16
    sd      \spare, 0(sp)
    mv      \spare, \register
    li      \register, \value
    both_calls
    li      t0, \value
    bne     \register, t0, not_kept
    mv      \register, \spare
    ld      \spare, 0(sp)
    addi    sp, sp, 16
    ret
    .endm

not_kept:
    unimp

    oddity global_pointer
    both_calls_with gp, NUCLEUS, s1
    oddity odd_global_pointer
    both_calls_with gp, 1, s1
    oddity thread_pointer
    both_calls_with tp, NUCLEUS, s1
    oddity thread_pointer_in_direct_map
    both_calls_with tp, DIRECT_MAP, s1
    oddity non_canonical_thread_pointer
    both_calls_with tp, NON_CANONICAL, s1
    oddity odd_thread_pointer
    both_calls_with tp, 1, s1
    oddity frame_pointer
    both_calls_with s0, NUCLEUS, s1
    oddity stack_pointer_of_nucleus
    both_calls_with sp, NUCLEUS, s1
    oddity stack_pointer_in_direct_map
    both_calls_with sp, DIRECT_MAP, s1
    oddity non_canonical_stack_pointer
    both_calls_with sp, NON_CANONICAL, s1
    oddity odd_stack_pointer
    both_calls_with sp, 1, s1
    oddity null_stack_pointer
    both_calls_with sp, 0, s1
    oddity instruction_fence
    fence.i
    both_calls
    ret
    oddity time_read
    rdtime  t0
    rdtime  t1
    bltu    t1, t0, not_kept
    ret
    oddity reservation
    addi    sp, sp, -16
    lr.d    t1, (sp)
    both_calls
    sc.d    t1, zero, (sp)
    addi    sp, sp, 16
    ret
    oddity floating_status
    li      t0, -1
    fscsr   t0
    both_calls
    frcsr   t0
    addi    t0, t0, -0xff
    bnez    t0, not_kept
    fscsr   zero
    ret

    .data
fault_bytes:
    ret

    .section .rodata
fault_constant:
    .8byte 0

    .section .note.GNU-stack, "", @progbits
