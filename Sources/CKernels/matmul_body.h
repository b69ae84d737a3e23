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

/// Rows m0 ..< m0 + rows of op(A), in quads: [quad][depth][4], zeros past the last row.
static void APUS_NAME(pack_left)(const sgemm_arguments *p, int64_t m0, int64_t rows, int64_t k0, int64_t depth, float *left) {
  for (int64_t r = 0; r < rows; r += 4, left += 4 * depth)
    for (int64_t i = 0; i < 4; i++) {
      const float *a = p->transpose_a ? p->a + k0 * p->lda + m0 + r + i : p->a + (m0 + r + i) * p->lda + k0;
      int64_t step = p->transpose_a ? p->lda : 1;
      if (r + i >= rows) for (int64_t k = 0; k < depth; k++) left[4 * k + i] = 0;
      else for (int64_t k = 0; k < depth; k++) left[4 * k + i] = a[k * step];
    }
}

/// Columns n0 ..< n0 + width of op(B): [depth][32], zeros past the last column.
static void APUS_NAME(pack_panel)(const sgemm_arguments *p, int64_t n0, int64_t width, int64_t k0, int64_t depth, float *panel) {
  if (width < 32) memset(panel, 0, (size_t)depth * 32 * sizeof(float));
  if (p->transpose_b) {
    for (int64_t j = 0; j < width; j++) {
      const float *b = p->b + (n0 + j) * p->ldb + k0;
      for (int64_t k = 0; k < depth; k++) panel[32 * k + j] = b[k];
    }
  } else {
    for (int64_t k = 0; k < depth; k++) memcpy(panel + 32 * k, p->b + (k0 + k) * p->ldb + n0, (size_t)width * sizeof(float));
  }
}

static void APUS_NAME(portable_product)(const sgemm_arguments *p) {
  float panel[SGEMM_DEPTH * 32], left[SGEMM_DEPTH * SGEMM_ROWS], sums[4 * 32];
  for (int64_t k0 = 0; k0 == 0 || k0 < p->k; k0 += SGEMM_DEPTH) {
    int64_t depth = apus_smaller(SGEMM_DEPTH, p->k - k0);
    for (int64_t m0 = 0; m0 < p->m; m0 += SGEMM_ROWS) {
      int64_t rows = apus_smaller(SGEMM_ROWS, p->m - m0);
      APUS_NAME(pack_left)(p, m0, rows, k0, depth, left);
      for (int64_t n0 = 0; n0 < p->n; n0 += 32) {
        int64_t width = apus_smaller(32, p->n - n0);
        APUS_NAME(pack_panel)(p, n0, width, k0, depth, panel);
        for (int64_t r = 0; r < rows; r += 4) {
          APUS_NAME(tile_product)(left + r * depth, panel, depth, sums);
          for (int64_t i = 0; i < apus_smaller(4, rows - r); i++) {
            float *c = p->c + (m0 + r + i) * p->ldc + n0;
            const float *s = sums + i * 32;
            if (k0 > 0) for (int64_t j = 0; j < width; j++) c[j] += p->alpha * s[j];
            else if (p->beta == 0) for (int64_t j = 0; j < width; j++) c[j] = p->alpha * s[j];
            else for (int64_t j = 0; j < width; j++) c[j] = p->alpha * s[j] + p->beta * c[j];
          }
        }
      }
    }
  }
}
