// Loads, stores and reductions of tile programs, compiled once per instruction set.

// `load` reads 16 values of memory into lanes, `save` writes them: applied to whole vectors, then to a padded last one.
#define TRANSFER(name, S, D, expression)                                                     \
  static void APUS_NAME(name)(void *destination, const void *source, int64_t count) {        \
    int64_t i = 0;                                                                           \
    for (; i + 16 <= count; i += 16) {                                                       \
      S x;                                                                                   \
      memcpy(&x, (const char *)source + i * LANES(S), sizeof x);                             \
      D y = (expression);                                                                    \
      memcpy((char *)destination + i * LANES(D), &y, sizeof y);                              \
    }                                                                                        \
    if (i == count) return;                                                                  \
    S x = (S)0;                                                                              \
    memcpy(&x, (const char *)source + i * LANES(S), (size_t)((count - i) * LANES(S)));       \
    D y = (expression);                                                                      \
    memcpy((char *)destination + i * LANES(D), &y, TRANSFER_BYTES(D));                       \
  }

#define TRANSFER_BYTES(D) sizeof y
TRANSFER(load_float32, vf, vf, x)
TRANSFER(load_float16, apus_vu16, vf, vf_of_float16(x))
TRANSFER(load_bfloat16, apus_vu16, vf, vf_of_bfloat16(x))
TRANSFER(load_float64, vd, vd, x)
TRANSFER(load_int32, vi, vi, x)
TRANSFER(load_int64, vl, vl, x)
TRANSFER(load_byte, apus_vu8, vi, __builtin_convertvector(x, vi))
#undef TRANSFER_BYTES
#define TRANSFER_BYTES(D) (size_t)((count - i) * LANES(D))
TRANSFER(store_float32, vf, vf, x)
TRANSFER(store_float16, vf, apus_vu16, vf_to_float16(x))
TRANSFER(store_bfloat16, vf, apus_vu16, vf_to_bfloat16(x))
TRANSFER(store_float64, vd, vd, x)
TRANSFER(store_int32, vi, vi, x)
TRANSFER(store_int64, vl, vl, x)
TRANSFER(store_byte, vi, apus_vu8, __builtin_convertvector(x, apus_vu8))
TRANSFER(store_bool, vi, apus_vu8, __builtin_convertvector((x != 0) & 1, apus_vu8))
#undef TRANSFER_BYTES
#undef TRANSFER

/// Four vectors of sums, then a tree; what does not fill a vector is added last, one by one.
static tile_partial APUS_NAME(sum_F32)(const void *source, int64_t count) {
  const float *x = source;
  float sum = 0;
  int64_t i = 0;
  if (count >= 16) {
    vf a = 0, b = 0, c = 0, d = 0;
    for (; i + 64 <= count; i += 64) {
      a += vf_load(x + i);
      b += vf_load(x + i + 16);
      c += vf_load(x + i + 32);
      d += vf_load(x + i + 48);
    }
    for (; i + 16 <= count; i += 16) a += vf_load(x + i);
    sum = vf_sum((a + b) + (c + d));
  }
  for (; i < count; i++) sum += x[i];
  return (tile_partial){.real = sum};
}

static tile_partial APUS_NAME(sum_F64)(const void *source, int64_t count) {
  const double *x = source;
  double sums[8] = {0};
  for (int64_t i = 0; i < count; i++) sums[i & 7] += x[i];
  return (tile_partial){.real = ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]))};
}

#define INTEGER_SUM(lane, T)                                                             \
  static tile_partial APUS_NAME(sum_##lane)(const void *source, int64_t count) {         \
    uint64_t sum = 0;                                                                    \
    for (int64_t i = 0; i < count; i++) sum += (uint64_t)((const T *)source)[i];         \
    return (tile_partial){.integer = (int64_t)sum};                                      \
  }
INTEGER_SUM(I32, int32_t)
INTEGER_SUM(I64, int64_t)
#undef INTEGER_SUM

static tile_partial APUS_NAME(highest_F32)(const void *source, int64_t count) {
  const float *x = source;
  float highest = -INFINITY;
  int64_t i = 0;
  if (count >= 16) {
    vf a = vf_load(x), b = a;
    for (i = 16; i + 32 <= count; i += 32) {
      a = vf_max(a, vf_load(x + i));
      b = vf_max(b, vf_load(x + i + 16));
    }
    for (; i + 16 <= count; i += 16) a = vf_max(a, vf_load(x + i));
    highest = vf_highest(vf_max(a, b));
  }
  for (; i < count; i++) highest = (highest > x[i] || highest != highest) ? highest : x[i];
  return (tile_partial){.real = highest};
}

static tile_partial APUS_NAME(lowest_F32)(const void *source, int64_t count) {
  const float *x = source;
  float lowest = INFINITY;
  int64_t i = 0;
  if (count >= 16) {
    vf a = vf_load(x), b = a;
    for (i = 16; i + 32 <= count; i += 32) {
      a = vf_min(a, vf_load(x + i));
      b = vf_min(b, vf_load(x + i + 16));
    }
    for (; i + 16 <= count; i += 16) a = vf_min(a, vf_load(x + i));
    lowest = vf_lowest(vf_min(a, b));
  }
  for (; i < count; i++) lowest = (lowest < x[i] || lowest != lowest) ? lowest : x[i];
  return (tile_partial){.real = lowest};
}

#define EXTREME(name, T, field, start, comparison)                                       \
  static tile_partial APUS_NAME(name)(const void *source, int64_t count) {               \
    T best = (start);                                                                    \
    for (int64_t i = 0; i < count; i++) {                                                \
      T x = ((const T *)source)[i];                                                      \
      best = (best comparison x || best != best) ? best : x;                             \
    }                                                                                    \
    return (tile_partial){.field = best};                                                \
  }
EXTREME(highest_F64, double, real, -INFINITY, >)
EXTREME(lowest_F64, double, real, INFINITY, <)
EXTREME(highest_I32, int32_t, integer, INT32_MIN, >)
EXTREME(lowest_I32, int32_t, integer, INT32_MAX, <)
EXTREME(highest_I64, int64_t, integer, INT64_MIN, >)
EXTREME(lowest_I64, int64_t, integer, INT64_MAX, <)
#undef EXTREME

#define REDUCTIONS(lane)                                                                  \
  [APUS_LANE_##lane] = {                                                                  \
    [APUS_ROW_SUM] = APUS_NAME(sum_##lane),                                               \
    [APUS_ROW_MAX] = APUS_NAME(highest_##lane),                                           \
    [APUS_ROW_MIN] = APUS_NAME(lowest_##lane),                                            \
  },
#define TRANSFERS(direction, byte, truth)                                                                  \
  {                                                                                                        \
    [APUS_FLOAT32] = APUS_NAME(direction##_float32), [APUS_FLOAT16] = APUS_NAME(direction##_float16),      \
    [APUS_BFLOAT16] = APUS_NAME(direction##_bfloat16), [APUS_FLOAT64] = APUS_NAME(direction##_float64),    \
    [APUS_INT32] = APUS_NAME(direction##_int32), [APUS_INT64] = APUS_NAME(direction##_int64),              \
    [APUS_UINT8] = APUS_NAME(byte), [APUS_BOOL] = APUS_NAME(truth),                                        \
  }
#define TRANSFER_ENTRIES                                     \
  .load = TRANSFERS(load, load_byte, load_byte),             \
  .store = TRANSFERS(store, store_byte, store_bool),         \
  .reductions = {REDUCTIONS(F32) REDUCTIONS(I32) REDUCTIONS(F64) REDUCTIONS(I64)},
