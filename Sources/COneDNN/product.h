// A matrix product as prepared: how it is cut into blocks, and the algorithm that computes a block.
#ifndef APUS_PRODUCT_H
#define APUS_PRODUCT_H

#include "operation.h"

/// The algorithms; their names are in matmul.c.
typedef enum product_algorithm {
  PRODUCT_BLOCKS,     // our float32 product on plain operands
  PRODUCT_PACKED,     // the same on a packed copy of B
  PRODUCT_SPLIT_SUM,  // the same over parts of a long inner dimension, added in order
  PRODUCT_CONVERTED,  // the same after both operands became float32
  PRODUCT_PRIMITIVE,  // the library's primitives in bfloat16, on a packed copy of B where all entries share it
  PRODUCT_FEW_ROWS,   // our matrix-vector kernels for bfloat16
  PRODUCT_DOUBLE,     // plain loops in float64
} product_algorithm;

/// Products with at most so many rows are PRODUCT_FEW_ROWS.
#define few_rows_limit 4

struct few_rows_block;

/// The work is cut into units, blocks of rows and columns of one batch entry, and `group` units make a chunk.
typedef struct product {
  const char *name;  // first in every `parameters` of this target: see `apus_onednn_algorithm`
  apus_matmul_descriptor d;
  int32_t algorithm;
  apus_multiplier multiplier;  // of float32 products
  int32_t a_buffer, b_buffer, bias_buffer, c_buffer, shared_buffer;
  int64_t row_block, column_block, row_blocks, column_blocks;
  int64_t units, group;

  int64_t parts, part_k;          // PRODUCT_SPLIT_SUM
  // PRODUCT_CONVERTED, where `d` describes the float32 copies: elements of B, stored sizes, and how the originals lie.
  int64_t converted_b, a_rows, a_columns, b_rows, b_columns;
  int64_t source_lda, source_ldb, source_a_stride, source_b_stride;
  dnn_operation *multiply[2][2];  // [last rows][last columns] where they are fewer
  dnn_operation *pack[2];         // [last columns]
  bool packs;                     // PRODUCT_PRIMITIVE: on a packed copy of B
  int64_t packed_bytes;           // of one block of columns
  void (*few_rows)(const struct few_rows_block *block);

  void *extension;       // of a kernel that has a product inside; freed with it
  int64_t shared_offset; // bytes of the shared block that belong to the extension
} product;

static inline char *product_shared(const product *p, void *const *buffers) {
  return (char *)buffers[p->shared_buffer] + p->shared_offset;
}

/// A unit's place.
typedef struct product_block {
  int64_t entry, row, column, rows, columns;
} product_block;

static inline product_block product_block_at(const product *p, int64_t unit) {
  product_block block;
  int64_t per_entry = p->row_blocks * p->column_blocks;
  block.entry = unit / per_entry;
  int64_t inner = unit % per_entry;
  block.row = inner / p->column_blocks * p->row_block;
  block.column = inner % p->column_blocks * p->column_block;
  block.rows = dnn_minimum(p->row_block, p->d.m - block.row);
  block.columns = dnn_minimum(p->column_block, p->d.n - block.column);
  return block;
}

/// Elements from the beginning of A, B and C to a block.
static inline int64_t product_a_offset(const apus_matmul_descriptor *d, const product_block *block) {
  return block->entry * d->a_stride + (d->transpose_a ? block->row : block->row * d->lda);
}
static inline int64_t product_b_offset(const apus_matmul_descriptor *d, const product_block *block) {
  return block->entry * d->b_stride + (d->transpose_b ? block->column * d->ldb : block->column);
}
static inline int64_t product_c_offset(const apus_matmul_descriptor *d, const product_block *block) {
  return block->entry * d->c_stride + block->row * d->ldc + block->column;
}

/// Cuts `p->d` into blocks and sets `units` and `group`, so that a chunk has about `chunk_work` multiply-adds.
void product_cut(product *p, int64_t row_block, int64_t column_block, int64_t chunk_work);

/// Adds a phase and makes room for its scratch.
void product_add_phase(apus_kernel *kernel, apus_body body, int64_t chunks, int64_t scratch_bytes);

/// As `apus_matmul_prepare`, with the places of the operands among the buffers.
typedef struct product_places {
  int32_t a, b, bias, c, shared;
} product_places;
int product_prepare(const apus_matmul_descriptor *descriptor, product_places places, apus_kernel *kernel);

// The algorithms' own preparations, called with a validated `p`. 0, 1 where the algorithm does not fit, or -1.
int product_prepare_blocks(product *p, apus_kernel *kernel);
int product_prepare_primitive(product *p, apus_kernel *kernel, bool packs);
int product_prepare_few_rows(product *p, apus_kernel *kernel);
int product_prepare_double(product *p, apus_kernel *kernel);

#endif
