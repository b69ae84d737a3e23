// The portable product for one instruction set: a panel of 32 columns of B is packed, and rows of A are taken four at
// once, so that eight vectors of sums stay in registers.
#include "vector_math.h"

APUS_INLINE void APUS_NAME(tile_product)(const float *restrict a, const float *restrict b, int64_t depth,
                                         float *restrict sums) {
  vf s00 = 0, s01 = 0, s10 = 0, s11 = 0, s20 = 0, s21 = 0, s30 = 0, s31 = 0;
  for (int64_t k = 0; k < depth; k++, a += 4, b += 32) {
    vf x = vf_load(b), y = vf_load(b + 16);
    s00 = vf_fma((vf)a[0], x, s00), s01 = vf_fma((vf)a[0], y, s01);
    s10 = vf_fma((vf)a[1], x, s10), s11 = vf_fma((vf)a[1], y, s11);
    s20 = vf_fma((vf)a[2], x, s20), s21 = vf_fma((vf)a[2], y, s21);
    s30 = vf_fma((vf)a[3], x, s30), s31 = vf_fma((vf)a[3], y, s31);
  }
  vf_store(sums, s00), vf_store(sums + 16, s01), vf_store(sums + 32, s10), vf_store(sums + 48, s11);
  vf_store(sums + 64, s20), vf_store(sums + 80, s21), vf_store(sums + 96, s30), vf_store(sums + 112, s31);
}

static void APUS_NAME(portable_product)(const sgemm_arguments *p) {
  float panel[SGEMM_DEPTH * 32], left[SGEMM_DEPTH * 4], sums[4 * 32];
  for (int64_t n0 = 0; n0 < p->n; n0 += 32) {
    int64_t width = apus_smaller(32, p->n - n0);
    for (int64_t k0 = 0; k0 == 0 || k0 < p->k; k0 += SGEMM_DEPTH) {
      int64_t depth = apus_smaller(SGEMM_DEPTH, p->k - k0);
      for (int64_t k = 0; k < depth; k++)
        for (int64_t j = 0; j < 32; j++)
          panel[k * 32 + j] = j >= width ? 0
                              : p->transpose_b ? p->b[(n0 + j) * p->ldb + k0 + k] : p->b[(k0 + k) * p->ldb + n0 + j];
      for (int64_t m0 = 0; m0 < p->m; m0 += 4) {
        int64_t rows = apus_smaller(4, p->m - m0);
        for (int64_t r = 0; r < 4; r++)
          for (int64_t k = 0; k < depth; k++)
            left[k * 4 + r] = r >= rows ? 0
                              : p->transpose_a ? p->a[(k0 + k) * p->lda + m0 + r] : p->a[(m0 + r) * p->lda + k0 + k];
        APUS_NAME(tile_product)(left, panel, depth, sums);
        for (int64_t r = 0; r < rows; r++) {
          float *c = p->c + (m0 + r) * p->ldc + n0;
          const float *s = sums + r * 32;
          if (k0 > 0) for (int64_t j = 0; j < width; j++) c[j] += p->alpha * s[j];
          else if (p->beta == 0) for (int64_t j = 0; j < width; j++) c[j] = p->alpha * s[j];
          else for (int64_t j = 0; j < width; j++) c[j] = p->alpha * s[j] + p->beta * c[j];
        }
      }
    }
  }
}
