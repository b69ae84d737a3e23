// Products of float32 matrices on the calling thread.
#ifndef APUS_MATMUL_H
#define APUS_MATMUL_H

#include "kernel.h"

/// C = alpha · op(A) op(B), plus what C held where `accumulate` is set; row-major, op(A) [m, k], op(B) [k, n], C [m, n].
///
/// An element is one sum along k in order, of fused multiply-adds in runs of `APUS_PRODUCT_RUN`. So its bits depend on
/// its row of op(A) and its column of op(B) alone: not on m or n, on how the operands lie, or on how C is cut into blocks.
typedef struct apus_product {
  int64_t m, n, k;
  const float *a, *b;
  float *c;
  int64_t lda, ldb, ldc;  // elements from one stored row to the next
  int32_t transpose_a;    // A is stored [k, m]
  int32_t transpose_b;    // B is stored [n, k]
  int32_t packed_b;       // B is what `apus_pack` made; `ldb` and `transpose_b` are not read
  int32_t accumulate;
  float alpha;
} apus_product;

enum {
  APUS_PRODUCT_RUN = 384,
  APUS_PRODUCT_ROWS = 258,  // rows of op(A) that are packed at once
  APUS_WIDEST_PANEL = 64,
  /// Of `apus_multiplier.multiply`, in floats and bytes.
  APUS_PRODUCT_SCRATCH_FLOATS = APUS_PRODUCT_RUN * (APUS_WIDEST_PANEL + APUS_PRODUCT_ROWS) + 16,
  APUS_PRODUCT_SCRATCH = APUS_PRODUCT_SCRATCH_FLOATS * 4,
};

/// Floats of op(B) [k, n] when packed.
int64_t apus_packed_floats(int64_t k, int64_t n);

/// The functions of one instruction set.
typedef struct apus_multiplier {
  /// `scratch` is aligned to 64 bytes and holds `APUS_PRODUCT_SCRATCH`.
  void (*multiply)(const apus_product *product, float *scratch);
  /// Packs B for many products.
  void (*pack)(int transpose_b, int64_t k, int64_t n, const float *b, int64_t ldb, float *packed);
  /// Columns of a packed panel: 64 or 16. Element (i, j) of op(B) lies at (j / columns · k + i) · columns + j % columns.
  int64_t panel_columns;
} apus_multiplier;

/// Those of the instruction set in use: a kernel takes them when it is prepared.
apus_multiplier apus_current_multiplier(void);

#endif
