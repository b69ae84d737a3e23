// Random numbers that depend on a key and a position alone: Philox 4x32-10 (Salmon et al., "Parallel random numbers: as
// easy as 1, 2, 3", SC 2011). The same bits on every device, instruction set and number of threads.
//
// Block b is Philox of the counter (low word of b, high word of b, 0, 0) with the key (low word, high word of the key).
//   bits        element 4 b + w is word w of block b
//   float32     uniform: (word >> 8) * 2^-24, in [0, 1); element as for bits
//               normal: words (w, w + 1), w = 0 and 2, give elements (4 b + w, 4 b + w + 1):
//               u = ((word >> 8) + 1/2) * 2^-24 of each, r = sqrt(-2 ln u0), (r cos(2 π u1), r sin(2 π u1))
//   float64     element 2 b + h has the 53 high bits k of (word 2 h, word 2 h + 1), the first being the high half
//               uniform: k * 2^-53; normal: the pair of a block through Box-Muller with u = (k + 1/2) * 2^-53
// Bits and uniform numbers are exact; the logarithm, sine and cosine of normal ones may differ by units in the last place
// between instruction sets, never between numbers of threads.
#ifndef APUS_RANDOM_H
#define APUS_RANDOM_H

#include "kernel.h"

typedef enum apus_random_kind {
  APUS_RANDOM_BITS = 0,     // 32 bits as int32
  APUS_RANDOM_UNIFORM = 1,  // in [0, 1)
  APUS_RANDOM_NORMAL = 2,   // mean 0, deviation 1
} apus_random_kind;

typedef struct apus_random {
  int64_t count;
  int32_t kind;  // apus_random_kind
  int32_t type;  // APUS_INT32 for bits, APUS_FLOAT32 or APUS_FLOAT64 for the others
} apus_random;

/// Buffers: the key (one int64: the low word is the key's first), the `count` numbers. 0, or -1 where kind and type do
/// not fit together.
int apus_random_prepare(const apus_random *random, apus_kernel *kernel);

/// Philox 4x32-10 of one counter, for those who want few numbers.
void apus_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t words[4]);

#endif
