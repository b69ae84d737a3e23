// Products in float32, a block of C in each unit; also on B packed once for all blocks, over parts of a long inner
// dimension, and on operands that first become float32.
#include "convert.h"
#include "product.h"

#include <string.h>

static float load(const void *data, int64_t i, int32_t type) {
  if (type == APUS_FLOAT32) return ((const float *)data)[i];
  uint16_t bits = ((const uint16_t *)data)[i];
  return type == APUS_BFLOAT16 ? convert_from_bfloat16(bits) : convert_from_float16(bits);
}

static void store_row(void *data, int64_t offset, int32_t type, const float *values, int64_t count) {
  uint16_t *narrow = (uint16_t *)data + offset;
  if (type == APUS_FLOAT32) memcpy((float *)data + offset, values, (size_t)count * sizeof *values);
  else if (type == APUS_BFLOAT16) for (int64_t i = 0; i < count; i++) narrow[i] = convert_to_bfloat16(values[i]);
  else for (int64_t i = 0; i < count; i++) narrow[i] = convert_to_float16(values[i]);
}

/// Bias and ReLU on a row of float32 sums.
static void finish_row(const product *p, float *row, const float *bias, int64_t count) {
  if (bias) for (int64_t i = 0; i < count; i++) row[i] += bias[i];
  if (p->d.relu) for (int64_t i = 0; i < count; i++) row[i] = row[i] < 0 ? 0 : row[i];
}

/// The product of a block over the inner indices from `k0` on; `c` is float32.
static void multiply(const product *p, const product_block *block, const float *a, const float *b, int64_t k0,
                     int64_t k, bool accumulate, float *c, int64_t ldc, float *scratch) {
  const apus_matmul_descriptor *d = &p->d;
  bool packed = p->algorithm == PRODUCT_PACKED;
  apus_product product = {
      .m = block->rows, .n = block->columns, .k = k, .lda = d->lda, .ldb = d->ldb, .c = c, .ldc = ldc, .alpha = d->alpha,
      .a = a + product_a_offset(d, block) + (d->transpose_a ? k0 * d->lda : k0), .transpose_a = d->transpose_a,
      .b = packed ? b + block->column * d->k : b + product_b_offset(d, block) + (d->transpose_b ? k0 : k0 * d->ldb),
      .transpose_b = d->transpose_b, .packed_b = packed, .accumulate = accumulate,
  };
  p->multiplier.multiply(&product, scratch);
}

/// A block in float32 memory, or through scratch into a narrower C.
static void compute_block(const product *p, void *const *buffers, const product_block *block, const float *a,
                          const float *b, float *scratch) {
  const apus_matmul_descriptor *d = &p->d;
  void *c = buffers[p->c_buffer];
  const float *bias = d->bias ? (const float *)buffers[p->bias_buffer] + block->column : NULL;
  int64_t offset = product_c_offset(d, block);
  bool direct = d->c_type == APUS_FLOAT32;
  float *sums = direct ? (float *)c + offset : scratch + APUS_PRODUCT_SCRATCH_FLOATS;
  int64_t ld = direct ? d->ldc : block->columns;
  multiply(p, block, a, b, 0, d->k, direct && d->accumulate, sums, ld, scratch);
  if (direct && !bias && !d->relu) return;
  for (int64_t i = 0; i < block->rows; i++) {
    float *row = sums + i * ld;
    if (!direct && d->accumulate)
      for (int64_t j = 0; j < block->columns; j++) row[j] += load(c, offset + i * d->ldc + j, d->c_type);
    finish_row(p, row, bias, block->columns);
    if (!direct) store_row(c, offset + i * d->ldc, d->c_type, row, block->columns);
  }
}

static void blocks_body(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  const product *p = parameters;
  const float *a = buffers[p->a_buffer], *b = buffers[p->b_buffer];
  if (p->algorithm != PRODUCT_BLOCKS) b = (const float *)product_shared(p, buffers);
  if (p->algorithm == PRODUCT_CONVERTED) a = b + p->converted_b;
  int64_t end = dnn_minimum(p->units, (chunk + 1) * p->group);
  for (int64_t unit = chunk * p->group; unit < end; unit++) {
    product_block block = product_block_at(p, unit);
    compute_block(p, buffers, &block, a, b, scratch);
  }
}

// Split sums: part after part of all units, each to its own [batch, m, n] in the shared block.

static void part_body(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  const product *p = parameters;
  int64_t part = chunk / p->units, k0 = part * p->part_k;
  product_block block = product_block_at(p, chunk % p->units);
  float *c = (float *)product_shared(p, buffers) + (part * p->d.batch + block.entry) * p->d.m * p->d.n;
  multiply(p, &block, buffers[p->a_buffer], buffers[p->b_buffer], k0, dnn_minimum(p->part_k, p->d.k - k0), false,
           c + block.row * p->d.n + block.column, p->d.n, scratch);
}

static const int64_t sum_rows_elements = 8192;

static int64_t sum_rows(const product *p) { return dnn_maximum(1, sum_rows_elements / dnn_maximum(1, p->d.n)); }

static void sum_body(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  const product *p = parameters;
  const apus_matmul_descriptor *d = &p->d;
  float *row = scratch;
  int64_t rows = d->batch * d->m, first = chunk * sum_rows(p), last = dnn_minimum(rows, first + sum_rows(p));
  for (int64_t r = first; r < last; r++) {
    const float *parts = (const float *)product_shared(p, buffers) + r * d->n;
    int64_t offset = r / d->m * d->c_stride + r % d->m * d->ldc;
    memcpy(row, parts, (size_t)d->n * sizeof *row);
    for (int64_t part = 1; part < p->parts; part++) {
      const float *other = parts + part * rows * d->n;
      for (int64_t j = 0; j < d->n; j++) row[j] += other[j];
    }
    if (d->accumulate) for (int64_t j = 0; j < d->n; j++) row[j] += load(buffers[p->c_buffer], offset + j, d->c_type);
    finish_row(p, row, d->bias ? buffers[p->bias_buffer] : NULL, d->n);
    store_row(buffers[p->c_buffer], offset, d->c_type, row, d->n);
  }
}

// Conversion: B, then A, to contiguous float32 in the shared block.

static const int64_t converted_elements = 16384;

static int64_t stored_rows(const product *p, bool is_b) {
  int64_t entries = (is_b ? p->d.b_stride : p->d.a_stride) == 0 ? 1 : p->d.batch;
  return entries * (is_b ? p->b_rows : p->a_rows);
}

static int64_t conversion_rows(const product *p, bool is_b) {
  return dnn_maximum(1, converted_elements / dnn_maximum(1, is_b ? p->b_columns : p->a_columns));
}

/// `ld` and `stride` are those of the original, kept apart since `d` describes the converted operands.
static void convert_rows(const product *p, bool is_b, const void *from, float *to, int64_t chunk) {
  int64_t per_entry = is_b ? p->b_rows : p->a_rows, columns = is_b ? p->b_columns : p->a_columns;
  int64_t ld = is_b ? p->source_ldb : p->source_lda, stride = is_b ? p->source_b_stride : p->source_a_stride;
  int64_t first = chunk * conversion_rows(p, is_b);
  int64_t last = dnn_minimum(stored_rows(p, is_b), first + conversion_rows(p, is_b));
  for (int64_t r = first; r < last; r++) {
    const uint16_t *source = (const uint16_t *)from + r / per_entry * stride + r % per_entry * ld;
    float *target = to + r * columns;
    if (p->d.type == APUS_BFLOAT16) for (int64_t j = 0; j < columns; j++) target[j] = convert_from_bfloat16(source[j]);
    else for (int64_t j = 0; j < columns; j++) target[j] = convert_from_float16(source[j]);
  }
}

static void convert_b_body(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const product *p = parameters;
  convert_rows(p, true, buffers[p->b_buffer], (float *)product_shared(p, buffers), chunk);
}

static void convert_a_body(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const product *p = parameters;
  convert_rows(p, false, buffers[p->a_buffer], (float *)product_shared(p, buffers) + p->converted_b, chunk);
}

static void prepare_conversion(product *p, apus_kernel *kernel) {
  apus_matmul_descriptor *d = &p->d;
  p->algorithm = PRODUCT_CONVERTED;
  p->a_rows = d->transpose_a ? d->k : d->m;
  p->a_columns = d->transpose_a ? d->m : d->k;
  p->b_rows = d->transpose_b ? d->n : d->k;
  p->b_columns = d->transpose_b ? d->k : d->n;
  p->source_lda = d->lda;
  p->source_ldb = d->ldb;
  p->source_a_stride = d->a_stride;
  p->source_b_stride = d->b_stride;
  d->lda = dnn_maximum(1, p->a_columns);
  d->ldb = dnn_maximum(1, p->b_columns);
  if (d->a_stride) d->a_stride = p->a_rows * p->a_columns;
  if (d->b_stride) d->b_stride = p->b_rows * p->b_columns;
  p->converted_b = dnn_round_up(stored_rows(p, true) * p->b_columns, 16);
  kernel->shared_bytes = (p->converted_b + stored_rows(p, false) * p->a_columns) * (int64_t)sizeof(float);
  kernel->invariant_phases = 1;
  kernel->invariant_input = p->b_buffer;
  product_add_phase(kernel, convert_b_body, dnn_ceiling(stored_rows(p, true), conversion_rows(p, true)), 0);
  product_add_phase(kernel, convert_a_body, dnn_ceiling(stored_rows(p, false), conversion_rows(p, false)), 0);
}

// Packed B: panels in the shared block.

static const int64_t packed_columns = 256;

static void pack_body(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const product *p = parameters;
  product_block block = {.column = chunk * packed_columns};
  const float *b = (const float *)buffers[p->b_buffer] + product_b_offset(&p->d, &block);
  p->multiplier.pack(p->d.transpose_b, p->d.k, dnn_minimum(packed_columns, p->d.n - block.column), b, p->d.ldb,
                     (float *)product_shared(p, buffers) + block.column * p->d.k);
}

static const int64_t wanted_units = 16;

/// Into how many sums a long inner dimension may be split: gradients of weights alone, since a row of a forward product
/// must not depend on how many there are.
static int64_t most_parts(const product *p) {
  const apus_matmul_descriptor *d = &p->d;
  return p->algorithm == PRODUCT_BLOCKS && d->transpose_a ? dnn_maximum(1, dnn_minimum(16, d->k / 512)) : 1;
}

/// Wide blocks of equal width with as many rows as are packed at once, since every block packs its part of B, or of A;
/// smaller ones only where there would be too few units.
static void cut_blocks(product *p) {
  const int64_t widest = 512, least = (int64_t)1 << 20, group = (int64_t)3 << 20, parts = most_parts(p);
  const apus_matmul_descriptor *d = &p->d;
  int64_t columns = dnn_round_up(dnn_ceiling(d->n, dnn_maximum(1, dnn_ceiling(d->n, widest))), APUS_WIDEST_PANEL);
  int64_t rows = dnn_round_up(dnn_ceiling(d->m, dnn_maximum(1, dnn_ceiling(d->m, APUS_PRODUCT_ROWS))), 6);
  product_cut(p, rows, columns, group);
  while (p->units * parts < wanted_units && p->row_block * p->column_block * d->k >= least && (rows > 66 || columns > 128)) {
    if (columns > 128 && (p->algorithm != PRODUCT_PACKED || rows <= 66)) columns = dnn_round_up(columns / 2, APUS_WIDEST_PANEL);
    else rows = dnn_round_up(rows / 2, 6);
    product_cut(p, rows, columns, group);
  }
}

static void prepare_split_sum(product *p, int64_t parts, apus_kernel *kernel) {
  p->algorithm = PRODUCT_SPLIT_SUM;
  p->part_k = dnn_round_up(dnn_ceiling(p->d.k, parts), 16);
  p->parts = dnn_ceiling(p->d.k, p->part_k);
  int64_t rows = p->d.batch * p->d.m;
  kernel->shared_bytes = p->parts * rows * p->d.n * (int64_t)sizeof(float);
  product_add_phase(kernel, part_body, p->parts * p->units, APUS_PRODUCT_SCRATCH);
  product_add_phase(kernel, sum_body, dnn_ceiling(rows, sum_rows(p)), p->d.n * (int64_t)sizeof(float));
}

/// B is packed first where several blocks of rows read it, or where a loop packs it once for all its steps.
static bool is_worth_packing(const apus_matmul_descriptor *d) {
  return d->type == APUS_FLOAT32 && d->batch == 1 && !d->transpose_a && d->k > 0 &&
         (d->m > APUS_PRODUCT_ROWS || (d->b_is_reused && d->m > 0));
}

int product_prepare_blocks(product *p, apus_kernel *kernel) {
  const apus_matmul_descriptor *d = &p->d;
  p->algorithm = is_worth_packing(d) ? PRODUCT_PACKED : PRODUCT_BLOCKS;
  p->multiplier = apus_current_multiplier();
  if (d->type != APUS_FLOAT32) prepare_conversion(p, kernel);
  cut_blocks(p);
  int64_t parts = dnn_minimum(most_parts(p), dnn_ceiling(wanted_units, dnn_maximum(1, p->units)));
  if (parts > 1) {
    prepare_split_sum(p, parts, kernel);
    return 0;
  }
  if (p->algorithm == PRODUCT_PACKED) {
    kernel->shared_bytes = apus_packed_floats(d->k, d->n) * (int64_t)sizeof(float);
    kernel->invariant_phases = 1;
    kernel->invariant_input = p->b_buffer;
    product_add_phase(kernel, pack_body, dnn_ceiling(d->n, packed_columns), 0);
  }
  int64_t narrow = d->c_type == APUS_FLOAT32 ? 0 : p->row_block * p->column_block * (int64_t)sizeof(float);
  product_add_phase(kernel, blocks_body, dnn_ceiling(p->units, p->group), APUS_PRODUCT_SCRATCH + narrow);
  return 0;
}
