#include "include/matmul.h"

#include "prepare.h"

/// Packed blocks are 96 KB on the stack.
enum { SGEMM_DEPTH = 256, SGEMM_ROWS = 64 };

typedef struct sgemm_arguments {
  int transpose_a, transpose_b;
  int64_t m, n, k;
  float alpha, beta;
  const float *a, *b;
  float *c;
  int64_t lda, ldb, ldc;
} sgemm_arguments;

#define APUS_BODY "matmul_body.h"
#include "instruction_sets.h"

void apus_sgemm_portable(int transpose_a, int transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
                         int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc) {
  sgemm_arguments arguments = {transpose_a, transpose_b, m, n, k, alpha, beta, a, b, c, lda, ldb, ldc};
  APUS_DISPATCH(portable_product)(&arguments);
}

// MARK: float64

static int64_t rows_per_chunk(const apus_matrix_product_f64 *p) { return apus_items_per_chunk(p->n * p->k / 4); }

static void product_row(const apus_matrix_product_f64 *p, const double *a, const double *b, double *restrict c, int64_t i) {
  int64_t step = p->transpose_a ? p->m : 1;
  const double *row = p->transpose_a ? a + i : a + i * p->k;
  if (p->transpose_b) {
    for (int64_t j = 0; j < p->n; j++) {
      double sum = 0;
      for (int64_t k = 0; k < p->k; k++) sum += row[k * step] * b[j * p->k + k];
      c[j] = sum;
    }
    return;
  }
  for (int64_t j = 0; j < p->n; j++) c[j] = 0;
  for (int64_t k = 0; k < p->k; k++) {
    double value = row[k * step];
    for (int64_t j = 0; j < p->n; j++) c[j] += value * b[k * p->n + j];
  }
}

static void product_chunk(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const apus_matrix_product_f64 *p = parameters;
  int64_t rows = rows_per_chunk(p), last = apus_smaller(p->batch * p->m, (chunk + 1) * rows);
  for (int64_t row = chunk * rows; row < last; row++) {
    int64_t matrix = row / p->m;
    product_row(p, (const double *)buffers[0] + matrix * p->a_stride, (const double *)buffers[1] + matrix * p->b_stride,
                (double *)buffers[2] + row * p->n, row % p->m);
  }
}

int apus_matrix_product_f64_prepare(const apus_matrix_product_f64 *p, apus_kernel *kernel) {
  if (p->batch < 0 || p->m < 0 || p->n < 0 || p->k < 0 || apus_kernel_begin(kernel, p, sizeof *p)) return -1;
  apus_kernel_phase(kernel, product_chunk, apus_divide_up(p->batch * p->m, rows_per_chunk(p)), 0);
  return 0;
}
