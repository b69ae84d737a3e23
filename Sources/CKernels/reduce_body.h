// Reductions of rows and of columns for one instruction set. Accumulators that leave a function are float64 or int64.

#include "vector_math.h"

#ifndef APUS_REDUCE_VECTORS
#define APUS_REDUCE_VECTORS
typedef double double8 __attribute__((ext_vector_type(8)));
#endif

APUS_INLINE double8 APUS_NAME(load_f64)(const double *p) {
  double8 v;
  memcpy(&v, p, sizeof v);
  return v;
}

APUS_INLINE vf APUS_NAME(load_bf16)(const uint16_t *p) {
  apus_vu16 v;
  memcpy(&v, p, sizeof v);
  return vf_of_bfloat16(v);
}

APUS_INLINE vf APUS_NAME(load_f16)(const uint16_t *p) {
  apus_vu16 v;
  memcpy(&v, p, sizeof v);
  return vf_of_float16(v);
}

#define REDUCE_SUM(a, x) ((a) + (x))
#define REDUCE_PRODUCT(a, x) ((a) * (x))
#define REDUCE_MAX(a, x) ((((x) > (a)) | ((x) != (x))) ? (x) : (a))
#define REDUCE_MIN(a, x) ((((x) < (a)) | ((x) != (x))) ? (x) : (a))
#define REDUCE_SQUARES(a, x) ((a) + (x) * (x))

/// `step` adds a value to an accumulator, `join` an accumulator to another one.
#define DEFINE_FLOAT_REDUCTION(name, type, load, load1, real, vector, lanes, step, join, identity)                  \
  static void APUS_NAME(row_##name)(const void *values, int64_t n, void *result) {                                  \
    const type *x = values;                                                                                         \
    double total = *(double *)result;                                                                               \
    while (n > 0) {                                                                                                 \
      int64_t block = apus_smaller(n, 4096), i = 0;                                                                 \
      real single = identity;                                                                                       \
      if (block >= lanes) {                                                                                         \
        vector a = identity, b = identity, c = identity, d = identity;                                              \
        for (; i + 4 * lanes <= block; i += 4 * lanes) {                                                            \
          vector x0 = load(x + i), x1 = load(x + i + lanes), x2 = load(x + i + 2 * lanes), x3 = load(x + i + 3 * lanes); \
          a = step(a, x0), b = step(b, x1), c = step(c, x2), d = step(d, x3);                                       \
        }                                                                                                           \
        for (; i + lanes <= block; i += lanes) {                                                                    \
          vector x0 = load(x + i);                                                                                  \
          a = step(a, x0);                                                                                          \
        }                                                                                                           \
        a = join(a, b), c = join(c, d), a = join(a, c);                                                             \
        real each[lanes];                                                                                           \
        memcpy(each, &a, sizeof each);                                                                              \
        for (int half = lanes / 2; half > 0; half /= 2)                                                             \
          for (int k = 0; k < half; k++) each[k] = join(each[k], each[k + half]);                                   \
        single = each[0];                                                                                           \
      }                                                                                                             \
      for (; i < block; i++) {                                                                                      \
        real value = load1(x[i]);                                                                                   \
        single = step(single, value);                                                                               \
      }                                                                                                             \
      double wide = single;                                                                                         \
      total = join(total, wide);                                                                                    \
      x += block, n -= block;                                                                                       \
    }                                                                                                               \
    *(double *)result = total;                                                                                      \
  }                                                                                                                 \
  static void APUS_NAME(columns_##name)(                                                                            \
      const void *values, int64_t rows, int64_t stride, int64_t width, void *results) {                             \
    double *totals = results;                                                                                       \
    for (int64_t r0 = 0; r0 < rows; r0 += 64) {                                                                     \
      const type *x = (const type *)values + r0 * stride;                                                           \
      int64_t block = apus_smaller(rows - r0, 64), column = 0;                                                      \
      for (; column + 4 * lanes <= width; column += 4 * lanes) {                                                    \
        vector a = identity, b = identity, c = identity, d = identity;                                              \
        for (int64_t r = 0; r < block; r++) {                                                                       \
          const type *p = x + r * stride + column;                                                                  \
          vector x0 = load(p), x1 = load(p + lanes), x2 = load(p + 2 * lanes), x3 = load(p + 3 * lanes);            \
          a = step(a, x0), b = step(b, x1), c = step(c, x2), d = step(d, x3);                                       \
        }                                                                                                           \
        real each[4 * lanes];                                                                                       \
        memcpy(each, &a, sizeof a), memcpy(each + lanes, &b, sizeof a);                                             \
        memcpy(each + 2 * lanes, &c, sizeof a), memcpy(each + 3 * lanes, &d, sizeof a);                             \
        for (int k = 0; k < 4 * lanes; k++) {                                                                       \
          double wide = each[k];                                                                                    \
          totals[column + k] = join(totals[column + k], wide);                                                      \
        }                                                                                                           \
      }                                                                                                             \
      for (; column + lanes <= width; column += lanes) {                                                            \
        vector a = identity;                                                                                        \
        for (int64_t r = 0; r < block; r++) {                                                                       \
          vector x0 = load(x + r * stride + column);                                                                \
          a = step(a, x0);                                                                                          \
        }                                                                                                           \
        for (int k = 0; k < lanes; k++) {                                                                           \
          double wide = a[k];                                                                                       \
          totals[column + k] = join(totals[column + k], wide);                                                      \
        }                                                                                                           \
      }                                                                                                             \
      for (; column < width; column++) {                                                                            \
        real single = identity;                                                                                     \
        for (int64_t r = 0; r < block; r++) {                                                                       \
          real value = load1(x[r * stride + column]);                                                               \
          single = step(single, value);                                                                             \
        }                                                                                                           \
        double wide = single;                                                                                       \
        totals[column] = join(totals[column], wide);                                                                \
      }                                                                                                             \
    }                                                                                                               \
  }

#define DEFINE_FLOAT_REDUCTIONS(name, type, load, load1, real, vector, lanes)                                            \
  DEFINE_FLOAT_REDUCTION(sum_##name, type, load, load1, real, vector, lanes, REDUCE_SUM, REDUCE_SUM, 0)                  \
  DEFINE_FLOAT_REDUCTION(product_##name, type, load, load1, real, vector, lanes, REDUCE_PRODUCT, REDUCE_PRODUCT, 1)      \
  DEFINE_FLOAT_REDUCTION(max_##name, type, load, load1, real, vector, lanes, REDUCE_MAX, REDUCE_MAX, -(real)INFINITY)    \
  DEFINE_FLOAT_REDUCTION(min_##name, type, load, load1, real, vector, lanes, REDUCE_MIN, REDUCE_MIN, (real)INFINITY)     \
  DEFINE_FLOAT_REDUCTION(squares_##name, type, load, load1, real, vector, lanes, REDUCE_SQUARES, REDUCE_SUM, 0)

#define SAME(x) (x)
DEFINE_FLOAT_REDUCTIONS(f32, float, vf_load, SAME, float, vf, 16)
DEFINE_FLOAT_REDUCTIONS(f64, double, APUS_NAME(load_f64), SAME, double, double8, 8)
DEFINE_FLOAT_REDUCTIONS(f16, uint16_t, APUS_NAME(load_f16), apus_half_to_float, float, vf, 16)
DEFINE_FLOAT_REDUCTIONS(bf16, uint16_t, APUS_NAME(load_bf16), apus_bfloat_to_float, float, vf, 16)

/// Integers need no care for the order of sums: the compiler vectorises the loops. Unsigned, so that sums wrap.
#define DEFINE_INTEGER_REDUCTION(name, type, total, step, identity)                                     \
  static void APUS_NAME(row_##name)(const void *values, int64_t n, void *result) {                      \
    const type *x = values;                                                                             \
    total sum = *(total *)result;                                                                       \
    for (int64_t i = 0; i < n; i++) sum = step(sum, (total)x[i]);                                       \
    *(total *)result = sum;                                                                             \
  }                                                                                                     \
  static void APUS_NAME(columns_##name)(                                                                \
      const void *values, int64_t rows, int64_t stride, int64_t width, void *results) {                 \
    const type *restrict x = values;                                                                    \
    total *restrict totals = results;                                                                   \
    for (int64_t r = 0; r < rows; r++, x += stride)                                                     \
      for (int64_t c = 0; c < width; c++) totals[c] = step(totals[c], (total)x[c]);                     \
  }

#define DEFINE_INTEGER_REDUCTIONS(name, type)                                \
  DEFINE_INTEGER_REDUCTION(sum_##name, type, uint64_t, REDUCE_SUM, 0)         \
  DEFINE_INTEGER_REDUCTION(product_##name, type, uint64_t, REDUCE_PRODUCT, 1) \
  DEFINE_INTEGER_REDUCTION(max_##name, type, int64_t, REDUCE_MAX, INT64_MIN)  \
  DEFINE_INTEGER_REDUCTION(min_##name, type, int64_t, REDUCE_MIN, INT64_MAX)

DEFINE_INTEGER_REDUCTIONS(i32, int32_t)
DEFINE_INTEGER_REDUCTIONS(i64, int64_t)
DEFINE_INTEGER_REDUCTIONS(u8, uint8_t)

/// Where the first extreme of every column is; `best` holds the values met so far.
#define DEFINE_COLUMN_POSITIONS(name, type, value_type, load1, compare)                                           \
  static void APUS_NAME(columns_##name)(const void *values, int64_t rows, int64_t stride, int64_t width,          \
                                        void *restrict bests, int64_t *restrict positions) {                      \
    const type *restrict x = values;                                                                              \
    value_type *restrict best = bests;                                                                            \
    for (int64_t c = 0; c < width; c++) best[c] = load1(x[c]), positions[c] = 0;                                  \
    for (int64_t r = 1; r < rows; r++)                                                                            \
      for (int64_t c = 0; c < width; c++) {                                                                       \
        value_type value = load1(x[r * stride + c]), old = best[c];                                               \
        int better = (value compare old) | ((value != value) & (old == old));                                     \
        best[c] = better ? value : old;                                                                           \
        positions[c] = better ? r : positions[c];                                                                 \
      }                                                                                                           \
  }

#define DEFINE_POSITIONS(name, type, value_type, load1)                      \
  DEFINE_COLUMN_POSITIONS(argmax_##name, type, value_type, load1, >)          \
  DEFINE_COLUMN_POSITIONS(argmin_##name, type, value_type, load1, <)

DEFINE_POSITIONS(f32, float, float, SAME)
DEFINE_POSITIONS(f64, double, double, SAME)
DEFINE_POSITIONS(f16, uint16_t, float, apus_half_to_float)
DEFINE_POSITIONS(bf16, uint16_t, float, apus_bfloat_to_float)
DEFINE_POSITIONS(i32, int32_t, int32_t, SAME)
DEFINE_POSITIONS(i64, int64_t, int64_t, SAME)
DEFINE_POSITIONS(u8, uint8_t, uint8_t, SAME)

#define FLOAT_ROW(name)                                                                                        \
  {{APUS_NAME(row_sum_##name), APUS_NAME(row_product_##name), APUS_NAME(row_max_##name), APUS_NAME(row_min_##name), \
    APUS_NAME(row_squares_##name)},                                                                            \
   {APUS_NAME(columns_sum_##name), APUS_NAME(columns_product_##name), APUS_NAME(columns_max_##name),           \
    APUS_NAME(columns_min_##name), APUS_NAME(columns_squares_##name)},                                         \
   {APUS_NAME(columns_argmax_##name), APUS_NAME(columns_argmin_##name)}}
#define INTEGER_ROW(name)                                                                                       \
  {{APUS_NAME(row_sum_##name), APUS_NAME(row_product_##name), APUS_NAME(row_max_##name), APUS_NAME(row_min_##name), NULL}, \
   {APUS_NAME(columns_sum_##name), APUS_NAME(columns_product_##name), APUS_NAME(columns_max_##name),            \
    APUS_NAME(columns_min_##name), NULL},                                                                       \
   {APUS_NAME(columns_argmax_##name), APUS_NAME(columns_argmin_##name)}}

/// By apus_type.
static const reduce_functions APUS_NAME(reduce_table)[] = {
    FLOAT_ROW(f32), FLOAT_ROW(f16), FLOAT_ROW(bf16), FLOAT_ROW(f64), INTEGER_ROW(i32), INTEGER_ROW(i64), INTEGER_ROW(u8),
    INTEGER_ROW(u8)};

#undef DEFINE_FLOAT_REDUCTION
#undef DEFINE_FLOAT_REDUCTIONS
#undef DEFINE_INTEGER_REDUCTION
#undef DEFINE_INTEGER_REDUCTIONS
#undef DEFINE_COLUMN_POSITIONS
#undef DEFINE_POSITIONS
#undef FLOAT_ROW
#undef INTEGER_ROW
#undef SAME
#undef REDUCE_SUM
#undef REDUCE_PRODUCT
#undef REDUCE_MAX
#undef REDUCE_MIN
#undef REDUCE_SQUARES
