// Matrix products where no library is at hand, and in float64.
#ifndef APUS_MATMUL_H
#define APUS_MATMUL_H

#include "kernel.h"

/// An `apus_sgemm` of our own: blocked and in vectors. Runs on the calling thread.
void apus_sgemm_portable(int transpose_a, int transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
                         int64_t lda, const float *b, int64_t ldb, float beta, float *c, int64_t ldc);

/// C = op(A) op(B) in float64 for every matrix of a batch; all are dense and row-major, op(A) is [m, k], op(B) [k, n].
/// A batch stride counts elements; 0 uses one matrix for all. Buffers: A, B, C [batch, m, n].
typedef struct apus_matrix_product_f64 {
  int64_t batch, m, n, k, a_stride, b_stride;
  int32_t transpose_a, transpose_b;
} apus_matrix_product_f64;

int apus_matrix_product_f64_prepare(const apus_matrix_product_f64 *description, apus_kernel *kernel);

#endif
