// Compiles the template APUS_TEMPLATE for float32 and for float64. A kernel file defines APUS_TEMPLATE "foo_body.h" and
// APUS_BODY "reals.h" and includes instruction_sets.h; the template names its functions NAME(foo) and is written with
//   REAL, VECTOR, LANES; LOAD, STORE, LOAD_PART, STORE_PART (the first `count` lanes, as in vector_math.h),
//   LOAD_FILL (the other lanes are `fill`), FMA, SUM, HIGHER, HIGHEST, SQUARE_ROOT, EXP (of values <= 0, -inf too), SIGMOID,
//   SILU_SLOPE. A kernel chooses with APUS_DISPATCH_REAL(foo, type).
#include "vector_math.h"

#ifndef APUS_REAL_NAMES
#define APUS_REAL_NAMES
typedef double apus_vd8 __attribute__((ext_vector_type(8)));
typedef int64_t apus_vl8 __attribute__((ext_vector_type(8)));
#define vd8 apus_vd8

#define APUS_DISPATCH_REAL(name, type) ((type) == APUS_FLOAT32 ? APUS_DISPATCH(name##_f32) : APUS_DISPATCH(name##_f64))
#define APUS_IS_REAL(type) ((type) == APUS_FLOAT32 || (type) == APUS_FLOAT64)
#endif

APUS_INLINE vf APUS_NAME(vf_load_fill)(const float *p, int64_t count, float fill) {
  const vi lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return lane < (vi)(int32_t)apus_smaller(count, 16) ? vf_load_part(p, count) : (vf)fill;
}

/// exp(x) for x <= 0, exactly 0 far out.
APUS_INLINE vf APUS_NAME(vf_exp_negative)(vf x) { return x < -87.0f ? 0.0f : vf_exp_softmax(x); }

APUS_INLINE vd8 APUS_NAME(vd_load)(const double *p) {
  vd8 x;
  memcpy(&x, p, sizeof x);
  return x;
}

APUS_INLINE void APUS_NAME(vd_store)(double *p, vd8 x) { memcpy(p, &x, sizeof x); }

APUS_INLINE vd8 APUS_NAME(vd_load_fill)(const double *p, int64_t count, double fill) {
  vd8 x = fill;
  memcpy(&x, p, (size_t)apus_smaller(count, 8) * sizeof(double));
  return x;
}

APUS_INLINE vd8 APUS_NAME(vd_load_part)(const double *p, int64_t count) { return APUS_NAME(vd_load_fill)(p, count, 0); }

APUS_INLINE void APUS_NAME(vd_store_part)(double *p, vd8 x, int64_t count) {
  memcpy(p, &x, (size_t)apus_smaller(count, 8) * sizeof(double));
}

APUS_INLINE vd8 APUS_NAME(vd_fma)(vd8 a, vd8 b, vd8 c) { return a * b + c; }

APUS_INLINE double APUS_NAME(vd_sum)(vd8 x) {
  return ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]));
}

APUS_INLINE vd8 APUS_NAME(vd_max)(vd8 a, vd8 b) { return ((a > b) | (a != a)) ? a : b; }

APUS_INLINE double APUS_NAME(vd_highest)(vd8 x) {
  double highest = x[0];
  for (int i = 1; i < 8; i++) highest = highest > x[i] || highest != highest ? highest : x[i];
  return highest;
}

APUS_INLINE vd8 APUS_NAME(vd_exp)(vd8 x) {
  for (int i = 0; i < 8; i++) x[i] = exp(x[i]);
  return x;
}

APUS_INLINE vd8 APUS_NAME(vd_sqrt)(vd8 x) { return __builtin_elementwise_sqrt(x); }

APUS_INLINE vd8 APUS_NAME(vd_sigmoid)(vd8 x) { return 1.0 / (1.0 + APUS_NAME(vd_exp)(-x)); }

APUS_INLINE vd8 APUS_NAME(vd_silu_slope)(vd8 x) {
  vd8 s = APUS_NAME(vd_sigmoid)(x);
  return s * (1.0 + x * (1.0 - s));
}

#define REAL float
#define VECTOR vf
#define LANES 16
#define NAME(x) APUS_NAME(x##_f32)
#define LOAD vf_load
#define LOAD_PART vf_load_part
#define LOAD_FILL APUS_NAME(vf_load_fill)
#define STORE vf_store
#define STORE_PART vf_store_part
#define FMA vf_fma
#define SUM vf_sum
#define HIGHER vf_max
#define HIGHEST vf_highest
#define SQUARE_ROOT vf_sqrt
#define EXP APUS_NAME(vf_exp_negative)
#define SIGMOID vf_sigmoid
#define SILU_SLOPE vf_silu_slope
#include APUS_TEMPLATE
#include "reals_end.h"

#define REAL double
#define VECTOR vd8
#define LANES 8
#define NAME(x) APUS_NAME(x##_f64)
#define LOAD APUS_NAME(vd_load)
#define LOAD_PART APUS_NAME(vd_load_part)
#define LOAD_FILL APUS_NAME(vd_load_fill)
#define STORE APUS_NAME(vd_store)
#define STORE_PART APUS_NAME(vd_store_part)
#define FMA APUS_NAME(vd_fma)
#define SUM APUS_NAME(vd_sum)
#define HIGHER APUS_NAME(vd_max)
#define HIGHEST APUS_NAME(vd_highest)
#define SQUARE_ROOT APUS_NAME(vd_sqrt)
#define EXP APUS_NAME(vd_exp)
#define SIGMOID APUS_NAME(vd_sigmoid)
#define SILU_SLOPE APUS_NAME(vd_silu_slope)
#include APUS_TEMPLATE
#include "reals_end.h"
