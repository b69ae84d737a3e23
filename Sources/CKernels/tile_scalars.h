// The instructions that tile programs compute one value at a time.
#ifndef APUS_TILE_SCALARS_H
#define APUS_TILE_SCALARS_H

#include <math.h>
#include <stdint.h>

/// Halves to even: adding 2^52 leaves no bits for a fraction.
static inline double tile_round(double x) {
  double size = fabs(x);
  return size < 4503599627370496.0 ? copysign((size + 4503599627370496.0) - 4503599627370496.0, x) : x;
}

// Towards zero, saturating; NaN gives 0.
static inline int32_t tile_int32_of_double(double x) {
  return x != x ? 0 : x >= 2147483647.0 ? INT32_MAX : x <= -2147483648.0 ? INT32_MIN : (int32_t)x;
}
static inline int64_t tile_int64_of_double(double x) {
  return x != x ? 0 : x >= 9223372036854775808.0 ? INT64_MAX : x <= -9223372036854775808.0 ? INT64_MIN : (int64_t)x;
}

// x / 0 = -1 and minimum / -1 = minimum; the remainder has the sign of x and x % 0 = x. A negative exponent gives what
// truncation makes of the fraction.
#define APUS_TILE_INTEGERS(width)                                                                 \
  static inline int##width##_t tile_divide##width(int##width##_t x, int##width##_t y) {           \
    return y == 0 ? -1 : y == -1 ? (int##width##_t)(0 - (uint##width##_t)x) : x / y;              \
  }                                                                                               \
  static inline int##width##_t tile_remainder##width(int##width##_t x, int##width##_t y) {        \
    return y == 0 ? x : y == -1 ? 0 : x % y;                                                      \
  }                                                                                               \
  static inline int##width##_t tile_power##width(int##width##_t x, int##width##_t y) {            \
    if (y < 0) return x == 1 ? 1 : x == -1 ? ((y & 1) != 0 ? -1 : 1) : 0;                         \
    uint##width##_t base = (uint##width##_t)x, product = 1;                                       \
    for (; y != 0; y >>= 1, base *= base)                                                         \
      if (y & 1) product *= base;                                                                 \
    return (int##width##_t)product;                                                               \
  }
APUS_TILE_INTEGERS(32)
APUS_TILE_INTEGERS(64)
#undef APUS_TILE_INTEGERS

static inline double tile_sigmoid(double x) { return 1 / (1 + exp(-x)); }
static inline double tile_softplus(double x) { return (x > 0 ? x : 0) + log1p(exp(-fabs(x))); }
static inline double tile_normal(double x) { return 0.5 * erfc(x * -0.70710678118654752440); }
static inline double tile_clamp(double x, double bound) { return x > bound ? bound : x < -bound ? -bound : x; }

static inline double tile_gelu(double x) { return x < -40 ? -0.0 : x * tile_normal(x); }
static inline double tile_gelu_slope(double x) {
  double y = tile_clamp(x, 40);
  return tile_normal(y) + y * exp(-0.5 * y * y) * 0.39894228040143267794;
}
/// 2 u of the tanh form: gelu = x sigmoid(2 u).
static inline double tile_gelu_argument(double x) { return 1.5957691216057307118 * x * (1 + 0.044715 * x * x); }
static inline double tile_gelu_tanh(double x) { return x < -40 ? -0.0 : x * tile_sigmoid(tile_gelu_argument(x)); }
static inline double tile_gelu_tanh_slope(double x) {
  double y = tile_clamp(x, 40), u = tile_gelu_argument(y), s = tile_sigmoid(u);
  return s + y * s * tile_sigmoid(-u) * 1.5957691216057307118 * (1 + 0.134145 * y * y);
}
static inline double tile_silu(double x) { return x < -750 ? -0.0 : x * tile_sigmoid(x); }
static inline double tile_silu_slope(double x) {
  double y = tile_clamp(x, 750), s = tile_sigmoid(y);
  return s * (1 + y * tile_sigmoid(-y));
}

#endif
