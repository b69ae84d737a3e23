// Products in float64, for checking gradients: plain loops.
#include "product.h"

#include <string.h>

static void double_body(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  const product *p = parameters;
  const apus_matmul_descriptor *d = &p->d;
  product_block block = product_block_at(p, chunk);
  const double *a = (const double *)buffers[p->a_buffer] + product_a_offset(d, &block);
  const double *b = (const double *)buffers[p->b_buffer] + product_b_offset(d, &block);
  const double *bias = d->bias ? buffers[p->bias_buffer] : NULL;
  double *c = (double *)buffers[p->c_buffer] + product_c_offset(d, &block), *sums = scratch;
  int64_t a_row = d->transpose_a ? 1 : d->lda, a_step = d->transpose_a ? d->lda : 1;
  int64_t b_row = d->transpose_b ? 1 : d->ldb, b_step = d->transpose_b ? d->ldb : 1;
  for (int64_t i = 0; i < block.rows; i++) {
    memset(sums, 0, (size_t)d->n * sizeof *sums);
    for (int64_t k = 0; k < d->k; k++) {
      double x = a[i * a_row + k * a_step];
      for (int64_t j = 0; j < d->n; j++) sums[j] += x * b[k * b_row + j * b_step];
    }
    for (int64_t j = 0; j < d->n; j++) {
      double value = sums[j] * d->alpha + (bias ? bias[j] : 0) + (d->accumulate ? c[i * d->ldc + j] : 0);
      c[i * d->ldc + j] = d->relu && value < 0 ? 0 : value;
    }
  }
}

int product_prepare_double(product *p, apus_kernel *kernel) {
  p->algorithm = PRODUCT_DOUBLE;
  int64_t row_work = dnn_maximum(1, p->d.n * p->d.k);
  product_cut(p, dnn_maximum(1, ((int64_t)64 << 10) / row_work), p->d.n, 0);
  product_add_phase(kernel, double_body, p->units, p->d.n * (int64_t)sizeof(double));
  return 0;
}
