// The loops of few_rows.c for one instruction set: FEW_ROWS_SET names it, FEW_ROWS_LANES is its width. No include guard.

typedef float FEW_ROWS_NAME(lanes) __attribute__((ext_vector_type(FEW_ROWS_LANES), aligned(4)));
typedef uint16_t FEW_ROWS_NAME(narrow) __attribute__((ext_vector_type(FEW_ROWS_LANES), aligned(2)));
typedef uint32_t FEW_ROWS_NAME(wide) __attribute__((ext_vector_type(FEW_ROWS_LANES), aligned(4)));
#define LANES FEW_ROWS_NAME(lanes)
#define ALWAYS static inline __attribute__((always_inline))

ALWAYS LANES FEW_ROWS_NAME(load)(const uint16_t *b) {
  FEW_ROWS_NAME(narrow) bits = *(const FEW_ROWS_NAME(narrow) *)b;
  return (LANES)(__builtin_convertvector(bits, FEW_ROWS_NAME(wide)) << 16);
}

/// By halves: one lane after the other would take longer than the loop over a short row.
ALWAYS float FEW_ROWS_NAME(add_lanes)(LANES v) {
#if FEW_ROWS_LANES == 16
  __auto_type eight = v.lo + v.hi;
  __auto_type four = eight.lo + eight.hi;
#elif FEW_ROWS_LANES == 8
  __auto_type four = v.lo + v.hi;
#else
  LANES four = v;
#endif
  __auto_type two = four.lo + four.hi;
  return two.x + two.y;
}

/// Dot products of `rows` rows of x with `R` rows of B from `column` on.
ALWAYS void FEW_ROWS_NAME(dot_rows)(const few_rows_block *w, int64_t column, const int rows, const int R) {
  LANES sums[4][4];
  for (int r = 0; r < R; r++)
    for (int i = 0; i < rows; i++) sums[r][i] = (LANES)(0.0f);
  int64_t k = 0, first = column * w->ldb;
  for (; k + FEW_ROWS_LANES <= w->k; k += FEW_ROWS_LANES) {
    LANES x[4];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) x[i] = *(const LANES *)(w->x + i * w->ldx + k);
#pragma clang loop unroll(full)
    for (int r = 0; r < R; r++) {
      int64_t at = first + r * w->ldb + k;
      // The next block of rows, since the processor fetches ahead only inside a row.
      __builtin_prefetch(w->b + at + R * w->ldb);
      LANES b = FEW_ROWS_NAME(load)(w->b + at);
#pragma clang loop unroll(full)
      for (int i = 0; i < rows; i++) sums[r][i] += b * x[i];
    }
  }
  for (int r = 0; r < R; r++)
    for (int i = 0; i < rows; i++) {
      float sum = FEW_ROWS_NAME(add_lanes)(sums[r][i]);
      for (int64_t j = k; j < w->k; j++)
        sum += convert_from_bfloat16(w->b[first + r * w->ldb + j]) * w->x[i * w->ldx + j];
      w->sums[i * w->ld_sums + column + r] = sum;
    }
}

ALWAYS void FEW_ROWS_NAME(dots_of)(const few_rows_block *w, const int rows) {
  int64_t column = 0;
  for (; column + 4 <= w->columns; column += 4) FEW_ROWS_NAME(dot_rows)(w, column, rows, 4);
  for (; column < w->columns; column++) FEW_ROWS_NAME(dot_rows)(w, column, rows, 1);
}

/// Sums of B's rows over `V` vectors of columns.
ALWAYS void FEW_ROWS_NAME(sum_columns)(const few_rows_block *w, int64_t column, const int rows, const int V) {
  LANES sums[4][4];
  for (int i = 0; i < rows; i++)
    for (int v = 0; v < V; v++) sums[i][v] = (LANES)(0.0f);
  for (int64_t k = 0; k < w->k; k++) {
    LANES b[4];
#pragma clang loop unroll(full)
    for (int v = 0; v < V; v++)
      b[v] = FEW_ROWS_NAME(load)(w->b + k * w->ldb + column + v * FEW_ROWS_LANES);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      LANES x = (LANES)(w->x[i * w->ldx + k]);
#pragma clang loop unroll(full)
      for (int v = 0; v < V; v++) sums[i][v] += x * b[v];
    }
  }
  for (int i = 0; i < rows; i++)
    for (int v = 0; v < V; v++)
      *(LANES *)(w->sums + i * w->ld_sums + column + v * FEW_ROWS_LANES) = sums[i][v];
}

ALWAYS void FEW_ROWS_NAME(sums_of)(const few_rows_block *w, const int rows) {
  int64_t column = 0;
  for (; column + 4 * FEW_ROWS_LANES <= w->columns; column += 4 * FEW_ROWS_LANES)
    FEW_ROWS_NAME(sum_columns)(w, column, rows, 4);
  for (; column + FEW_ROWS_LANES <= w->columns; column += FEW_ROWS_LANES)
    FEW_ROWS_NAME(sum_columns)(w, column, rows, 1);
  for (; column < w->columns; column++)
    for (int i = 0; i < rows; i++) {
      float sum = 0;
      for (int64_t k = 0; k < w->k; k++)
        sum += convert_from_bfloat16(w->b[k * w->ldb + column]) * w->x[i * w->ldx + k];
      w->sums[i * w->ld_sums + column] = sum;
    }
}

#define FEW_ROWS_KERNEL(kind) \
  static void FEW_ROWS_NAME(kind)(const few_rows_block *w) { \
    switch (w->rows) { \
      case 1: FEW_ROWS_NAME(kind##_of)(w, 1); break; \
      case 2: FEW_ROWS_NAME(kind##_of)(w, 2); break; \
      case 3: FEW_ROWS_NAME(kind##_of)(w, 3); break; \
      default: FEW_ROWS_NAME(kind##_of)(w, 4); break; \
    } \
  }
FEW_ROWS_KERNEL(dots)
FEW_ROWS_KERNEL(sums)
#undef FEW_ROWS_KERNEL
#undef LANES
#undef ALWAYS
