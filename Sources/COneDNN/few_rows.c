// Products in bfloat16 with one to four rows: reading B once at the speed of memory is all that counts. B stored [n, k] becomes dot
// products of its rows, B stored [k, n] sums of its rows. The loops are compiled once per instruction set.
#include "convert.h"
#include "product.h"

#include <string.h>

/// What a kernel needs of a unit: `x` [rows, k] with `ldx`, B's first column, and sums [rows, columns].
typedef struct few_rows_block {
  const float *x;
  int64_t ldx, rows, columns, k;
  const uint16_t *b;
  int64_t ldb;
  float *sums;
  int64_t ld_sums;
} few_rows_block;

typedef void (*few_rows_kernel)(const few_rows_block *block);

#define FEW_ROWS_NAME_(name, set) name##_##set
#define FEW_ROWS_NAME2(name, set) FEW_ROWS_NAME_(name, set)
#define FEW_ROWS_NAME(name) FEW_ROWS_NAME2(name, FEW_ROWS_SET)

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma,prfchw"))), apply_to = function)
#define FEW_ROWS_SET avx512
#define FEW_ROWS_LANES 16
#include "few_rows_loops.h"
#pragma clang attribute pop
#undef FEW_ROWS_SET
#undef FEW_ROWS_LANES

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define FEW_ROWS_SET avx2
#define FEW_ROWS_LANES 8
#include "few_rows_loops.h"
#pragma clang attribute pop
#undef FEW_ROWS_SET
#undef FEW_ROWS_LANES
#endif

#define FEW_ROWS_SET baseline
#define FEW_ROWS_LANES 4
#include "few_rows_loops.h"

static few_rows_kernel few_rows_choose(bool transposed) {
#if defined(__x86_64__)
  const char *set = apus_instruction_set();
  if (strcmp(set, "avx512") == 0) return transposed ? dots_avx512 : sums_avx512;
  if (strcmp(set, "avx2") == 0) return transposed ? dots_avx2 : sums_avx2;
#endif
  return transposed ? dots_baseline : sums_baseline;
}

/// op(A)'s rows as float32.
static void few_rows_input(const apus_matmul_descriptor *d, const uint16_t *a, float *rows) {
  int64_t row_step = d->transpose_a ? 1 : d->lda, step = d->transpose_a ? d->lda : 1;
  for (int64_t i = 0; i < d->m; i++)
    for (int64_t j = 0; j < d->k; j++) rows[i * d->k + j] = convert_from_bfloat16(a[i * row_step + j * step]);
}

static void few_rows_finish(const product *p, void *const *buffers, const product_block *block, const float *sums) {
  const apus_matmul_descriptor *d = &p->d;
  const float *bias = d->bias ? (const float *)buffers[p->bias_buffer] + block->column : NULL;
  for (int64_t i = 0; i < block->rows; i++) {
    int64_t offset = product_c_offset(d, block) + i * d->ldc;
    float *wide = (float *)buffers[p->c_buffer] + offset;
    uint16_t *narrow = (uint16_t *)buffers[p->c_buffer] + offset;
    for (int64_t j = 0; j < block->columns; j++) {
      float value = sums[i * block->columns + j] * d->alpha;
      if (bias) value += bias[j];
      if (d->accumulate) value += d->c_type == APUS_FLOAT32 ? wide[j] : convert_from_bfloat16(narrow[j]);
      if (d->relu) value = value < 0 ? 0 : value;
      if (d->c_type == APUS_FLOAT32) wide[j] = value;
      else narrow[j] = convert_to_bfloat16(value);
    }
  }
}

static int64_t few_rows_input_elements(const product *p) { return dnn_round_up(p->d.m * p->d.k, 16); }

static void few_rows_body(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  const product *p = parameters;
  const apus_matmul_descriptor *d = &p->d;
  float *x = scratch, *sums = x + few_rows_input_elements(p);
  int64_t entry = -1, end = dnn_minimum(p->units, (chunk + 1) * p->group);
  for (int64_t unit = chunk * p->group; unit < end; unit++) {
    product_block block = product_block_at(p, unit);
    if (block.entry != entry) few_rows_input(d, (const uint16_t *)buffers[p->a_buffer] + block.entry * d->a_stride, x);
    entry = block.entry;
    few_rows_block work = {
        .x = x, .ldx = d->k, .rows = block.rows, .columns = block.columns, .k = d->k,
        .b = (const uint16_t *)buffers[p->b_buffer] + product_b_offset(d, &block), .ldb = d->ldb, .sums = sums,
        .ld_sums = block.columns,
    };
    p->few_rows(&work);
    few_rows_finish(p, buffers, &block, sums);
  }
}

int product_prepare_few_rows(product *p, apus_kernel *kernel) {
  p->algorithm = PRODUCT_FEW_ROWS;
  p->few_rows = few_rows_choose(p->d.transpose_b);
  // About a quarter of a million weights a chunk: 10 to 20 microseconds from memory. Whole strips of 64 columns.
  int64_t columns = dnn_round_up(dnn_maximum(1, ((int64_t)256 << 10) / p->d.k), 64);
  while (columns > 64 && dnn_ceiling(p->d.n, columns) * p->d.batch < 16) columns -= 64;
  product_cut(p, few_rows_limit, columns, (int64_t)256 << 10);
  int64_t scratch = few_rows_input_elements(p) + p->row_block * p->column_block;
  product_add_phase(kernel, few_rows_body, dnn_ceiling(p->units, p->group), scratch * (int64_t)sizeof(float));
  return 0;
}
