// Products in bfloat16 by matmul primitives, on a packed copy of B or on plain operands.
#include "product.h"

static void multiply_body(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  const product *p = parameters;
  const apus_matmul_descriptor *d = &p->d;
  int64_t end = dnn_minimum(p->units, (chunk + 1) * p->group);
  for (int64_t unit = chunk * p->group; unit < end; unit++) {
    product_block block = product_block_at(p, unit);
    char *a = buffers[p->a_buffer], *b = buffers[p->b_buffer], *c = buffers[p->c_buffer];
    a += product_a_offset(d, &block) * apus_type_size(d->type);
    c += product_c_offset(d, &block) * apus_type_size(d->c_type);
    if (p->packs)
      b = product_shared(p, buffers) + block.column / p->column_block * p->packed_bytes;
    else
      b += product_b_offset(d, &block) * apus_type_size(d->type);
    dnn_operation *operation = p->multiply[block.rows < p->row_block][block.columns < p->column_block];
    void *bias = d->bias ? (float *)buffers[p->bias_buffer] + block.column : NULL;
    void *const with_bias[] = {a, b, c, bias};
    dnn_operation_run(operation, with_bias, scratch);
  }
}

static void pack_body(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  const product *p = parameters;
  int64_t column = chunk * p->column_block;
  product_block block = {.column = column};
  char *from = (char *)buffers[p->b_buffer] + product_b_offset(&p->d, &block) * apus_type_size(p->d.type);
  char *to = product_shared(p, buffers) + chunk * p->packed_bytes;
  bool last = p->d.n - column < p->column_block;
  dnn_operation_run(p->pack[last], (void *[]){from, to}, scratch);
}

typedef struct layouts {
  dnn_layout a, b, packed, bias, c;
} layouts;

static void layouts_destroy(layouts *l) {
  if (l->a) dnn_layout_destroy(l->a);
  if (l->b) dnn_layout_destroy(l->b);
  if (l->packed) dnn_layout_destroy(l->packed);
  if (l->bias) dnn_layout_destroy(l->bias);
  if (l->c) dnn_layout_destroy(l->c);
}

static dnnl_status_t describe_layouts(layouts *l, const product *p, int64_t rows, int64_t columns) {
  const apus_matmul_descriptor *d = &p->d;
  dnnl_data_type_t type = dnn_type(d->type);
  int64_t a_strides[] = {d->transpose_a ? 1 : d->lda, d->transpose_a ? d->lda : 1};
  int64_t b_strides[] = {d->transpose_b ? 1 : d->ldb, d->transpose_b ? d->ldb : 1};
  dnnl_status_t status = dnn_layout_create(&l->a, 2, (int64_t[]){rows, d->k}, type, a_strides);
  if (status == dnnl_success) status = dnn_layout_create(&l->b, 2, (int64_t[]){d->k, columns}, type, b_strides);
  if (status == dnnl_success) status = dnn_layout_create(&l->packed, 2, (int64_t[]){d->k, columns}, type, NULL);
  if (status == dnnl_success && d->bias)
    status = dnn_layout_create(&l->bias, 2, (int64_t[]){1, columns}, dnnl_f32, (int64_t[]){columns, 1});
  if (status == dnnl_success)
    status = dnn_layout_create(&l->c, 2, (int64_t[]){rows, columns}, dnn_type(d->c_type), (int64_t[]){d->ldc, 1});
  return status;
}

/// A primitive for blocks of one size. `packed` is the layout of the packed columns: NULL on entry lets the library
/// choose, and then receives what it chose. Where the library has only its slow reference: unimplemented.
static dnnl_status_t create_multiply(product *p, int last_rows, int last_columns, int64_t rows, int64_t columns,
                                     dnn_layout *packed) {
  const apus_matmul_descriptor *d = &p->d;
  layouts l = {0};
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_primitive_desc_t description = NULL;
  dnn_tail tail = {.scale = d->alpha, .accumulate = d->accumulate, .relu = d->relu};
  dnnl_status_t status = describe_layouts(&l, p, rows, columns);
  if (status == dnnl_success) status = dnn_attributes(&attributes, tail, dnn_type(d->c_type));
  if (status == dnnl_success) {
    dnn_layout_view b = !p->packs ? l.b : *packed ? *packed : l.packed;
    status = dnn_matmul_describe(&description, l.a, b, l.bias, l.c, attributes);
  }
  if (status == dnnl_success && !dnn_is_fast(description)) {
    status = dnnl_unimplemented;
    dnnl_primitive_desc_destroy(description);
  }
  if (status == dnnl_success && p->packs && !*packed) {
    status = dnn_layout_copy(packed, dnn_chosen_layout(description, DNNL_ARG_WEIGHTS));
    if (status == dnnl_success) status = dnn_reorder_create(&p->pack[last_columns], l.b, *packed);
    if (status != dnnl_success) dnnl_primitive_desc_destroy(description);
  }
  if (status == dnnl_success) {
    int32_t arguments[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_BIAS};
    status = dnn_operation_create(&p->multiply[last_rows][last_columns], description, d->bias ? 4 : 3, arguments);
  }
  if (attributes) dnnl_primitive_attr_destroy(attributes);
  layouts_destroy(&l);
  return status;
}

/// All sizes of blocks that occur.
static dnnl_status_t create_operations(product *p) {
  int64_t sizes[2][2] = {{p->row_block, p->d.m % p->row_block}, {p->column_block, p->d.n % p->column_block}};
  dnnl_status_t status = dnnl_success;
  for (int j = 0; j < 2 && status == dnnl_success; j++) {
    dnn_layout packed = NULL;
    for (int i = 0; i < 2 && status == dnnl_success && sizes[1][j] > 0; i++)
      if (sizes[0][i] > 0) status = create_multiply(p, i, j, sizes[0][i], sizes[1][j], &packed);
    if (j == 0 && packed) p->packed_bytes = dnn_round_up((int64_t)dnnl_memory_desc_get_size(packed), 64);
    if (packed) dnn_layout_destroy(packed);
  }
  return status;
}

static void discard_operations(product *p) {
  for (int i = 0; i < 2; i++) {
    for (int j = 0; j < 2; j++) {
      dnn_operation_destroy(p->multiply[i][j]);
      p->multiply[i][j] = NULL;
    }
    dnn_operation_destroy(p->pack[i]);
    p->pack[i] = NULL;
  }
}

/// Blocks of columns are multiples of 64, the width of the library's packed panels. The library copies a block's rows
/// of A, so blocks are wide; narrower ones only where there would be too few chunks.
static void cut_for_primitive(product *p) {
  const int64_t work = (int64_t)24 << 20, least = (int64_t)2 << 20, wanted = 12;
  int64_t rows = 128, columns = dnn_minimum(1024, dnn_round_up(p->d.n, 64));
  while (rows > 64 && rows * columns * p->d.k > work) rows /= 2;
  while (rows < 512 && rows * columns * p->d.k < work / 2) rows *= 2;
  product_cut(p, rows, columns, 0);
  while (p->units < wanted && columns > 64 && p->row_block * columns * p->d.k > least) {
    columns = dnn_round_up(columns / 2, 64);
    product_cut(p, rows, columns, 0);
  }
  // All rows of a panel that does not stay in the cache are served at once.
  const int64_t fewest = p->d.b_is_reused ? 32 : 16;
  while (p->units < wanted && rows > fewest && rows * p->column_block * p->d.k > least) {
    rows /= 2;
    product_cut(p, rows, columns, 0);
  }
  product_cut(p, rows, columns, work / 2);
}

int product_prepare_primitive(product *p, apus_kernel *kernel, bool packs) {
  if (p->d.alpha != 1 && p->d.bias) return 1;  // the library scales the bias too
  p->algorithm = PRODUCT_PRIMITIVE;
  p->packs = packs;
  cut_for_primitive(p);
  if (create_operations(p) != dnnl_success) {
    discard_operations(p);
    return 1;
  }
  int64_t scratch = 0;
  for (int i = 0; i < 2; i++)
    for (int j = 0; j < 2; j++)
      if (p->multiply[i][j]) scratch = dnn_maximum(scratch, p->multiply[i][j]->scratch_bytes);
  if (packs) {
    int64_t pack = p->pack[0]->scratch_bytes;
    if (p->pack[1]) pack = dnn_maximum(pack, p->pack[1]->scratch_bytes);
    kernel->shared_bytes = p->packed_bytes * p->column_blocks;
    kernel->invariant_phases = 1;
    kernel->invariant_input = p->b_buffer;
    product_add_phase(kernel, pack_body, p->column_blocks, pack);
  }
  product_add_phase(kernel, multiply_body, dnn_ceiling(p->units, p->group), scratch);
  return 0;
}
