// Matrix products: validation, and the choice of an algorithm by shape alone.
#include "product.h"

#include <stdlib.h>

static const char *const algorithm_names[] = {
    [PRODUCT_BLOCKS] = "blocks",       [PRODUCT_PACKED] = "packed",       [PRODUCT_SPLIT_SUM] = "split sum",
    [PRODUCT_CONVERTED] = "converted", [PRODUCT_PRIMITIVE] = "primitive", [PRODUCT_FEW_ROWS] = "few rows",
    [PRODUCT_DOUBLE] = "double",
};

const char *apus_onednn_algorithm(const apus_kernel *kernel) { return *(const char *const *)kernel->parameters; }

void product_cut(product *p, int64_t row_block, int64_t column_block, int64_t chunk_work) {
  p->row_block = dnn_maximum(1, dnn_minimum(row_block, p->d.m));
  p->column_block = dnn_maximum(1, dnn_minimum(column_block, p->d.n));
  p->row_blocks = dnn_ceiling(p->d.m, p->row_block);
  p->column_blocks = dnn_ceiling(p->d.n, p->column_block);
  p->units = p->d.batch * p->row_blocks * p->column_blocks;
  int64_t work = p->row_block * p->column_block * dnn_maximum(1, p->d.k);
  p->group = dnn_maximum(1, dnn_minimum(chunk_work / work, dnn_ceiling(p->units, 16)));
}

void product_add_phase(apus_kernel *kernel, apus_body body, int64_t chunks, int64_t scratch_bytes) {
  kernel->phases[kernel->phase_count++] =
      (apus_phase){.body = body, .chunks = chunks, .scratch_bytes = scratch_bytes};
  apus_reserve_scratch(scratch_bytes);
}

static void destroy(void *parameters) {
  product *p = parameters;
  for (int i = 0; i < 2; i++) {
    for (int j = 0; j < 2; j++) dnn_operation_destroy(p->multiply[i][j]);
    dnn_operation_destroy(p->pack[i]);
  }
  free(p->extension);
  free(p);
}

static int check(const apus_matmul_descriptor *d) {
  if (d->batch < 0 || d->m < 0 || d->n < 0 || d->k < 0)
    return dnn_fail("matrix product: a size is negative: batch %lld, m %lld, n %lld, k %lld", (long long)d->batch,
                    (long long)d->m, (long long)d->n, (long long)d->k);
  int64_t a = d->transpose_a ? d->m : d->k, b = d->transpose_b ? d->k : d->n;
  if (d->lda < a || d->ldb < b || d->ldc < d->n)
    return dnn_fail("matrix product: a leading dimension is shorter than a row: lda %lld of %lld, ldb %lld of %lld, "
                    "ldc %lld of %lld",
                    (long long)d->lda, (long long)a, (long long)d->ldb, (long long)b, (long long)d->ldc,
                    (long long)d->n);
  if (d->batch > 1 && d->m > 0 && d->c_stride < (d->m - 1) * d->ldc + d->n && d->c_stride < d->n)
    return dnn_fail("matrix product: entries of C overlap: c_stride is %lld", (long long)d->c_stride);
  bool known = dnn_type(d->type) != dnnl_data_type_undef || d->type == APUS_FLOAT64;
  if (!known || (d->c_type != d->type && (d->c_type != APUS_FLOAT32 || d->type == APUS_FLOAT64)))
    return dnn_fail("matrix product: no kernel for operands of type %d and a result of type %d", d->type, d->c_type);
  return 0;
}

/// One product with more rows where all entries share B and follow each other.
static void fold_batch(apus_matmul_descriptor *d) {
  if (d->batch <= 1 || d->b_stride != 0 || d->transpose_a) return;
  bool single = d->m == 1 && d->a_stride >= d->k && d->c_stride >= d->n;
  if (single) {
    d->lda = d->a_stride;
    d->ldc = d->c_stride;
  } else if (d->a_stride != d->m * d->lda || d->c_stride != d->m * d->ldc) {
    return;
  }
  d->m *= d->batch;
  d->batch = 1;
}

static int choose(product *p, apus_kernel *kernel) {
  const apus_matmul_descriptor *d = &p->d;
  bool empty = d->batch == 0 || d->m == 0 || d->n == 0 || d->k == 0;
  if (d->type == APUS_FLOAT64) return product_prepare_double(p, kernel);
  if (d->type != APUS_BFLOAT16 || empty) return product_prepare_blocks(p, kernel);
  if (d->m <= few_rows_limit) return product_prepare_few_rows(p, kernel);
  bool shared = d->batch == 1 && !d->transpose_a;
  int result = shared ? product_prepare_primitive(p, kernel, true) : 1;
  if (result == 1) result = product_prepare_primitive(p, kernel, false);
  return result == 1 ? product_prepare_blocks(p, kernel) : result;
}

int product_prepare(const apus_matmul_descriptor *descriptor, product_places places, apus_kernel *kernel) {
  *kernel = (apus_kernel){.destroy = destroy, .invariant_input = -1};
  if (check(descriptor) != 0) return -1;
  if (!dnn_engine()) return dnn_fail("oneDNN %s found no engine for this processor", apus_onednn_version());
  product *p = calloc(1, sizeof *p);
  if (!p) return dnn_fail("matrix product: out of memory");
  kernel->parameters = p;
  p->d = *descriptor;
  p->a_buffer = places.a;
  p->b_buffer = places.b;
  p->bias_buffer = places.bias;
  p->c_buffer = places.c;
  p->shared_buffer = places.shared;
  fold_batch(&p->d);
  if (choose(p, kernel) != 0) {
    destroy(p);
    kernel->parameters = NULL;
    return -1;
  }
  p->name = algorithm_names[p->algorithm];
  return 0;
}

int apus_matmul_prepare(const apus_matmul_descriptor *descriptor, apus_kernel *kernel) {
  int32_t c = descriptor->bias ? 3 : 2;
  return product_prepare(descriptor, (product_places){.a = 0, .b = 1, .bias = 2, .c = c, .shared = c + 1}, kernel);
}
