//go:build cgo && !purego && (amd64 || arm64)

#include "planes.h"

#include <string.h>

// Vectors of the compiler, which makes SSE2 or NEON of them: every processor of these architectures has it.
typedef uint8_t bytes16 __attribute__((vector_size(16)));
typedef uint64_t words __attribute__((vector_size(16)));

#define INLINE static inline __attribute__((always_inline))

#if defined(__clang__) || __GNUC__ >= 12
#define MIX(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define MIX(a, b, ...) __builtin_shuffle(a, b, (bytes16){__VA_ARGS__})
#endif

INLINE bytes16 load(const uint8_t *p) {
	bytes16 v;
	memcpy(&v, p, sizeof v);
	return v;
}

// interleave turns w vectors, w = 2, 4, 8 or 16, of which vector j has byte j of 16 elements, into those elements in
// their order. With a byte's place written in bits, its vector before its position in it, a round rotates that number
// left by one; as many rounds as w has bits put the position first.
INLINE void interleave(bytes16 *v, size_t w) {
	bytes16 t[16];
	for (size_t rounds = w; rounds > 1; rounds /= 2) {
#pragma GCC unroll 8
		for (size_t j = 0; j < w / 2; j++) {
			t[2 * j] = MIX(v[j], v[j + w / 2], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
			t[2 * j + 1] = MIX(v[j], v[j + w / 2], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
		}
#pragma GCC unroll 16
		for (size_t j = 0; j < w; j++) {
			v[j] = t[j];
		}
	}
}

// exact interleaves w planes, w = 2, 4, 8 or 16, and returns how many elements it did.
INLINE size_t exact(uint8_t *dst, const uint8_t *src, size_t n, size_t w) {
	size_t i = 0;
	for (; i + 16 <= n; i += 16) {
		bytes16 v[16];
#pragma GCC unroll 16
		for (size_t j = 0; j < w; j++) {
			v[j] = load(src + j * n + i);
		}
		interleave(v, w);
		memcpy(dst + i * w, v, 16 * w);
	}
	return i;
}

// part writes m <= step neighbouring planes of n bytes, step 8 or 16, to elements lo to hi, which are w apart, and returns
// where it ended. It writes step bytes of each; if m is less, the next element overwrites what is too much.
INLINE size_t part(uint8_t *dst, const uint8_t *src, size_t n, size_t w, size_t m, size_t step, size_t lo, size_t hi) {
	for (; lo + 16 <= hi; lo += 16) {
		bytes16 v[16] = {0};
		for (size_t j = 0; j < m; j++) {
			v[j] = load(src + j * n + lo);
		}
		interleave(v, step);
#pragma GCC unroll 16
		for (size_t j = 0; j < 16; j++) {
			memcpy(dst + (lo + j) * w, (uint8_t *)v + j * step, step);
		}
	}
	return lo;
}

// block interleaves elements lo to hi of any w planes: 16 or 8 at a time, the last of which may be done twice.
static void block(uint8_t *dst, const uint8_t *src, size_t n, size_t w, size_t lo, size_t hi) {
	size_t end = lo;
	if (w < 8) {
		size_t room = n < 8 ? 0 : n - 8;
		end = part(dst, src, n, w, w, 8, lo, hi < room ? hi : room);
	}
	for (size_t k = 0; w >= 8 && k < w; k += w < 16 ? 8 : 16) {
		if (w < 16) {
			size_t at = k + 8 <= w ? k : w - 8;
			end = part(dst + at, src + at * n, n, w, 8, 8, lo, hi);
		} else {
			size_t at = k + 16 <= w ? k : w - 16;
			end = part(dst + at, src + at * n, n, w, 16, 16, lo, hi);
		}
	}
	for (; end < hi; end++) {
		for (size_t k = 0; k < w; k++) {
			dst[end * w + k] = src[k * n + end];
		}
	}
}

void mtf_unshuffle(uint8_t *dst, const uint8_t *src, size_t n, size_t w) {
	size_t i = 0, step = 16384 / w & ~(size_t)15; // elements whose bytes stay in the first-level cache
	switch (w) {
	case 1: memcpy(dst, src, n); return;
	case 2: i = exact(dst, src, n, 2); break;
	case 4: i = exact(dst, src, n, 4); break;
	case 8: i = exact(dst, src, n, 8); break;
	case 16: i = exact(dst, src, n, 16); break;
	}
	if (step < 16) {
		step = 16;
	}
	for (; i < n; i += step) {
		block(dst, src, n, w, i, n - i < step ? n : i + step);
	}
}

// bits transposes the 8 x 8 bits of each word (Hacker's Delight, 7-3).
INLINE bytes16 bits(bytes16 v) {
	words x = (words)v, t;
	t = (x ^ x >> 7) & 0x00aa00aa00aa00aa;
	x ^= t ^ t << 7;
	t = (x ^ x >> 14) & 0x0000cccc0000cccc;
	x ^= t ^ t << 14;
	t = (x ^ x >> 28) & 0x00000000f0f0f0f0;
	return (bytes16)(x ^ t ^ t << 28);
}

// plane turns eight rows of bits, row bytes each, into a plane of 8 * row bytes.
static void plane(uint8_t *dst, const uint8_t *src, size_t row) {
	size_t g = 0;
	for (; g + 16 <= row; g += 16) {
		bytes16 v[16];
#pragma GCC unroll 8
		for (size_t b = 0; b < 8; b++) {
			v[b] = load(src + b * row + g);
		}
		interleave(v, 8);
#pragma GCC unroll 8
		for (size_t j = 0; j < 8; j++) {
			v[j] = bits(v[j]);
		}
		memcpy(dst + 8 * g, v, 128);
	}
	for (; g < row; g++) {
		uint8_t x[16] = {0};
		for (size_t b = 0; b < 8; b++) {
			x[b] = src[b * row + g];
		}
		bytes16 v = bits(load(x));
		memcpy(dst + 8 * g, &v, 8);
	}
}

void mtf_bitunshuffle(uint8_t *dst, const uint8_t *src, uint8_t *planes, size_t n, size_t w) {
	for (size_t k = 0; k < w; k++) {
		plane(planes + k * n, src + k * n, n / 8);
	}
	if (planes != dst) {
		mtf_unshuffle(dst, planes, n, w);
	}
}
