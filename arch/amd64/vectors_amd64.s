#include "textflag.h"

// One stub per exception vector: push the vector, and 0 where the processor
// pushes no error code (SDM table 6-1, APM table 8-1), and go to fault.

TEXT ·vector0(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $0
	PUSHQ $0
	JMP   ·fault(SB)
DATA ·vectors+0(SB)/8, $·vector0(SB)

TEXT ·vector1(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $0
	PUSHQ $1
	JMP   ·fault(SB)
DATA ·vectors+8(SB)/8, $·vector1(SB)

TEXT ·vector2(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $0
	PUSHQ $2
	JMP   ·fault(SB)
DATA ·vectors+16(SB)/8, $·vector2(SB)

TEXT ·vector3(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $0
	PUSHQ $3
	JMP   ·fault(SB)
DATA ·vectors+24(SB)/8, $·vector3(SB)

TEXT ·vector4(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $0
	PUSHQ $4
	JMP   ·fault(SB)
DATA ·vectors+32(SB)/8, $·vector4(SB)

TEXT ·vector5(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $0
	PUSHQ $5
	JMP   ·fault(SB)
DATA ·vectors+40(SB)/8, $·vector5(SB)

TEXT ·vector6(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $0
	PUSHQ $6
	JMP   ·fault(SB)
DATA ·vectors+48(SB)/8, $·vector6(SB)

TEXT ·vector7(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $0
	PUSHQ $7
	JMP   ·fault(SB)
DATA ·vectors+56(SB)/8, $·vector7(SB)

TEXT ·vector8(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $8
	JMP   ·fault(SB)
DATA ·vectors+64(SB)/8, $·vector8(SB)

TEXT ·vector9(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $0
	PUSHQ $9
	JMP   ·fault(SB)
DATA ·vectors+72(SB)/8, $·vector9(SB)

TEXT ·vector10(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $10
	JMP   ·fault(SB)
DATA ·vectors+80(SB)/8, $·vector10(SB)

TEXT ·vector11(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $11
	JMP   ·fault(SB)
DATA ·vectors+88(SB)/8, $·vector11(SB)

TEXT ·vector12(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $12
	JMP   ·fault(SB)
DATA ·vectors+96(SB)/8, $·vector12(SB)

TEXT ·vector13(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $13
	JMP   ·fault(SB)
DATA ·vectors+104(SB)/8, $·vector13(SB)

TEXT ·vector14(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $14
	JMP   ·fault(SB)
DATA ·vectors+112(SB)/8, $·vector14(SB)

TEXT ·vector15(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $0
	PUSHQ $15
	JMP   ·fault(SB)
DATA ·vectors+120(SB)/8, $·vector15(SB)

TEXT ·vector16(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $0
	PUSHQ $16
	JMP   ·fault(SB)
DATA ·vectors+128(SB)/8, $·vector16(SB)

TEXT ·vector17(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $17
	JMP   ·fault(SB)
DATA ·vectors+136(SB)/8, $·vector17(SB)

TEXT ·vector18(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $0
	PUSHQ $18
	JMP   ·fault(SB)
DATA ·vectors+144(SB)/8, $·vector18(SB)

TEXT ·vector19(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $0
	PUSHQ $19
	JMP   ·fault(SB)
DATA ·vectors+152(SB)/8, $·vector19(SB)

TEXT ·vector20(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $0
	PUSHQ $20
	JMP   ·fault(SB)
DATA ·vectors+160(SB)/8, $·vector20(SB)

TEXT ·vector21(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $21
	JMP   ·fault(SB)
DATA ·vectors+168(SB)/8, $·vector21(SB)

TEXT ·vector22(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $0
	PUSHQ $22
	JMP   ·fault(SB)
DATA ·vectors+176(SB)/8, $·vector22(SB)

TEXT ·vector23(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $0
	PUSHQ $23
	JMP   ·fault(SB)
DATA ·vectors+184(SB)/8, $·vector23(SB)

TEXT ·vector24(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $0
	PUSHQ $24
	JMP   ·fault(SB)
DATA ·vectors+192(SB)/8, $·vector24(SB)

TEXT ·vector25(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $0
	PUSHQ $25
	JMP   ·fault(SB)
DATA ·vectors+200(SB)/8, $·vector25(SB)

TEXT ·vector26(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $0
	PUSHQ $26
	JMP   ·fault(SB)
DATA ·vectors+208(SB)/8, $·vector26(SB)

TEXT ·vector27(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $0
	PUSHQ $27
	JMP   ·fault(SB)
DATA ·vectors+216(SB)/8, $·vector27(SB)

TEXT ·vector28(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $0
	PUSHQ $28
	JMP   ·fault(SB)
DATA ·vectors+224(SB)/8, $·vector28(SB)

TEXT ·vector29(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $29
	JMP   ·fault(SB)
DATA ·vectors+232(SB)/8, $·vector29(SB)

TEXT ·vector30(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $30
	JMP   ·fault(SB)
DATA ·vectors+240(SB)/8, $·vector30(SB)

TEXT ·vector31(SB), NOSPLIT|NOFRAME, $0
	PUSHQ $0
	PUSHQ $31
	JMP   ·fault(SB)
DATA ·vectors+248(SB)/8, $·vector31(SB)

GLOBL ·vectors(SB), RODATA|NOPTR, $256
