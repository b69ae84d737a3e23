// A product's loops for one instruction set. B is packed in panels of PANEL columns; the sums of a tile, a few rows of C
// times one panel, stay in registers while they run along the inner axis.
#include "vector_math.h"

// Half as many rows where there are half as many registers.
#if APUS_HAS_FMA
#define APUS_TILE_ROWS 6
#else
#define APUS_TILE_ROWS 3
#endif
#define PANEL (16 * APUS_TILE_VECTORS)
#define FEW_ROWS 4

APUS_INLINE void APUS_NAME(store_sums)(const product_tile *t, float *c, vf sums, int64_t count) {
  if (count <= 0) return;
  sums *= t->alpha;
  if (count >= 16) vf_store(c, t->adds ? sums + vf_load(c) : sums);
  else vf_store_part(c, t->adds ? sums + vf_load_part(c, count) : sums, count);
}

/// `across`: the values of A for one k lie side by side.
APUS_INLINE void APUS_NAME(tile)(const product_tile *t, const int rows, const int vectors, const bool across) {
  vf sums[APUS_TILE_ROWS][APUS_TILE_VECTORS];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) sums[r][v] = 0;
  const float *a = t->a, *b = t->b;
  const int64_t row = across ? 1 : t->lda, step = across ? t->lda : 1, ldb = t->ldb;
  for (int64_t k = 0; k < t->depth; k++, a += step, b += ldb) {
    vf columns[APUS_TILE_VECTORS];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) columns[v] = vf_load(b + 16 * v);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
      vf value = (vf)a[r * row];
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) sums[r][v] = vf_fma(value, columns[v], sums[r][v]);
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++)
      APUS_NAME(store_sums)(t, t->c + r * t->ldc + 16 * v, sums[r][v], t->columns - 16 * v);
}

// A compiled tile for every number of rows and of vectors.
#define TILE(rows, vectors) \
  static void APUS_NAME(tile_##rows##_##vectors)(const product_tile *t) { APUS_NAME(tile)(t, rows, vectors, false); } \
  static void APUS_NAME(across_##rows##_##vectors)(const product_tile *t) { APUS_NAME(tile)(t, rows, vectors, true); }
#if APUS_TILE_VECTORS == 4
#define TILES(rows) TILE(rows, 1) TILE(rows, 2) TILE(rows, 3) TILE(rows, 4)
#define NAMES(kind, rows) \
  {APUS_NAME(kind##_##rows##_1), APUS_NAME(kind##_##rows##_2), APUS_NAME(kind##_##rows##_3), APUS_NAME(kind##_##rows##_4)}
#else
#define TILES(rows) TILE(rows, 1)
#define NAMES(kind, rows) {APUS_NAME(kind##_##rows##_1)}
#endif
TILES(1) TILES(2) TILES(3)
#if APUS_TILE_ROWS == 6
TILES(4) TILES(5) TILES(6)
#define ALL_NAMES(kind) \
  {NAMES(kind, 1), NAMES(kind, 2), NAMES(kind, 3), NAMES(kind, 4), NAMES(kind, 5), NAMES(kind, 6)}
#else
#define ALL_NAMES(kind) {NAMES(kind, 1), NAMES(kind, 2), NAMES(kind, 3)}
#endif
typedef void (*APUS_NAME(tile_function))(const product_tile *t);
static const APUS_NAME(tile_function) APUS_NAME(tiles)[2][APUS_TILE_ROWS][APUS_TILE_VECTORS] = {
    ALL_NAMES(tile), ALL_NAMES(across)};
#undef TILE
#undef TILES
#undef NAMES
#undef ALL_NAMES

/// 16 vectors become their columns.
APUS_INLINE void APUS_NAME(transpose)(vf x[16]) {
  vf y[16];
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i += 2) {
    y[i] = __builtin_shufflevector(x[i], x[i + 1], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
    y[i + 1] = __builtin_shufflevector(x[i], x[i + 1], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i += 4)
#pragma clang loop unroll(full)
    for (int j = 0; j < 2; j++) {
      vf a = y[i + j], b = y[i + j + 2];
      x[i + 2 * j] = __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
      x[i + 2 * j + 1] = __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    }
  // Quarters 0, 2 and 1, 3 of two vectors, twice: one instruction each where vectors have 64 bytes.
#define EVEN(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27)
#define ODD(a, b) __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31)
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i += 8)
#pragma clang loop unroll(full)
    for (int j = i; j < i + 4; j++) y[j] = EVEN(x[j], x[j + 4]), y[j + 4] = ODD(x[j], x[j + 4]);
#pragma clang loop unroll(full)
  for (int j = 0; j < 8; j++) x[j] = EVEN(y[j], y[j + 8]), x[j + 8] = ODD(y[j], y[j + 8]);
#undef EVEN
#undef ODD
}

/// The first `rows` rows of B, stored [n, k], as columns; zeros past them.
APUS_INLINE void APUS_NAME(load_columns)(const float *b, int64_t ldb, int64_t rows, int64_t depth, vf x[16]) {
  if (rows >= 16 && depth >= 16) {
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) x[i] = vf_load(b + i * ldb);
  } else {
    for (int i = 0; i < 16; i++) x[i] = i < rows ? vf_load_part(b + i * ldb, depth) : (vf)0.0f;
  }
  APUS_NAME(transpose)(x);
}

/// `width` columns of op(B) as [depth][PANEL], zeros past them.
static void APUS_NAME(pack_panel)(bool transposed, int64_t depth, int64_t width, const float *b, int64_t ldb, float *panel) {
  if (!transposed) {
    for (int64_t k = 0; k < depth; k++)
#pragma clang loop unroll(full)
      for (int v = 0; v < APUS_TILE_VECTORS; v++) {
        const float *from = b + k * ldb + 16 * v;
        int64_t count = width - 16 * v;
        __builtin_prefetch(from + PANEL);  // the next panel: the processor fetches ahead only inside a row
        vf_store(panel + k * PANEL + 16 * v, count >= 16 ? vf_load(from) : count > 0 ? vf_load_part(from, count) : (vf)0.0f);
      }
    return;
  }
  for (int64_t j = 0; j < PANEL; j += 16)
    for (int64_t k = 0; k < depth; k += 16) {
      vf x[16];
      APUS_NAME(load_columns)(b + j * ldb + k, ldb, width - j, depth - k, x);
      for (int64_t i = 0; i < apus_smaller(16, depth - k); i++) vf_store(panel + (k + i) * PANEL + j, x[i]);
    }
}

static void APUS_NAME(pack)(int transposed, int64_t k, int64_t n, const float *b, int64_t ldb, float *packed) {
  for (int64_t column = 0; column < n; column += PANEL)
    APUS_NAME(pack_panel)(transposed != 0, k, apus_smaller(PANEL, n - column), transposed ? b + column * ldb : b + column, ldb,
                          packed + column * k);
}

/// Rows of op(A), stored [k, m], as strips of a tile's rows. What a store writes past its row, the next rows overwrite.
static void APUS_NAME(pack_strips)(const float *a, int64_t lda, int64_t depth, int64_t rows, float *strips) {
  for (int64_t k0 = 0; k0 < depth; k0 += 16)
    for (int64_t r = 0; r < rows; r += APUS_TILE_ROWS) {
      float *to = strips + r * depth;
      for (int64_t k = k0; k < apus_smaller(k0 + 16, depth); k++) {
        const float *from = a + k * lda + r;
        apus_vf8 x;
        if (rows - r >= 8 && (depth - k) * APUS_TILE_ROWS >= 8) memcpy(&x, from, sizeof x), memcpy(to + k * APUS_TILE_ROWS, &x, sizeof x);
        else vf_store_part(to + k * APUS_TILE_ROWS, vf_load_part(from, rows - r), APUS_TILE_ROWS);
      }
    }
}

/// `rows` rows of A times 16 rows of B, stored [n, k], which are transposed in registers.
APUS_INLINE void APUS_NAME(few_rows)(const product_tile *t, const int rows) {
  vf sums[FEW_ROWS];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; r++) sums[r] = 0;
  for (int64_t k = 0; k < t->depth; k += 16) {
    vf x[16];
    const float *b = t->b + k, *a = t->a + k;
    // The next rows: the processor fetches ahead only inside a row.
#pragma clang loop unroll(full)
    for (int i = 0; i < 16; i++) __builtin_prefetch(b + (i + 16) * t->ldb);
    APUS_NAME(load_columns)(b, t->ldb, t->columns, t->depth - k, x);
    if (t->depth - k >= 16) {
#pragma clang loop unroll(full)
      for (int i = 0; i < 16; i++)
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) sums[r] = vf_fma((vf)a[r * t->lda + i], x[i], sums[r]);
    } else {
      for (int i = 0; i < t->depth - k; i++)
        for (int r = 0; r < rows; r++) sums[r] = vf_fma((vf)a[r * t->lda + i], x[i], sums[r]);
    }
  }
  for (int r = 0; r < rows; r++) APUS_NAME(store_sums)(t, t->c + r * t->ldc, sums[r], t->columns);
}

static void APUS_NAME(multiply_few_rows)(const apus_product *p, product_tile t, int64_t k) {
  t.a = p->a + k;
  for (int64_t column = 0; column < p->n; column += 16) {
    t.b = p->b + column * p->ldb + k, t.c = p->c + column, t.columns = apus_smaller(16, p->n - column);
    switch (p->m) {
      case 1: APUS_NAME(few_rows)(&t, 1); break;
      case 2: APUS_NAME(few_rows)(&t, 2); break;
      case 3: APUS_NAME(few_rows)(&t, 3); break;
      default: APUS_NAME(few_rows)(&t, 4); break;
    }
  }
}

/// Rows `row` to `row + rows` of C over one run; `strips` holds those of A where they are packed.
static void APUS_NAME(multiply_rows)(const apus_product *p, product_tile t, int64_t k, int64_t row, int64_t rows,
                                     const float *strips, float *panel) {
  const float *a = p->transpose_a ? p->a + k * p->lda + row : p->a + row * p->lda + k;
  if (strips) t.lda = APUS_TILE_ROWS;
  for (int64_t column = 0; column < p->n; column += PANEL) {
    t.columns = apus_smaller(PANEL, p->n - column);
    const float *b = p->transpose_b ? p->b + column * p->ldb + k : p->b + k * p->ldb + column;
    // What is read once or twice is not worth packing.
    bool plain = !p->transpose_b && rows <= 2 * APUS_TILE_ROWS && t.columns % 16 == 0;
    t.b = p->packed_b ? p->b + column * p->k + k * PANEL : plain ? b : panel;
    t.ldb = plain && !p->packed_b ? p->ldb : PANEL;
    if (t.b == panel) APUS_NAME(pack_panel)(p->transpose_b != 0, t.depth, t.columns, b, p->ldb, panel);
    for (int64_t r = 0; r < rows; r += APUS_TILE_ROWS) {
      t.a = strips ? strips + r * t.depth : p->transpose_a ? a + r : a + r * p->lda;
      t.c = p->c + (row + r) * p->ldc + column;
      APUS_NAME(tiles)[p->transpose_a != 0][apus_smaller(APUS_TILE_ROWS, rows - r) - 1][(t.columns - 1) / 16](&t);
    }
  }
}

static void APUS_NAME(multiply)(const apus_product *p, float *scratch) {
  float *panel = scratch, *strips = p->transpose_a && p->n > PANEL ? scratch + APUS_PRODUCT_RUN * APUS_WIDEST_PANEL : NULL;
  for (int64_t i = 0; i < p->m && p->k == 0 && !p->accumulate; i++)
    memset(p->c + i * p->ldc, 0, (size_t)p->n * sizeof(float));
  int64_t block = strips ? APUS_PRODUCT_ROWS : p->m;
  for (int64_t k = 0; k < p->k; k += APUS_PRODUCT_RUN) {
    product_tile t = {.lda = p->lda, .ldb = p->ldb, .ldc = p->ldc, .depth = apus_smaller(APUS_PRODUCT_RUN, p->k - k),
                      .alpha = p->alpha, .adds = k > 0 || p->accumulate};
    if (p->m > 0 && p->m <= FEW_ROWS && p->transpose_b && !p->transpose_a && !p->packed_b) {
      APUS_NAME(multiply_few_rows)(p, t, k);
      continue;
    }
    for (int64_t row = 0; row < p->m; row += block) {
      int64_t rows = apus_smaller(block, p->m - row);
      if (strips) APUS_NAME(pack_strips)(p->a + k * p->lda + row, p->lda, t.depth, rows, strips);
      APUS_NAME(multiply_rows)(p, t, k, row, rows, strips, panel);
    }
  }
}

static const apus_multiplier APUS_NAME(multiplier) = {APUS_NAME(multiply), APUS_NAME(pack), PANEL};
#undef PANEL
#undef FEW_ROWS
#undef APUS_TILE_ROWS
