//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// What stays in a register from symbol to symbol:
//
//	BX   the Decoder        DI   where the next byte of output goes
//	R8   the range          R10  the next byte of input
//	R9   the code           R11  the state
//
// Within a symbol R13 holds the address of probabilities, SI the bits decoded so
// far, R14 the position's state and then the match's length; AX, CX and DX are
// each step's own.

#define PROBS(field) (Decoder_probs+field)

// RENEW reads a byte when the range has become too small.
#define RENEW \
	CMPL R8, $const_topValue; \
	JCC  6(PC); \
	MOVBLZX (R10), AX; \
	INCQ R10; \
	SHLL $8, R9; \
	SHLL $8, R8; \
	ORL  AX, R9

// BOUND divides the range by the probability at P: AX becomes that, CX the part of
// bit 0.
#define BOUND(P) \
	RENEW; \
	MOVWLZX P, AX; \
	MOVL R8, CX; \
	SHRL $const_probBits, CX; \
	IMULL AX, CX

// BIT appends a bit to SI, by the probability of the number index, without a
// branch. DX becomes all ones when the bit is 0, and 0 when it is 1.
#define BIT(index) \
	BOUND((R13)(index*2)); \
	SUBL CX, R8; \
	MOVL R9, DX; \
	SUBL CX, R9; \
	CMOVLCS CX, R8; \
	CMOVLCS DX, R9; \
	SBBL DX, DX; \
	MOVL DX, CX; \
	ANDL $(-((1<<const_probBits)-(1<<const_moveBits)+1)), CX; \
	ADDL AX, CX; \
	SARL $const_moveBits, CX; \
	SUBL CX, AX; \
	MOVW AX, (R13)(index*2); \
	LEAL 1(DX)(SI*2), SI

// DECIDE jumps to one when a bit is 1, where ONE has to follow, else it goes on.
#define DECIDE(P, one) \
	LEAQ P, R13; \
	BOUND((R13)); \
	CMPL R9, CX; \
	JCC  one; \
	MOVL CX, R8; \
	MOVL $(1<<const_probBits), DX; \
	SUBL AX, DX; \
	SHRL $const_moveBits, DX; \
	ADDL DX, AX; \
	MOVW AX, (R13)

#define ONE \
	SUBL CX, R8; \
	SUBL CX, R9; \
	MOVL AX, DX; \
	SHRL $const_moveBits, DX; \
	SUBL DX, AX; \
	MOVW AX, (R13)

// AFTER sets the state after a match: one of two.
#define AFTER(first, later) \
	MOVL $later, AX; \
	CMPL R11, $const_firstMatch; \
	MOVL $first, R11; \
	CMOVLCC AX, R11

// A match of a distance of 1, 2 or 4 is one pattern: so many bytes, repeated by a
// multiplication. The tables are by the distance less one.
DATA mask<>+0(SB)/8, $0xff
DATA mask<>+8(SB)/8, $0xffff
DATA mask<>+24(SB)/8, $0xffffffff
GLOBL mask<>(SB), RODATA|NOPTR, $56
DATA twin<>+0(SB)/8, $0x0101010101010101
DATA twin<>+8(SB)/8, $0x0001000100010001
DATA twin<>+24(SB)/8, $0x0000000100000001
GLOBL twin<>(SB), RODATA|NOPTR, $56

// func symbols(d *Decoder, dst, in []byte) int
TEXT ·symbols(SB), NOSPLIT, $0-64
	// In emulation a loop across a page's end is far slower than one within a page.
	PCALIGN $2048

	// The slices' lengths give way to the last places where a symbol may begin, and
	// the input's capacity to a match's length.
	MOVQ d+0(FP), BX
	MOVQ in_base+32(FP), R10
	MOVQ in_len+40(FP), AX
	LEAQ -const_symbolInput(R10)(AX*1), AX
	MOVQ AX, in_len+40(FP)
	ADDQ (Decoder_rc+rangeDecoder_at)(BX), R10
	MOVQ dst_base+8(FP), DI
	MOVQ dst_len+16(FP), AX
	LEAQ -const_symbolOutput(DI)(AX*1), AX
	MOVQ AX, dst_len+16(FP)
	ADDQ Decoder_n(BX), DI
	SUBQ Decoder_start(BX), DI
	MOVL (Decoder_rc+rangeDecoder_width)(BX), R8
	MOVL (Decoder_rc+rangeDecoder_code)(BX), R9
	MOVQ Decoder_state(BX), R11

next:
	CMPQ R10, in_len+40(FP)
	JHI  finished
	CMPQ DI, dst_len+16(FP)
	JHI  finished
	MOVQ DI, R14
	SUBQ dst_base+8(FP), R14
	MOVQ R14, R12
	ANDQ Decoder_posMask(BX), R14
	MOVQ R11, SI
	SHLQ $4, SI
	ADDQ R14, SI
	DECIDE(PROBS(probabilities_isMatch)(BX)(SI*2), match)

	// A literal, at R12 in the dictionary; its context is
	// (R12&lpMask)<<lc + before>>(8-lc).
	MOVQ    R12, AX
	ANDQ    Decoder_lpMask(BX), AX
	SHLQ    $8, AX
	MOVBLZX -1(DI), DX
	ADDQ    DX, AX
	MOVQ    Decoder_lc(BX), CX
	SHLQ    CX, AX
	SHRQ    $8, AX
	SHLQ    $11, AX // 2*literalModels
	MOVQ    Decoder_literals(BX), R13
	ADDQ    AX, R13
	MOVL    $1, SI
	MOVQ    R11, CX
	LEAQ    ·afterLiteral(SB), AX
	MOVBLZX (AX)(R11*1), R11
	CMPL    CX, $const_firstMatch
	JCS     literal

	// A match could have gone on; see rangeDecoder.matched.
	MOVQ    Decoder_reps(BX), AX
	CMPQ    AX, R12
	JCC     literal
	NOTQ    AX
	MOVBLZX (DI)(AX*1), R15
	MOVL    $0x100, R12

matched:
	ADDL R15, R15
	MOVL R15, R14
	ANDL R12, R14
	ADDL R12, R14
	ADDL SI, R14
	BIT(R14)
	MOVL R15, CX
	ANDL R12, CX
	ANDL DX, R12
	XORL CX, R12
	CMPL SI, $0x100
	JCS  matched
	MOVB SI, (DI)
	INCQ DI
	JMP  next

literal:
	BIT(SI)
	BIT(SI)
	BIT(SI)
	BIT(SI)
	BIT(SI)
	BIT(SI)
	BIT(SI)
	BIT(SI)
	MOVB SI, (DI)
	INCQ DI
	JMP  next

match:
	ONE
	DECIDE(PROBS(probabilities_isRep)(BX)(R11*2), repeated)
	MOVQ (Decoder_reps+16)(BX), AX
	MOVQ AX, (Decoder_reps+24)(BX)
	MOVQ (Decoder_reps+8)(BX), AX
	MOVQ AX, (Decoder_reps+16)(BX)
	MOVQ Decoder_reps(BX), AX
	MOVQ AX, (Decoder_reps+8)(BX)
	AFTER(7, 10)
	LEAQ PROBS(probabilities_matchLength)(BX), R15
	MOVL $1, R12 // a distance follows the length

length:
	DECIDE(lengths_long(R15), notShort)
	MOVQ R14, AX
	SHLQ $4, AX
	LEAQ lengths_low(R15)(AX*1), R13
	MOVL $(const_minMatch-8), R14

short:
	MOVL $1, SI
	BIT(SI)
	BIT(SI)
	BIT(SI)
	ADDL SI, R14

distance:
	TESTL   R12, R12
	JEQ     copy
	MOVL    $3, AX
	LEAL    -const_minMatch(R14), CX
	CMPL    CX, AX
	CMOVLCS CX, AX
	SHLL    $(const_slotBits+1), AX
	LEAQ    PROBS(probabilities_slots)(BX)(AX*1), R13
	MOVL    $1, SI

slot:
	BIT(SI)
	BIT(SI)
	CMPL SI, $(1<<const_slotBits)
	JCS  slot
	SUBL $(1<<const_slotBits), SI
	MOVL SI, R12
	CMPL SI, $const_firstModel
	JCS  near
	MOVQ R14, in_cap+48(FP)
	MOVL SI, CX
	SHRL $1, CX
	DECL CX
	ANDL $1, R12
	ORL  $2, R12
	CMPL SI, $const_endModel
	JCC  far
	SHLL CX, R12
	MOVL R12, AX
	SUBL SI, AX
	LEAQ PROBS(probabilities_special)(BX)(AX*2), R13
	MOVL $1, R14
	SHLL CX, R14
	JMP  reversed

far:
	MOVL R12, SI
	LEAL -const_alignBits(CX), R14

direct:
	RENEW
	SHRL $1, R8
	SUBL R8, R9
	MOVL R9, DX
	SARL $31, DX
	MOVL DX, CX
	ANDL R8, CX
	ADDL CX, R9
	LEAL 1(DX)(SI*2), SI
	DECL R14
	JNE  direct
	SHLL $const_alignBits, SI
	MOVL SI, R12
	LEAQ PROBS(probabilities_align)(BX), R13
	MOVL $(1<<const_alignBits), R14

reversed: // up to R14, the lowest bit first
	MOVL $1, R15
	MOVL $1, SI

reverse:
	BIT(SI)
	NOTL DX
	ANDL R15, DX
	ADDL DX, R12
	ADDL R15, R15
	CMPL R15, R14
	JNE  reverse
	MOVQ in_cap+48(FP), R14

near:
	MOVQ R12, Decoder_reps(BX)
	CMPL R12, $-1
	JEQ  marker

copy: // R14 bytes
	MOVQ Decoder_reps(BX), R12
	MOVQ DI, AX
	SUBQ dst_base+8(FP), AX
	CMPQ R12, AX
	JCC  before
	LEAQ (DI)(R14*1), R15
	MOVQ DI, SI
	SUBQ R12, SI
	DECQ SI
	CMPQ R12, $7
	JCS  pattern

words: // up to 15 bytes too many, which the next ones overwrite
	MOVQ (SI), AX
	MOVQ AX, (DI)
	MOVQ 8(SI), AX
	MOVQ AX, 8(DI)
	ADDQ $16, SI
	ADDQ $16, DI
	CMPQ DI, R15
	JCS  words
	MOVQ R15, DI
	JMP  next

pattern:
	LEAQ  twin<>(SB), AX
	MOVQ  (AX)(R12*8), CX
	TESTQ CX, CX
	JEQ   bytes
	LEAQ  mask<>(SB), AX
	MOVQ  (AX)(R12*8), DX
	ANDQ  (SI), DX
	IMULQ CX, DX

fill:
	MOVQ DX, (DI)
	MOVQ DX, 8(DI)
	ADDQ $16, DI
	CMPQ DI, R15
	JCS  fill
	MOVQ R15, DI
	JMP  next

bytes:
	MOVBLZX (SI), AX
	MOVB    AX, (DI)
	INCQ    SI
	INCQ    DI
	CMPQ    DI, R15
	JCS     bytes
	JMP     next

notShort:
	ONE
	DECIDE(lengths_longest(R15), long)
	MOVQ R14, AX
	SHLQ $4, AX
	LEAQ lengths_middle(R15)(AX*1), R13
	MOVL $(const_minMatch+8-8), R14
	JMP  short

long:
	ONE
	LEAQ lengths_high(R15), R13
	MOVL $1, SI

longer:
	BIT(SI)
	CMPL SI, $0x100
	JCS  longer
	LEAL (const_minMatch+16-0x100)(SI), R14
	JMP  distance

repeated:
	ONE
	DECIDE(PROBS(probabilities_isRep0)(BX)(R11*2), other)
	MOVQ R11, SI
	SHLQ $4, SI
	ADDQ R14, SI
	DECIDE(PROBS(probabilities_isLongRep)(BX)(SI*2), last)

	// A single byte.
	MOVQ    Decoder_reps(BX), AX
	CMPQ    AX, R12
	JCC     before
	NOTQ    AX
	MOVBLZX (DI)(AX*1), DX
	MOVB    DX, (DI)
	INCQ    DI
	AFTER(9, 11)
	JMP     next

last:
	ONE
	JMP again

other:
	ONE
	DECIDE(PROBS(probabilities_isRep1)(BX)(R11*2), older)
	MOVQ Decoder_reps(BX), CX
	MOVQ (Decoder_reps+8)(BX), DX
	MOVQ CX, (Decoder_reps+8)(BX)
	MOVQ DX, Decoder_reps(BX)
	JMP  again

older:
	ONE
	DECIDE(PROBS(probabilities_isRep2)(BX)(R11*2), oldest)
	MOVQ (Decoder_reps+16)(BX), DX
	JMP  rotate

oldest:
	ONE
	MOVQ (Decoder_reps+24)(BX), DX
	MOVQ (Decoder_reps+16)(BX), AX
	MOVQ AX, (Decoder_reps+24)(BX)

rotate:
	MOVQ (Decoder_reps+8)(BX), AX
	MOVQ AX, (Decoder_reps+16)(BX)
	MOVQ Decoder_reps(BX), AX
	MOVQ AX, (Decoder_reps+8)(BX)
	MOVQ DX, Decoder_reps(BX)

again:
	AFTER(8, 11)
	LEAQ PROBS(probabilities_repLength)(BX), R15
	XORL R12, R12
	JMP  length

marker:
	RENEW
	MOVQ $const_endMarker, ret+56(FP)
	JMP  store

before:
	MOVQ $const_noMatch, ret+56(FP)
	JMP  store

finished:
	MOVQ $0, ret+56(FP)

store:
	SUBQ in_base+32(FP), R10
	MOVQ R10, (Decoder_rc+rangeDecoder_at)(BX)
	SUBQ dst_base+8(FP), DI
	ADDQ Decoder_start(BX), DI
	MOVQ DI, Decoder_n(BX)
	MOVL R8, (Decoder_rc+rangeDecoder_width)(BX)
	MOVL R9, (Decoder_rc+rangeDecoder_code)(BX)
	MOVQ R11, Decoder_state(BX)
	RET
