// Vectors of 16 lanes and the functions of mathematics on them, float32 accuracy (bounds beside each function, in units
// of the last place). Included by a body file once per instruction set: see instruction_sets.h for the pattern. In short:
//   foo_body.h:  #include "vector_math.h"
//                static void APUS_NAME(foo)(float *y, const float *x, int64_t n) {
//                  for (int64_t i = 0; i < n; i += 16) vf_store_part(y + i, vf_exp(vf_load_part(x + i, n - i)), n - i); }
//   foo.c:       #define APUS_BODY "foo_body.h"  #include "instruction_sets.h"  … APUS_DISPATCH(foo)
// Conditions: `x > 0 ? a : b` works lane by lane on vectors and keeps NaN where the comparison is written for it.
#include <math.h>
#include <stdint.h>
#include <string.h>

#ifndef APUS_VECTOR_NAMES
#define APUS_VECTOR_NAMES
#define APUS_INLINE static inline __attribute__((always_inline, unused))

typedef float apus_vf __attribute__((ext_vector_type(16)));
typedef int32_t apus_vi __attribute__((ext_vector_type(16)));
typedef uint32_t apus_vu __attribute__((ext_vector_type(16)));
typedef uint8_t apus_vu8 __attribute__((ext_vector_type(16)));
typedef uint16_t apus_vu16 __attribute__((ext_vector_type(16)));
typedef _Float16 apus_vh __attribute__((ext_vector_type(16)));
typedef double apus_vd __attribute__((ext_vector_type(16)));
typedef int64_t apus_vl __attribute__((ext_vector_type(16)));
typedef uint64_t apus_vlu __attribute__((ext_vector_type(16)));
typedef float apus_vf8 __attribute__((ext_vector_type(8)));
typedef float apus_vf4 __attribute__((ext_vector_type(4)));

// Vector types of one width serve every instruction set; functions need a name for each.
#define vf apus_vf
#define vi apus_vi
#define vu apus_vu
#define vd apus_vd
#define vl apus_vl
#define vlu apus_vlu
#define vf_fma APUS_NAME(vf_fma)
#define vf_load APUS_NAME(vf_load)
#define vf_load_part APUS_NAME(vf_load_part)
#define vf_store APUS_NAME(vf_store)
#define vf_store_part APUS_NAME(vf_store_part)
#define vf_sum APUS_NAME(vf_sum)
#define vf_max APUS_NAME(vf_max)
#define vf_min APUS_NAME(vf_min)
#define vf_highest APUS_NAME(vf_highest)
#define vf_lowest APUS_NAME(vf_lowest)
#define vf_any APUS_NAME(vf_any)
#define vf_bits APUS_NAME(vf_bits)
#define vf_of_bits APUS_NAME(vf_of_bits)
#define vf_abs APUS_NAME(vf_abs)
#define vf_copysign APUS_NAME(vf_copysign)
#define vf_round APUS_NAME(vf_round)
#define vf_floor APUS_NAME(vf_floor)
#define vf_ceil APUS_NAME(vf_ceil)
#define vf_sqrt APUS_NAME(vf_sqrt)
#define vf_power_of_two APUS_NAME(vf_power_of_two)
#define vf_exp_reduced APUS_NAME(vf_exp_reduced)
#define vf_exp APUS_NAME(vf_exp)
#define vf_exp_clamped APUS_NAME(vf_exp_clamped)
#define vf_exp_softmax APUS_NAME(vf_exp_softmax)
#define vf_expm1 APUS_NAME(vf_expm1)
#define vf_log_split APUS_NAME(vf_log_split)
#define vf_log APUS_NAME(vf_log)
#define vf_log_positive APUS_NAME(vf_log_positive)
#define vf_log1p APUS_NAME(vf_log1p)
#define vf_tanh APUS_NAME(vf_tanh)
#define vf_sigmoid APUS_NAME(vf_sigmoid)
#define vf_softplus APUS_NAME(vf_softplus)
#define vf_erf APUS_NAME(vf_erf)
#define vf_normal_tail APUS_NAME(vf_normal_tail)
#define vf_gelu APUS_NAME(vf_gelu)
#define vf_gelu_slope APUS_NAME(vf_gelu_slope)
#define vf_gelu_tanh APUS_NAME(vf_gelu_tanh)
#define vf_gelu_tanh_slope APUS_NAME(vf_gelu_tanh_slope)
#define vf_silu APUS_NAME(vf_silu)
#define vf_silu_slope APUS_NAME(vf_silu_slope)
#define vf_quadrant APUS_NAME(vf_quadrant)
#define vf_sin_polynomial APUS_NAME(vf_sin_polynomial)
#define vf_cos_polynomial APUS_NAME(vf_cos_polynomial)
#define vf_each APUS_NAME(vf_each)
#define vf_sin APUS_NAME(vf_sin)
#define vf_cos APUS_NAME(vf_cos)
#define vf_tan APUS_NAME(vf_tan)
#define vf_to_int APUS_NAME(vf_to_int)
#define vf_to_bfloat16 APUS_NAME(vf_to_bfloat16)
#define vf_of_bfloat16 APUS_NAME(vf_of_bfloat16)
#define vf_to_float16 APUS_NAME(vf_to_float16)
#define vf_of_float16 APUS_NAME(vf_of_float16)
#endif

// Loads, stores and sums.

APUS_INLINE vf vf_load(const float *p) {
  vf x;
  memcpy(&x, p, sizeof x);
  return x;
}

APUS_INLINE void vf_store(float *p, vf x) { memcpy(p, &x, sizeof x); }

/// The first `count` lanes, all from 16; the others are 0.
APUS_INLINE vf vf_load_part(const float *p, int64_t count) {
  if (count >= 16) return vf_load(p);
  vf x = 0;
  memcpy(&x, p, (size_t)count * sizeof(float));
  return x;
}

APUS_INLINE void vf_store_part(float *p, vf x, int64_t count) {
  if (count >= 16) vf_store(p, x);
  else memcpy(p, &x, (size_t)count * sizeof(float));
}

/// One rounding where the instruction set has it.
APUS_INLINE vf vf_fma(vf a, vf b, vf c) {
#if APUS_HAS_FMA
  return __builtin_elementwise_fma(a, b, c);
#else
  return a * b + c;
#endif
}

/// The sum of the lanes as a tree: the same order on every instruction set.
APUS_INLINE float vf_sum(vf x) {
  apus_vf8 a = x.lo + x.hi;
  apus_vf4 b = a.lo + a.hi;
  return (b.x + b.z) + (b.y + b.w);
}

/// Lane by lane; NaN wins.
APUS_INLINE vf vf_max(vf a, vf b) { return ((a > b) | (a != a)) ? a : b; }
APUS_INLINE vf vf_min(vf a, vf b) { return ((a < b) | (a != a)) ? a : b; }

/// The highest and the lowest lane; NaN wins.
APUS_INLINE float vf_highest(vf x) {
  apus_vf8 a = ((x.lo > x.hi) | (x.lo != x.lo)) ? x.lo : x.hi;
  apus_vf4 b = ((a.lo > a.hi) | (a.lo != a.lo)) ? a.lo : a.hi;
  float highest = b[0];
  for (int i = 1; i < 4; i++) highest = (highest > b[i] || highest != highest) ? highest : b[i];
  return highest;
}
APUS_INLINE float vf_lowest(vf x) { return -vf_highest(-x); }

/// Whether a lane of a comparison is true.
APUS_INLINE int vf_any(vi mask) { return __builtin_reduce_or(mask) != 0; }

APUS_INLINE vi vf_bits(vf x) { return (vi)x; }
APUS_INLINE vf vf_of_bits(vi x) { return (vf)x; }
APUS_INLINE vf vf_abs(vf x) { return vf_of_bits(vf_bits(x) & 0x7fffffff); }
APUS_INLINE vf vf_copysign(vf x, vf sign) {
  return vf_of_bits((vf_bits(x) & 0x7fffffff) | (vf_bits(sign) & (int32_t)0x80000000));
}

APUS_INLINE vf vf_sqrt(vf x) { return __builtin_elementwise_sqrt(x); }

#if APUS_HAS_FMA
APUS_INLINE vf vf_round(vf x) { return __builtin_elementwise_roundeven(x); }
APUS_INLINE vf vf_floor(vf x) { return __builtin_elementwise_floor(x); }
APUS_INLINE vf vf_ceil(vf x) { return __builtin_elementwise_ceil(x); }
#else
/// To the nearest integer, halves to even: adding 2^23 leaves no bits for a fraction.
APUS_INLINE vf vf_round(vf x) {
  vf size = vf_abs(x);
  vf rounded = (size + 8388608.0f) - 8388608.0f;
  return size < 8388608.0f ? vf_copysign(rounded, x) : x;
}
APUS_INLINE vf vf_floor(vf x) {
  vf rounded = vf_round(x);
  return vf_copysign(rounded > x ? rounded - 1.0f : rounded, x);
}
APUS_INLINE vf vf_ceil(vf x) {
  vf rounded = vf_round(x);
  return vf_copysign(rounded < x ? rounded + 1.0f : rounded, x);
}
#endif

// Exponentials. x = k ln 2 + r; the polynomials are those of Moshier's Cephes library.

/// 2^k for -126 <= k <= 127; infinity at 128.
APUS_INLINE vf vf_power_of_two(vi k) { return vf_of_bits((k + 127) << 23); }

/// Splits x and returns (exp(r) - 1 - r) + r; k as an integer. Adding 1.5 * 2^23 rounds to an integer.
APUS_INLINE vf vf_exp_reduced(vf x, vi *k) {
  vf shifted = vf_fma(x, 1.44269504f, 12582912.0f);
  *k = vf_bits(shifted) - 0x4b400000;
  vf n = shifted - 12582912.0f;
  vf r = vf_fma(n, -0.693359375f, x);
  r = vf_fma(n, 2.12194440e-4f, r);
  vf p = vf_fma(r, 1.9875691500e-4f, 1.3981999507e-3f);
  p = vf_fma(p, r, 8.3334519073e-3f);
  p = vf_fma(p, r, 4.1665795894e-2f);
  p = vf_fma(p, r, 1.6666665459e-1f);
  p = vf_fma(p, r, 5.0000001201e-1f);
  return vf_fma(p, r * r, r);
}

/// exp, 1 ulp, right for every input: overflow, denormal results, infinities, NaN.
APUS_INLINE vf vf_exp(vf x) {
  x = x > 89.0f ? 89.0f : x;
  x = x < -104.0f ? -104.0f : x;
  vi k;
  vf y = vf_exp_reduced(x, &k) + 1.0f;
  vi half = k >> 1;
  return y * vf_power_of_two(half) * vf_power_of_two(k - half);
}

/// exp of x clamped to [-87.3, 88.3]: no infinity, no denormal; NaN stays NaN.
APUS_INLINE vf vf_exp_clamped(vf x) {
  x = x > 88.3f ? 88.3f : x;
  x = x < -87.3f ? -87.3f : x;
  vi k;
  vf y = vf_exp_reduced(x, &k) + 1.0f;
  return y * vf_power_of_two(k);
}

/// exp for x <= 0, 5 ulp (mean 0.1): about 1e-38 below -87, also for -infinity; mask by writing 0 after it.
APUS_INLINE vf vf_exp_softmax(vf x) {
  x = x < -87.0f ? -87.0f : x;
  vf shifted = vf_fma(x, 1.44269504f, 12582912.0f);
  vf n = shifted - 12582912.0f;
#if APUS_HAS_FMA
  vf r = vf_fma(n, -0.693147181f, x);
#else
  vf r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
#endif
  vf p = vf_fma(r, 8.312501944601536e-3f, 4.189033433794975e-2f);
  p = vf_fma(p, r, 1.6667115688323975e-1f);
  p = vf_fma(p, r, 4.99992311000824e-1f);
  p = vf_fma(p, r * r, r) + 1.0f;
  return p * vf_power_of_two(vf_bits(shifted) - 0x4b400000);
}

/// exp(x) - 1, 1.5 ulp. Half of 2^k is used so that k = 128 stays finite.
APUS_INLINE vf vf_expm1(vf x) {
  vf y = x > 89.0f ? 89.0f : x;
  y = y < -20.0f ? -20.0f : y;
  vi k;
  vf p = vf_exp_reduced(y, &k);
  vf half = vf_power_of_two(k - 1);
  y = vf_fma(p, half, half - 0.5f) * 2.0f;
  return vf_abs(x) < 2.9e-8f ? x : y;
}

// Logarithms.

/// log of the normal number with bits `bits`, plus `shift` * ln 2.
APUS_INLINE vf vf_log_split(vi bits, vf shift) {
  vi exponent = (bits - 0x3f3504f3) >> 23;
  vf m = vf_of_bits(bits - (exponent << 23)) - 1.0f;
  vf e = __builtin_convertvector(exponent, vf) + shift;
  vf z = m * m;
  vf y = vf_fma(m, 7.0376836292e-2f, -1.1514610310e-1f);
  y = vf_fma(y, m, 1.1676998740e-1f);
  y = vf_fma(y, m, -1.2420140846e-1f);
  y = vf_fma(y, m, 1.4249322787e-1f);
  y = vf_fma(y, m, -1.6668057665e-1f);
  y = vf_fma(y, m, 2.0000714765e-1f);
  y = vf_fma(y, m, -2.4999993993e-1f);
  y = vf_fma(y, m, 3.3333331174e-1f);
  y = y * m * z;
  y = vf_fma(e, -2.12194440e-4f, y);
  y = vf_fma(z, -0.5f, y);
  return vf_fma(e, 0.693359375f, m + y);
}

/// log of positive normal numbers, 1 ulp; anything for others.
APUS_INLINE vf vf_log_positive(vf x) { return vf_log_split(vf_bits(x), 0.0f); }

/// log, 1 ulp, right for every input.
APUS_INLINE vf vf_log(vf x) {
  vi small = x < 1.17549435e-38f;
  vf y = vf_log_split(vf_bits(small ? x * 8388608.0f : x), small ? (vf)-23.0f : (vf)0.0f);
  y = x == INFINITY ? x : y;
  y = x > 0.0f ? y : (vf)NAN;
  y = x == 0.0f ? (vf)-INFINITY : y;
  return x != x ? x : y;
}

/// log(1 + x), 1.5 ulp.
APUS_INLINE vf vf_log1p(vf x) {
  vf u = 1.0f + x;
  vf correction = (x - (u - 1.0f)) / u;
  vf y = vf_log_split(vf_bits(u), 0.0f) + correction;
  y = u == INFINITY ? u : y;
  y = u > 0.0f ? y : (vf)NAN;
  y = u == 0.0f ? (vf)-INFINITY : y;
  y = vf_abs(x) < 2.9e-8f ? x : y;
  return x != x ? x : y;
}

// Activations.

/// tanh, 4 ulp: an odd polynomial over an even one; what is smaller than 4e-4 is its own tanh.
APUS_INLINE vf vf_tanh(vf x) {
  vf y = x > 9.0f ? 9.0f : x;
  y = y < -9.0f ? -9.0f : y;
  vf z = y * y;
  vf p = vf_fma(z, -2.76076847742355e-16f, 2.00018790482477e-13f);
  p = vf_fma(p, z, -8.60467152213735e-11f);
  p = vf_fma(p, z, 5.12229709037114e-08f);
  p = vf_fma(p, z, 1.48572235717979e-05f);
  p = vf_fma(p, z, 6.37261928875436e-04f);
  p = vf_fma(p, z, 4.89352455891786e-03f);
  vf q = vf_fma(z, 1.19825839466702e-06f, 1.18534705686654e-04f);
  q = vf_fma(q, z, 2.26843463243900e-03f);
  q = vf_fma(q, z, 4.89352518554385e-03f);
  y = y * p / q;
  y = y > 1.0f ? 1.0f : y;
  y = y < -1.0f ? -1.0f : y;
  return vf_abs(x) < 4e-4f ? x : y;
}

/// 1 / (1 + exp(-x)), 2.5 ulp; 0 below -88.3.
APUS_INLINE vf vf_sigmoid(vf x) {
  vf y = 1.0f / (1.0f + vf_exp_clamped(-x));
  return x < -88.3f ? 0.0f : y;
}

/// log(1 + exp(x)), 2 ulp.
APUS_INLINE vf vf_softplus(vf x) {
  vf e = vf_exp(-vf_abs(x));
  vf u = 1.0f + e;
  vf y = vf_log_positive(u) + (e - (u - 1.0f)) / u;
  return (x > 0.0f ? x : 0.0f) + y;
}

/// erf, 1.1 ulp: a polynomial near 0, 1 - exp of one beyond (coefficients by N. Juffa).
APUS_INLINE vf vf_erf(vf x) {
  vf t = vf_abs(x);
  vf s = x * x;
  vf far = t > 4.0f ? 4.0f : t;
  vf far2 = far * far;
  vf r = vf_fma(far, -1.72853470e-5f, 3.83197126e-4f);
  vf u = vf_fma(far, -3.88396438e-3f, 2.42546219e-2f);
  r = vf_fma(r, far2, u);
  r = vf_fma(r, far, -1.06777877e-1f);
  r = vf_fma(r, far, -6.34846687e-1f);
  r = vf_fma(r, far, -1.28717512e-1f);
  r = vf_fma(r, far, -far);
  vf outer = vf_copysign(1.0f - vf_exp_clamped(r), x);
  vf p = vf_fma(s, -5.96761703e-4f, 4.99119423e-3f);
  p = vf_fma(p, s, -2.67681349e-2f);
  p = vf_fma(p, s, 1.12819925e-1f);
  p = vf_fma(p, s, -3.76125336e-1f);
  p = vf_fma(p, s, 1.28379166e-1f);
  return t > 0.921875f ? outer : vf_fma(p, x, x);
}

/// The normal distribution's tail beyond 0 <= t <= 13.1, and exp(-t² / 2) on the way: exp(-t²/2) times a polynomial in
/// 1 / (1 + 0.3 t), of relative error 6e-8, fitted on [0, 14.6].
APUS_INLINE vf vf_normal_tail(vf t, vf *bell) {
  vf h = t * t * -0.5f;
  vf error = vf_fma(t * -0.5f, t, -h);  // of h: 0 without a fused product
  vf b = vf_exp_clamped(h);
  *bell = vf_fma(b, error, b);
  vf s = 1.0f / vf_fma(t, 0.3f, 1.0f);
  vf p = vf_fma(s, 0.0384121798f, -0.169330612f);
  p = vf_fma(p, s, 0.228999287f);
  p = vf_fma(p, s, -0.0768936202f);
  p = vf_fma(p, s, 0.142802238f);
  p = vf_fma(p, s, 0.0945702568f);
  p = vf_fma(p, s, 0.121949218f);
  p = vf_fma(p, s, 0.119483657f);
  p = vf_fma(p, s, 7.40414134e-06f);
  return *bell * p;
}

/// x Φ(x), the erf form, 7 ulp (without fused products 60 beyond -3). No cancellation for negative x.
APUS_INLINE vf vf_gelu(vf x) {
  vf t = vf_abs(x);
  t = t > 13.1f ? 13.1f : t;
  vf bell;
  vf tail = vf_normal_tail(t, &bell);
  vf y = x * (x > 0.0f ? 1.0f - tail : tail);
  return x < -13.1f ? -0.0f : y;
}

/// d gelu / dx = Φ(x) + x φ(x).
APUS_INLINE vf vf_gelu_slope(vf x) {
  vf t = vf_abs(x);
  t = t > 13.1f ? 13.1f : t;
  vf bell;
  vf tail = vf_normal_tail(t, &bell);
  vf slope = vf_fma(t * bell, -0.398942280f, tail);  // of the negative side; that of the other is 1 - this
  return x > 0.0f ? 1.0f - slope : slope;
}

/// x sigmoid(2 u), 10 ulp above -3 and 0 below -10.1; u = sqrt(2 / π) (x + 0.044715 x³).
APUS_INLINE vf vf_gelu_tanh(vf x) {
  vf u = x * vf_fma(x * x, -0.0713548163f, -1.59576912f);  // -2 u
  vf y = x / (1.0f + vf_exp_clamped(u));
  return x < -10.1f ? -0.0f : y;
}

APUS_INLINE vf vf_gelu_tanh_slope(vf x) {
  vf y = x > 12.0f ? 12.0f : x;
  y = y < -12.0f ? -12.0f : y;
  vf z = y * y;
  vf e = vf_exp_clamped(y * vf_fma(z, -0.0713548163f, -1.59576912f));
  vf s = 1.0f / (1.0f + e);
  vf du = y * vf_fma(z, 0.214064449f, 1.59576912f);  // x d(2 u)/dx
  return vf_fma(s * (e * s), du, s);
}

/// x sigmoid(x), 3 ulp.
APUS_INLINE vf vf_silu(vf x) {
  vf y = x / (1.0f + vf_exp_clamped(-x));
  return x < -88.3f ? -0.0f : y;
}

APUS_INLINE vf vf_silu_slope(vf x) {
  vf y = x > 88.0f ? 88.0f : x;
  y = y < -88.0f ? -88.0f : y;
  vf e = vf_exp_clamped(-y);
  vf s = 1.0f / (1.0f + e);
  return vf_fma(y * (e * s), s, s);
}

// Trigonometry: x = q π/2 + r in three parts, good to |x| < 1e5; a vector with larger values goes to libm.

APUS_INLINE vf vf_quadrant(vf x, vi *quadrant) {
  vf shifted = vf_fma(x, 0.636619772f, 12582912.0f);
  *quadrant = vf_bits(shifted) - 0x4b400000;
  vf q = shifted - 12582912.0f;
#if APUS_HAS_FMA
  vf r = vf_fma(q, -1.57079637f, x);  // exact
  r = vf_fma(q, 4.37113883e-8f, r);
  return vf_fma(q, 1.71512451e-15f, r);
#else
  vd wide = __builtin_convertvector(x, vd) - __builtin_convertvector(q, vd) * 1.5707963267948966;
  return __builtin_convertvector(wide, vf);
#endif
}

APUS_INLINE vf vf_sin_polynomial(vf r) {
  vf z = r * r;
  vf p = vf_fma(z, -1.9515295891e-4f, 8.3321608736e-3f);
  p = vf_fma(p, z, -1.6666654611e-1f);
  return vf_fma(p * z, r, r);
}

APUS_INLINE vf vf_cos_polynomial(vf r) {
  vf z = r * r;
  vf p = vf_fma(z, 2.443315711809948e-5f, -1.388731625493765e-3f);
  p = vf_fma(p, z, 4.166664568298827e-2f);
  return vf_fma(p * z, z, vf_fma(z, -0.5f, 1.0f));
}

static inline __attribute__((unused, noinline)) vf vf_each(vf x, float (*function)(float)) {
  for (int i = 0; i < 16; i++) x[i] = function(x[i]);
  return x;
}

/// 1.5 ulp.
APUS_INLINE vf vf_sin(vf x) {
  if (__builtin_expect(vf_any(vf_abs(x) > 1e5f), 0)) return vf_each(x, sinf);
  vi q;
  vf r = vf_quadrant(x, &q);
  vf y = (q & 1) != 0 ? vf_cos_polynomial(r) : vf_sin_polynomial(r);
  y = vf_of_bits(vf_bits(y) ^ ((q & 2) << 30));
  return x == 0.0f ? x : y;
}

/// 1.5 ulp.
APUS_INLINE vf vf_cos(vf x) {
  if (__builtin_expect(vf_any(vf_abs(x) > 1e5f), 0)) return vf_each(x, cosf);
  vi q;
  vf r = vf_quadrant(x, &q);
  vf y = (q & 1) != 0 ? vf_sin_polynomial(r) : vf_cos_polynomial(r);
  return vf_of_bits(vf_bits(y) ^ (((q + 1) & 2) << 30));
}

/// 3 ulp.
APUS_INLINE vf vf_tan(vf x) {
  if (__builtin_expect(vf_any(vf_abs(x) > 1e5f), 0)) return vf_each(x, tanf);
  vi q;
  vf r = vf_quadrant(x, &q);
  vf z = r * r;
  vf p = vf_fma(z, 9.38540185543e-3f, 3.11992232697e-3f);
  p = vf_fma(p, z, 2.44301354525e-2f);
  p = vf_fma(p, z, 5.34112807005e-2f);
  p = vf_fma(p, z, 1.33387994085e-1f);
  p = vf_fma(p, z, 3.33331568548e-1f);
  vf y = vf_fma(p * z, r, r);
  y = (q & 1) != 0 ? -1.0f / y : y;
  return x == 0.0f ? x : y;
}

// Conversions: the same bits on every instruction set.

/// Towards zero, saturating; NaN gives 0.
APUS_INLINE vi vf_to_int(vf x) {
  vf inside = x >= 2147483648.0f ? 0.0f : x;
  inside = inside < -2147483648.0f ? -2147483648.0f : inside;
  inside = x != x ? 0.0f : inside;
  vi y = __builtin_convertvector(inside, vi);
  return x >= 2147483648.0f ? 0x7fffffff : y;
}

/// To the nearest, halves to even; NaN becomes quiet.
APUS_INLINE apus_vu16 vf_to_bfloat16(vf x) {
  vu bits = (vu)x;
  vu rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  vu quiet = (bits >> 16) | 0x40;
  return __builtin_convertvector(x != x ? quiet : rounded, apus_vu16);
}

APUS_INLINE vf vf_of_bfloat16(apus_vu16 x) { return (vf)(__builtin_convertvector(x, vu) << 16); }

#if APUS_HAS_FMA
APUS_INLINE apus_vu16 vf_to_float16(vf x) { return (apus_vu16)__builtin_convertvector(x, apus_vh); }
APUS_INLINE vf vf_of_float16(apus_vu16 x) { return __builtin_convertvector((apus_vh)x, vf); }
#else
APUS_INLINE apus_vu16 vf_to_float16(vf x) {
  vu bits = (vu)x, size = bits & 0x7fffffff, sign = (bits >> 16) & 0x8000;
  vu normal = (size + 0xc8000fff + ((size >> 13) & 1)) >> 13;
  vu denormal = (vu)((vf)size + 0.5f) - 0x3f000000;  // the addition rounds to a multiple of 2^-24
  vu y = size < 0x38800000 ? denormal : normal;
  y = size >= 0x47800000 ? 0x7c00 : y;
  y = size > 0x7f800000 ? 0x7e00 | ((size >> 13) & 0x1ff) : y;
  return __builtin_convertvector(y | sign, apus_vu16);
}
APUS_INLINE vf vf_of_float16(apus_vu16 x) {
  vu bits = __builtin_convertvector(x, vu), sign = (bits & 0x8000) << 16, size = (bits & 0x7fff) << 13;
  vu normal = size + 0x38000000;
  vu denormal = (vu)((vf)(size + 0x38800000) - 6.10351563e-5f);
  vu y = size < 0x00800000 ? denormal : normal;
  y = size >= 0x0f800000 ? size + 0x70000000 : y;
  y = size > 0x0f800000 ? y | 0x00400000 : y;
  return (vf)(y | sign);
}
#endif
