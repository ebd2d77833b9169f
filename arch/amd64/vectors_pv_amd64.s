#include "textflag.h"

// Entry points of exceptions in a PV domain, in the order of their vectors. Xen
// pushes rcx and r11 above what the processor does (public/xen.h,
// set_trap_table; create_bounce_frame in xen/arch/x86/x86_64/entry.S), and an
// error code for the same vectors.

TEXT ·pvVector0(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector0(SB)
DATA ·pvVectors+0(SB)/8, $·pvVector0(SB)

TEXT ·pvVector1(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector1(SB)
DATA ·pvVectors+8(SB)/8, $·pvVector1(SB)

TEXT ·pvVector2(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector2(SB)
DATA ·pvVectors+16(SB)/8, $·pvVector2(SB)

TEXT ·pvVector3(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector3(SB)
DATA ·pvVectors+24(SB)/8, $·pvVector3(SB)

TEXT ·pvVector4(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector4(SB)
DATA ·pvVectors+32(SB)/8, $·pvVector4(SB)

TEXT ·pvVector5(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector5(SB)
DATA ·pvVectors+40(SB)/8, $·pvVector5(SB)

TEXT ·pvVector6(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector6(SB)
DATA ·pvVectors+48(SB)/8, $·pvVector6(SB)

TEXT ·pvVector7(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector7(SB)
DATA ·pvVectors+56(SB)/8, $·pvVector7(SB)

TEXT ·pvVector8(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector8(SB)
DATA ·pvVectors+64(SB)/8, $·pvVector8(SB)

TEXT ·pvVector9(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector9(SB)
DATA ·pvVectors+72(SB)/8, $·pvVector9(SB)

TEXT ·pvVector10(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector10(SB)
DATA ·pvVectors+80(SB)/8, $·pvVector10(SB)

TEXT ·pvVector11(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector11(SB)
DATA ·pvVectors+88(SB)/8, $·pvVector11(SB)

TEXT ·pvVector12(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector12(SB)
DATA ·pvVectors+96(SB)/8, $·pvVector12(SB)

TEXT ·pvVector13(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector13(SB)
DATA ·pvVectors+104(SB)/8, $·pvVector13(SB)

TEXT ·pvVector14(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector14(SB)
DATA ·pvVectors+112(SB)/8, $·pvVector14(SB)

TEXT ·pvVector15(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector15(SB)
DATA ·pvVectors+120(SB)/8, $·pvVector15(SB)

TEXT ·pvVector16(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector16(SB)
DATA ·pvVectors+128(SB)/8, $·pvVector16(SB)

TEXT ·pvVector17(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector17(SB)
DATA ·pvVectors+136(SB)/8, $·pvVector17(SB)

TEXT ·pvVector18(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector18(SB)
DATA ·pvVectors+144(SB)/8, $·pvVector18(SB)

TEXT ·pvVector19(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector19(SB)
DATA ·pvVectors+152(SB)/8, $·pvVector19(SB)

TEXT ·pvVector20(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector20(SB)
DATA ·pvVectors+160(SB)/8, $·pvVector20(SB)

TEXT ·pvVector21(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector21(SB)
DATA ·pvVectors+168(SB)/8, $·pvVector21(SB)

TEXT ·pvVector22(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector22(SB)
DATA ·pvVectors+176(SB)/8, $·pvVector22(SB)

TEXT ·pvVector23(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector23(SB)
DATA ·pvVectors+184(SB)/8, $·pvVector23(SB)

TEXT ·pvVector24(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector24(SB)
DATA ·pvVectors+192(SB)/8, $·pvVector24(SB)

TEXT ·pvVector25(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector25(SB)
DATA ·pvVectors+200(SB)/8, $·pvVector25(SB)

TEXT ·pvVector26(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector26(SB)
DATA ·pvVectors+208(SB)/8, $·pvVector26(SB)

TEXT ·pvVector27(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector27(SB)
DATA ·pvVectors+216(SB)/8, $·pvVector27(SB)

TEXT ·pvVector28(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector28(SB)
DATA ·pvVectors+224(SB)/8, $·pvVector28(SB)

TEXT ·pvVector29(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector29(SB)
DATA ·pvVectors+232(SB)/8, $·pvVector29(SB)

TEXT ·pvVector30(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector30(SB)
DATA ·pvVectors+240(SB)/8, $·pvVector30(SB)

TEXT ·pvVector31(SB), NOSPLIT|NOFRAME, $0
	POPQ CX
	POPQ R11
	JMP  ·vector31(SB)
DATA ·pvVectors+248(SB)/8, $·pvVector31(SB)

GLOBL ·pvVectors(SB), RODATA|NOPTR, $256
