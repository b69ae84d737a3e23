// Philox for 16 blocks at a time. A 32-bit word lives in a 64-bit lane, so that one multiplication gives both halves of
// the product; what the upper half of a lane holds between rounds does not matter.
#include "vector_math.h"

#define philox_blocks APUS_NAME(philox_blocks)
#define chunk_words APUS_NAME(chunk_words)
#define normal_pair APUS_NAME(normal_pair)

/// The words of the 16 blocks from `block`, two to a lane: w0 | w1 << 32 and w2 | w3 << 32.
APUS_INLINE void philox_blocks(uint64_t block, uint64_t key, vlu *first, vlu *second) {
  const vlu low = 0xffffffff, ramp = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  vlu c0 = block + ramp, c1 = c0 >> 32, c2 = 0, c3 = 0;
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  for (int round = 0; round < 10; round++) {
    vlu p0 = (c0 & low) * (vlu)APUS_PHILOX_MULTIPLIER_0, p1 = (c2 & low) * (vlu)APUS_PHILOX_MULTIPLIER_1;
    c0 = (p1 >> 32) ^ c1 ^ (vlu)(uint64_t)k0;
    c2 = (p0 >> 32) ^ c3 ^ (vlu)(uint64_t)k1;
    c1 = p1;
    c3 = p0;
    k0 += APUS_PHILOX_WEYL_0;
    k1 += APUS_PHILOX_WEYL_1;
  }
  *first = (c0 & low) | (c1 << 32);
  *second = (c2 & low) | (c3 << 32);
}

/// The words of 16 blocks in order.
APUS_INLINE void chunk_words(uint64_t block, uint64_t key, vu words[4]) {
  vlu a, b;
  philox_blocks(block, key, &a, &b);
  vlu low = __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  vlu high = __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  memcpy(words, &low, sizeof low);
  memcpy(words + 2, &high, sizeof high);
}

static void APUS_NAME(random_bits)(void *output, uint64_t block, uint64_t key) {
  vu words[4];
  chunk_words(block, key, words);
  memcpy(output, words, sizeof words);
}

static void APUS_NAME(random_uniform32)(void *output, uint64_t block, uint64_t key) {
  vu words[4];
  chunk_words(block, key, words);
  for (int i = 0; i < 4; i++)
    vf_store((float *)output + 16 * i, __builtin_convertvector((vi)(words[i] >> 8), vf) * 0x1p-24f);
}

/// Box-Muller for the words at the even and the odd places, cosines and sines back in their order.
APUS_INLINE void normal_pair(float *output, vu even, vu odd) {
  vf u = (__builtin_convertvector((vi)(even >> 8), vf) + 0.5f) * 0x1p-24f;
  vf angle = (__builtin_convertvector((vi)(odd >> 8), vf) + 0.5f) * 0x1p-24f;
  vf radius = vf_sqrt(-2.0f * vf_log_positive(u));
  // The angle in quarter turns: an integer q and a rest in [-1/2, 1/2], both exact.
  vf shifted = angle * 4.0f + 12582912.0f;
  vi q = vf_bits(shifted);
  vf rest = (angle * 4.0f - (shifted - 12582912.0f)) * 1.57079633f;
  vf sine = vf_sin_polynomial(rest), cosine = vf_cos_polynomial(rest);
  vf x = (q & 1) != 0 ? sine : cosine, y = (q & 1) != 0 ? cosine : sine;
  x = vf_of_bits(vf_bits(x) ^ (((q + 1) & 2) << 30)) * radius;
  y = vf_of_bits(vf_bits(y) ^ ((q & 2) << 30)) * radius;
  vf_store(output, __builtin_shufflevector(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
  vf_store(output + 16, __builtin_shufflevector(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31));
}

static void APUS_NAME(random_normal32)(void *output, uint64_t block, uint64_t key) {
  vu words[4];
  chunk_words(block, key, words);
  for (int i = 0; i < 4; i += 2) {
    vu even = __builtin_shufflevector(
        words[i], words[i + 1], 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    vu odd = __builtin_shufflevector(
        words[i], words[i + 1], 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    normal_pair((float *)output + 16 * i, even, odd);
  }
}

static void APUS_NAME(random_uniform64)(void *output, uint64_t block, uint64_t key) {
  vu words[4];
  chunk_words(block, key, words);
  const uint32_t *w = (const uint32_t *)words;
  for (int i = 0; i < 32; i++)
    ((double *)output)[i] = (double)(((uint64_t)w[2 * i] << 32 | w[2 * i + 1]) >> 11) * 0x1p-53;
}

static void APUS_NAME(random_normal64)(void *output, uint64_t block, uint64_t key) {
  double *x = output;
  APUS_NAME(random_uniform64)(output, block, key);
  for (int i = 0; i < 32; i += 2) {
    double radius = sqrt(-2 * log(x[i] + 0x1p-54)), angle = 6.28318530717958647693 * (x[i + 1] + 0x1p-54);
    x[i] = radius * cos(angle);
    x[i + 1] = radius * sin(angle);
  }
}

#undef philox_blocks
#undef chunk_words
#undef normal_pair
