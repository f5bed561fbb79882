// Kernels that put the byte planes and the bit rows of shuffled data together again, 16 bytes at a time.
#include <stddef.h>
#include <stdint.h>

// mtf_unshuffle interleaves w planes of n bytes into n elements of w bytes. dst and src don't overlap.
void mtf_unshuffle(uint8_t *dst, const uint8_t *src, size_t n, size_t w);

// mtf_bitunshuffle undoes the bit transposition of n elements of w bytes, n a multiple of 8. planes holds n * w bytes, or
// may be dst if w is 1; the three don't overlap otherwise.
void mtf_bitunshuffle(uint8_t *dst, const uint8_t *src, uint8_t *planes, size_t n, size_t w);
