#include "textflag.h"
#include "entry_riscv64.h"

// A domain whose RAM begins elsewhere than at 2 GiB, or another boot loader, has
// the image elsewhere than it is linked. The image is then moved, as addresses are
// to be physical ones. Where the link address is no RAM, nothing can be printed:
// the processor stops, and xenctx shows it.

// MOVER is where the copy loop runs, in the page of the Image header, which
// nobody needs any more.
#define MOVER 0x800
#define MOVER_SIZE 0x80

// relocate moves the image from where it is to where it is linked, and starts
// it anew. S0 = hart ID, S1 = device tree, T0 = the entry's address, T1 = as
// linked. Translation is off, and caches are coherent but for instructions.
TEXT ·relocate(SB), NOSPLIT|NOFRAME, $0
	MOV  T1, S5               // where to go on
	MOV  $LOADADDR, S2        // to
	SUB  T1, T0, T2
	ADD  T2, S2, S3           // from
	SLLI $52, T2, T0
	BNEZ T0, stop             // no such place by the protocol
	MOV  $runtime·bss+15(SB), S4
	SUB  S3, S4
	ANDI $~15, S4             // bytes

	// A device tree in the way would be lost.
	BEQZ S1, clear
	ADD  S4, S2, T0
	BGEU S1, T0, clear
	ANDI $7, S1, T0
	BNEZ T0, clear            // none
	MOVBU 5(S1), T0           // the size is below 16 MiB
	SLLI $16, T0
	MOVBU 6(S1), T1
	SLLI $8, T1
	OR   T1, T0
	MOVBU 7(S1), T1
	OR   T1, T0
	ADD  S1, T0
	BLTU S2, T0, stop
clear:
	// The loop runs in the lower of both places: a copy downwards never
	// comes back to its first page, and one upwards works from the end and
	// does not reach the page before the source.
	MOV  S2, T2
	BLTU S2, S3, lower
	MOV  S3, T2
lower:
	ADD  $(MOVER/2), T2
	ADD  $(MOVER/2), T2
	MOV  T2, T3
	MOV  $·mover(SB), T0
	ADD  $MOVER_SIZE, T0, T1  // more than it has
words:
	MOV  (T0), T4
	MOV  T4, (T3)
	ADD  $8, T0
	ADD  $8, T3
	BLTU T0, T1, words
	FENCE_I
	MOV  S0, A0
	MOV  S1, A1
	JALR X0, T2
stop:
	JMP  ·stop(SB)

// mover copies S4 bytes from S3 to S2, but for the first page, and goes to S5.
// It runs anywhere.
TEXT ·mover(SB), NOSPLIT|NOFRAME, $0
	MOV  $0x1000, T3
	BLTU S3, S2, upwards
	ADD  T3, S2, T0
	ADD  T3, S3, T1
	ADD  S4, S2, T2
forward:
	MOV  (T1), T4
	MOV  T4, (T0)
	ADD  $8, T1
	ADD  $8, T0
	BLTU T0, T2, forward
	JMP  moved
upwards:
	ADD  S4, S2, T0
	ADD  S4, S3, T1
	ADD  T3, S2, T2
backward:
	ADD  $-8, T1
	ADD  $-8, T0
	MOV  (T1), T4
	MOV  T4, (T0)
	BLTU T2, T0, backward
moved:
	FENCE_I
	JALR X0, S5
