//go:build !purego

#include "textflag.h"

// func sse2x2(dst, src *byte, pitch, n int)
TEXT ·sse2x2(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ pitch+16(FP), DX
	MOVQ n+24(FP), CX
loop:
	MOVOU (SI), X0
	MOVOU (SI)(DX*1), X1
	MOVO  X0, X2
	PUNPCKLBW X1, X0
	PUNPCKHBW X1, X2
	MOVOU X0, (DI)
	MOVOU X2, 16(DI)
	ADDQ $16, SI
	ADDQ $32, DI
	SUBQ $16, CX
	JNE  loop
	RET

// func sse2x4(dst, src *byte, pitch, n int)
TEXT ·sse2x4(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ pitch+16(FP), DX
	MOVQ n+24(FP), CX
	LEAQ (DX)(DX*2), R8
loop:
	MOVOU (SI), X0
	MOVOU (SI)(DX*1), X1
	MOVOU (SI)(DX*2), X2
	MOVOU (SI)(R8*1), X3
	MOVO  X0, X4
	PUNPCKLBW X1, X0 // planes 0 and 1 of values 0 to 7
	PUNPCKHBW X1, X4 // 8 to 15
	MOVO  X2, X5
	PUNPCKLBW X3, X2 // planes 2 and 3
	PUNPCKHBW X3, X5
	MOVO  X0, X6
	PUNPCKLWL X2, X0 // values 0 to 3
	PUNPCKHWL X2, X6
	MOVO  X4, X7
	PUNPCKLWL X5, X4
	PUNPCKHWL X5, X7
	MOVOU X0, (DI)
	MOVOU X6, 16(DI)
	MOVOU X4, 32(DI)
	MOVOU X7, 48(DI)
	ADDQ $16, SI
	ADDQ $64, DI
	SUBQ $16, CX
	JNE  loop
	RET

// STRIDES8 sets the ways to planes 3, 5 and 7 from the pitch in DX.
#define STRIDES8 \
	LEAQ (DX)(DX*2), R8 \
	LEAQ (DX)(DX*4), R9 \
	LEAQ (R8)(DX*4), R10

// TRANSPOSE8 makes 16 values of 8 planes: 0 and 1 in X0, then on in X2, X1, X3, X8, X6, X12, X7.
#define TRANSPOSE8 \
	MOVOU (SI), X0 \
	MOVOU (SI)(DX*1), X1 \
	MOVOU (SI)(DX*2), X2 \
	MOVOU (SI)(R8*1), X3 \
	MOVOU (SI)(DX*4), X4 \
	MOVOU (SI)(R9*1), X5 \
	MOVOU (SI)(R8*2), X6 \
	MOVOU (SI)(R10*1), X7 \
	MOVO X0, X8 \
	MOVO X2, X9 \
	MOVO X4, X10 \
	MOVO X6, X11 \
	PUNPCKLBW X1, X0 \
	PUNPCKHBW X1, X8 \
	PUNPCKLBW X3, X2 \
	PUNPCKHBW X3, X9 \
	PUNPCKLBW X5, X4 \
	PUNPCKHBW X5, X10 \
	PUNPCKLBW X7, X6 \
	PUNPCKHBW X7, X11 \
	MOVO X0, X1 \
	MOVO X4, X5 \
	MOVO X8, X12 \
	MOVO X10, X13 \
	PUNPCKLWL X2, X0 \
	PUNPCKHWL X2, X1 \
	PUNPCKLWL X6, X4 \
	PUNPCKHWL X6, X5 \
	PUNPCKLWL X9, X8 \
	PUNPCKHWL X9, X12 \
	PUNPCKLWL X11, X10 \
	PUNPCKHWL X11, X13 \
	MOVO X0, X2 \
	MOVO X1, X3 \
	MOVO X8, X6 \
	MOVO X12, X7 \
	PUNPCKLLQ X4, X0 \
	PUNPCKHLQ X4, X2 \
	PUNPCKLLQ X5, X1 \
	PUNPCKHLQ X5, X3 \
	PUNPCKLLQ X10, X8 \
	PUNPCKHLQ X10, X6 \
	PUNPCKLLQ X13, X12 \
	PUNPCKHLQ X13, X7

// func sse2x8(dst, src *byte, pitch, n int)
TEXT ·sse2x8(SB), NOSPLIT, $0-32
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ pitch+16(FP), DX
	MOVQ n+24(FP), CX
	STRIDES8
loop:
	TRANSPOSE8
	MOVOU X0, (DI)
	MOVOU X2, 16(DI)
	MOVOU X1, 32(DI)
	MOVOU X3, 48(DI)
	MOVOU X8, 64(DI)
	MOVOU X6, 80(DI)
	MOVOU X12, 96(DI)
	MOVOU X7, 112(DI)
	ADDQ $16, SI
	ADDQ $128, DI
	SUBQ $16, CX
	JNE  loop
	RET

// STORE2 writes the two values in X and moves on.
#define STORE2(X) \
	MOVLPS X, (DI) \
	MOVHPS X, (DI)(R11*1) \
	LEAQ (DI)(R11*2), DI

// func sse2x8s(dst, src *byte, pitch, n, stride int)
TEXT ·sse2x8s(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ pitch+16(FP), DX
	MOVQ n+24(FP), CX
	MOVQ stride+32(FP), R11
	STRIDES8
loop:
	TRANSPOSE8
	STORE2(X0)
	STORE2(X2)
	STORE2(X1)
	STORE2(X3)
	STORE2(X8)
	STORE2(X6)
	STORE2(X12)
	STORE2(X7)
	ADDQ $16, SI
	SUBQ $16, CX
	JNE  loop
	RET
