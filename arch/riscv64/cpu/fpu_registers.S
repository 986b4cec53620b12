// The floating-point registers to and from memory: f0 to f31, then fcsr.
    .option push
    .option arch, +d

    .text
    .globl chorale_fpu_save
    .type chorale_fpu_save, @function
chorale_fpu_save: // a0: area
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, \
                 25, 26, 27, 28, 29, 30, 31
        fsd     f\number, 8 * \number(a0)
    .endr
    frcsr   t0
    sd      t0, 256(a0)
    ret
    .size chorale_fpu_save, . - chorale_fpu_save

    .globl chorale_fpu_load
    .type chorale_fpu_load, @function
chorale_fpu_load: // a0: area
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, \
                 25, 26, 27, 28, 29, 30, 31
        fld     f\number, 8 * \number(a0)
    .endr
    ld      t0, 256(a0)
    fscsr   t0
    ret
    .size chorale_fpu_load, . - chorale_fpu_load

    .option pop
    .section .note.GNU-stack, "", @progbits
