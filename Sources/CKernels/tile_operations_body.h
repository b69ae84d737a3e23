// The instructions of tile programs, compiled once per instruction set. float32 and int32 lanes are vectors of 16;
// 64-bit lanes, which serve gradient checks and counters, use libm and what the compiler makes of plain loops.
#include "tile_scalars.h"
#include "vector_math.h"

#define ARGUMENTS                                                                                          \
  void *destination, const void *first, const void *second, const void *third, int64_t count,            \
      const double *immediate
#define LANES(type) ((int64_t)(sizeof(type) / 16))

// Functions of one, two and three vectors. T is the type of the operands, U that of the result.
#define VECTOR1(name, T, U, expression)                                        \
  static void APUS_NAME(name)(ARGUMENTS) {                                     \
    for (int64_t i = 0; i < count; i += 16) {                                  \
      T x;                                                                     \
      memcpy(&x, (const char *)first + i * LANES(T), sizeof x);                \
      U y = (expression);                                                      \
      memcpy((char *)destination + i * LANES(U), &y, sizeof y);              \
    }                                                                          \
  }
#define VECTOR2(name, T, U, expression)                                        \
  static void APUS_NAME(name)(ARGUMENTS) {                                     \
    for (int64_t i = 0; i < count; i += 16) {                                  \
      T x, y;                                                                  \
      memcpy(&x, (const char *)first + i * LANES(T), sizeof x);                \
      memcpy(&y, (const char *)second + i * LANES(T), sizeof y);               \
      U z = (expression);                                                      \
      memcpy((char *)destination + i * LANES(U), &z, sizeof z);              \
    }                                                                          \
  }
#define VECTOR3(name, S, T, expression)                                        \
  static void APUS_NAME(name)(ARGUMENTS) {                                     \
    for (int64_t i = 0; i < count; i += 16) {                                  \
      S x;                                                                     \
      T y, z;                                                                  \
      memcpy(&x, (const char *)first + i * LANES(S), sizeof x);                \
      memcpy(&y, (const char *)second + i * LANES(T), sizeof y);               \
      memcpy(&z, (const char *)third + i * LANES(T), sizeof z);                \
      T w = (expression);                                                      \
      memcpy((char *)destination + i * LANES(T), &w, sizeof w);              \
    }                                                                          \
  }
// The same, one value at a time.
#define SCALAR1(name, T, U, expression)                                        \
  static void APUS_NAME(name)(ARGUMENTS) {                                     \
    for (int64_t i = 0; i < count; i++) {                                      \
      T x = ((const T *)first)[i];                                             \
      ((U *)destination)[i] = (expression);                                  \
    }                                                                          \
  }
#define SCALAR2(name, T, expression)                                           \
  static void APUS_NAME(name)(ARGUMENTS) {                                     \
    for (int64_t i = 0; i < count; i++) {                                      \
      T x = ((const T *)first)[i], y = ((const T *)second)[i];                 \
      ((T *)destination)[i] = (expression);                                  \
    }                                                                          \
  }

// What all lanes have. M is the type of comparisons' results, I how an immediate becomes a lane, W an unsigned vector
// for the wrapping arithmetic of integers (the type itself for floats).
#define COMMON(p, V, M, W, I)                                                                          \
  VECTOR1(p##_COPY, V, V, x)                                                                           \
  VECTOR1(p##_NEGATE, V, V, (V)(-(W)x))                                                                \
  VECTOR1(p##_SQUARE, V, V, (V)((W)x * (W)x))                                                          \
  VECTOR1(p##_RELU, V, V, x <= (V)0 ? (V)0 : x)                                                        \
  VECTOR1(p##_TO_BOOL, V, vi, __builtin_convertvector((x != (V)0) & 1, vi))                            \
  VECTOR1(p##_AFFINE, V, V, (V)((W)x * (W)(V)(I)immediate[0] + (W)(V)(I)immediate[1]))                 \
  VECTOR2(p##_ADD, V, V, (V)((W)x + (W)y))                                                             \
  VECTOR2(p##_SUBTRACT, V, V, (V)((W)x - (W)y))                                                        \
  VECTOR2(p##_MULTIPLY, V, V, (V)((W)x * (W)y))                                                        \
  VECTOR2(p##_MAXIMUM, V, V, ((x > y) | (x != x)) ? x : y)                                             \
  VECTOR2(p##_MINIMUM, V, V, ((x < y) | (x != x)) ? x : y)                                             \
  VECTOR2(p##_EQUAL, V, vi, __builtin_convertvector((x == y) & 1, vi))                                 \
  VECTOR2(p##_NOT_EQUAL, V, vi, __builtin_convertvector((x != y) & 1, vi))                             \
  VECTOR2(p##_LESS, V, vi, __builtin_convertvector((x < y) & 1, vi))                                   \
  VECTOR2(p##_LESS_EQUAL, V, vi, __builtin_convertvector((x <= y) & 1, vi))                            \
  VECTOR2(p##_RELU_GRADIENT, V, V, x <= (V)0 ? (V)0 : y)                                               \
  VECTOR2(p##_AFFINE_MULTIPLY, V, V,                                                                   \
          (V)(((W)x * (W)(V)(I)immediate[0] + (W)(V)(I)immediate[1]) * (W)y))                          \
  VECTOR2(p##_AXPY, V, V, (V)((W)x * (W)(V)(I)immediate[0] + (W)y))                                    \
  VECTOR3(p##_SELECT, vi, V, __builtin_convertvector(x, M) != (M)0 ? y : z)                            \
  VECTOR3(p##_MULTIPLY_ADD, V, V, (V)((W)x * (W)y + (W)z))

COMMON(F32, vf, vi, vf, float)
COMMON(I32, vi, vi, vu, int32_t)
COMMON(F64, vd, vl, vd, double)
COMMON(I64, vl, vl, vlu, int64_t)

// float32
VECTOR1(F32_ABS, vf, vf, vf_abs(x))
VECTOR1(F32_SIGN, vf, vf, x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x)
VECTOR1(F32_FLOOR, vf, vf, vf_floor(x))
VECTOR1(F32_CEIL, vf, vf, vf_ceil(x))
VECTOR1(F32_ROUND, vf, vf, vf_round(x))
VECTOR1(F32_SQRT, vf, vf, vf_sqrt(x))
VECTOR1(F32_RSQRT, vf, vf, 1.0f / vf_sqrt(x))
VECTOR1(F32_RECIPROCAL, vf, vf, 1.0f / x)
VECTOR1(F32_EXP, vf, vf, vf_exp(x))
VECTOR1(F32_EXPM1, vf, vf, vf_expm1(x))
VECTOR1(F32_LOG, vf, vf, vf_log(x))
VECTOR1(F32_LOG1P, vf, vf, vf_log1p(x))
VECTOR1(F32_SIN, vf, vf, vf_sin(x))
VECTOR1(F32_COS, vf, vf, vf_cos(x))
VECTOR1(F32_TAN, vf, vf, vf_tan(x))
VECTOR1(F32_TANH, vf, vf, vf_tanh(x))
VECTOR1(F32_SIGMOID, vf, vf, vf_sigmoid(x))
VECTOR1(F32_SOFTPLUS, vf, vf, vf_softplus(x))
VECTOR1(F32_ERF, vf, vf, vf_erf(x))
VECTOR1(F32_GELU, vf, vf, vf_gelu(x))
VECTOR1(F32_GELU_TANH, vf, vf, vf_gelu_tanh(x))
VECTOR1(F32_SILU, vf, vf, vf_silu(x))
VECTOR1(F32_IS_FINITE, vf, vi, (vf_abs(x) < INFINITY) & 1)
VECTOR1(F32_IS_NAN, vf, vi, (x != x) & 1)
VECTOR1(F32_TO_I32, vf, vi, vf_to_int(x))
VECTOR1(F32_TO_F64, vf, vd, __builtin_convertvector(x, vd))
SCALAR1(F32_TO_I64, float, int64_t, tile_int64_of_double(x))
VECTOR1(F32_ROUND_F16, vf, vf, vf_of_float16(vf_to_float16(x)))
VECTOR1(F32_ROUND_BF16, vf, vf, vf_of_bfloat16(vf_to_bfloat16(x)))
VECTOR2(F32_DIVIDE, vf, vf, x / y)
SCALAR2(F32_POWER, float, powf(x, y))
SCALAR2(F32_REMAINDER, float, fmodf(x, y))
SCALAR2(F32_ATAN2, float, atan2f(x, y))
VECTOR2(F32_GELU_GRADIENT, vf, vf, vf_gelu_slope(x) * y)
VECTOR2(F32_GELU_TANH_GRADIENT, vf, vf, vf_gelu_tanh_slope(x) * y)
VECTOR2(F32_SILU_GRADIENT, vf, vf, vf_silu_slope(x) * y)
VECTOR2(F32_SOFTPLUS_GRADIENT, vf, vf, vf_sigmoid(x) * y)
VECTOR2(F32_SIGMOID_GRADIENT, vf, vf, y * (x * (1.0f - x)))
VECTOR2(F32_TANH_GRADIENT, vf, vf, y * (1.0f - x * x))

// int32
VECTOR1(I32_ABS, vi, vi, x < 0 ? (vi)(-(vu)x) : x)
VECTOR1(I32_SIGN, vi, vi, (x >> 31) | ((x > 0) & 1))
VECTOR1(I32_NOT, vi, vi, (x == 0) & 1)
VECTOR1(I32_TO_F32, vi, vf, __builtin_convertvector(x, vf))
VECTOR1(I32_TO_F64, vi, vd, __builtin_convertvector(x, vd))
VECTOR1(I32_TO_I64, vi, vl, __builtin_convertvector(x, vl))
VECTOR1(I32_WRAP_U8, vi, vi, x & 255)
SCALAR2(I32_DIVIDE, int32_t, tile_divide32(x, y))
SCALAR2(I32_REMAINDER, int32_t, tile_remainder32(x, y))
SCALAR2(I32_POWER, int32_t, tile_power32(x, y))
VECTOR2(I32_AND, vi, vi, x & y)
VECTOR2(I32_OR, vi, vi, x | y)
VECTOR2(I32_XOR, vi, vi, x ^ y)
VECTOR2(I32_SHIFT_LEFT, vi, vi, (vu)y < 32 ? (vi)((vu)x << ((vu)y & 31)) : 0)
VECTOR2(I32_SHIFT_RIGHT, vi, vi, (vu)y < 32 ? (vi)((vu)x >> ((vu)y & 31)) : 0)

// float64
SCALAR1(F64_ABS, double, double, fabs(x))
SCALAR1(F64_SIGN, double, double, x > 0 ? 1 : x < 0 ? -1 : x)
SCALAR1(F64_FLOOR, double, double, floor(x))
SCALAR1(F64_CEIL, double, double, ceil(x))
SCALAR1(F64_ROUND, double, double, tile_round(x))
SCALAR1(F64_SQRT, double, double, sqrt(x))
SCALAR1(F64_RSQRT, double, double, 1 / sqrt(x))
SCALAR1(F64_RECIPROCAL, double, double, 1 / x)
SCALAR1(F64_EXP, double, double, exp(x))
SCALAR1(F64_EXPM1, double, double, expm1(x))
SCALAR1(F64_LOG, double, double, log(x))
SCALAR1(F64_LOG1P, double, double, log1p(x))
SCALAR1(F64_SIN, double, double, sin(x))
SCALAR1(F64_COS, double, double, cos(x))
SCALAR1(F64_TAN, double, double, tan(x))
SCALAR1(F64_TANH, double, double, tanh(x))
SCALAR1(F64_SIGMOID, double, double, tile_sigmoid(x))
SCALAR1(F64_SOFTPLUS, double, double, tile_softplus(x))
SCALAR1(F64_ERF, double, double, erf(x))
SCALAR1(F64_GELU, double, double, tile_gelu(x))
SCALAR1(F64_GELU_TANH, double, double, tile_gelu_tanh(x))
SCALAR1(F64_SILU, double, double, tile_silu(x))
SCALAR1(F64_IS_FINITE, double, int32_t, fabs(x) < INFINITY)
SCALAR1(F64_IS_NAN, double, int32_t, x != x)
SCALAR1(F64_TO_F32, double, float, (float)x)
SCALAR1(F64_TO_I32, double, int32_t, tile_int32_of_double(x))
SCALAR1(F64_TO_I64, double, int64_t, tile_int64_of_double(x))
SCALAR2(F64_DIVIDE, double, x / y)
SCALAR2(F64_POWER, double, pow(x, y))
SCALAR2(F64_REMAINDER, double, fmod(x, y))
SCALAR2(F64_ATAN2, double, atan2(x, y))
SCALAR2(F64_GELU_GRADIENT, double, tile_gelu_slope(x) * y)
SCALAR2(F64_GELU_TANH_GRADIENT, double, tile_gelu_tanh_slope(x) * y)
SCALAR2(F64_SILU_GRADIENT, double, tile_silu_slope(x) * y)
SCALAR2(F64_SOFTPLUS_GRADIENT, double, tile_sigmoid(x) * y)
SCALAR2(F64_SIGMOID_GRADIENT, double, y * (x * (1 - x)))
SCALAR2(F64_TANH_GRADIENT, double, y * (1 - x * x))

// int64
VECTOR1(I64_ABS, vl, vl, x < 0 ? (vl)(-(vlu)x) : x)
VECTOR1(I64_SIGN, vl, vl, (x >> 63) | ((x > 0) & 1))
SCALAR1(I64_TO_F32, int64_t, float, (float)x)
SCALAR1(I64_TO_F64, int64_t, double, (double)x)
VECTOR1(I64_TO_I32, vl, vi, __builtin_convertvector(x, vi))
SCALAR2(I64_DIVIDE, int64_t, tile_divide64(x, y))
SCALAR2(I64_REMAINDER, int64_t, tile_remainder64(x, y))
SCALAR2(I64_POWER, int64_t, tile_power64(x, y))
VECTOR2(I64_AND, vl, vl, x & y)
VECTOR2(I64_OR, vl, vl, x | y)
VECTOR2(I64_XOR, vl, vl, x ^ y)
VECTOR2(I64_SHIFT_LEFT, vl, vl, (vlu)y < 64 ? (vl)((vlu)x << ((vlu)y & 63)) : 0)
VECTOR2(I64_SHIFT_RIGHT, vl, vl, (vlu)y < 64 ? (vl)((vlu)x >> ((vlu)y & 63)) : 0)

#include "tile_transfers_body.h"

#define ENTRY(lane, name) [APUS_LANE_##lane][APUS_TILE_##name] = APUS_NAME(lane##_##name),
#define ENTRY_AS(lane, name, function) [APUS_LANE_##lane][APUS_TILE_##name] = APUS_NAME(lane##_##function),
#define COMMON_ENTRIES(l)                                                                                    \
  ENTRY(l, COPY) ENTRY(l, NEGATE) ENTRY(l, SQUARE) ENTRY(l, RELU) ENTRY(l, TO_BOOL) ENTRY(l, AFFINE)         \
  ENTRY(l, ADD) ENTRY(l, SUBTRACT) ENTRY(l, MULTIPLY) ENTRY(l, MAXIMUM) ENTRY(l, MINIMUM) ENTRY(l, EQUAL)    \
  ENTRY(l, NOT_EQUAL) ENTRY(l, LESS) ENTRY(l, LESS_EQUAL) ENTRY(l, RELU_GRADIENT) ENTRY(l, AFFINE_MULTIPLY)  \
  ENTRY(l, AXPY) ENTRY(l, SELECT) ENTRY(l, MULTIPLY_ADD) ENTRY(l, ABS) ENTRY(l, SIGN) ENTRY(l, DIVIDE)       \
  ENTRY(l, REMAINDER) ENTRY(l, POWER)
#define FLOAT_ENTRIES(l)                                                                                     \
  ENTRY(l, FLOOR) ENTRY(l, CEIL) ENTRY(l, ROUND) ENTRY(l, SQRT) ENTRY(l, RSQRT) ENTRY(l, RECIPROCAL)         \
  ENTRY(l, EXP) ENTRY(l, EXPM1) ENTRY(l, LOG) ENTRY(l, LOG1P) ENTRY(l, SIN) ENTRY(l, COS) ENTRY(l, TAN)      \
  ENTRY(l, TANH) ENTRY(l, SIGMOID) ENTRY(l, SOFTPLUS) ENTRY(l, ERF) ENTRY(l, GELU) ENTRY(l, GELU_TANH)       \
  ENTRY(l, SILU) ENTRY(l, IS_FINITE) ENTRY(l, IS_NAN) ENTRY(l, ATAN2) ENTRY(l, GELU_GRADIENT)                \
  ENTRY(l, GELU_TANH_GRADIENT) ENTRY(l, SILU_GRADIENT) ENTRY(l, SOFTPLUS_GRADIENT)                           \
  ENTRY(l, SIGMOID_GRADIENT) ENTRY(l, TANH_GRADIENT)
#define INTEGER_ENTRIES(l) ENTRY(l, AND) ENTRY(l, OR) ENTRY(l, XOR) ENTRY(l, SHIFT_LEFT) ENTRY(l, SHIFT_RIGHT)

static const tile_table APUS_NAME(tile_table) = {
  .operations = {
    COMMON_ENTRIES(F32) COMMON_ENTRIES(I32) COMMON_ENTRIES(F64) COMMON_ENTRIES(I64)
    FLOAT_ENTRIES(F32) FLOAT_ENTRIES(F64) INTEGER_ENTRIES(I32) INTEGER_ENTRIES(I64)
    ENTRY(I32, NOT) ENTRY(I32, WRAP_U8) ENTRY(F32, ROUND_F16) ENTRY(F32, ROUND_BF16)
    ENTRY_AS(F32, TO_F32, COPY) ENTRY(F32, TO_I32) ENTRY(F32, TO_F64) ENTRY(F32, TO_I64)
    ENTRY(I32, TO_F32) ENTRY_AS(I32, TO_I32, COPY) ENTRY(I32, TO_F64) ENTRY(I32, TO_I64)
    ENTRY(F64, TO_F32) ENTRY(F64, TO_I32) ENTRY_AS(F64, TO_F64, COPY) ENTRY(F64, TO_I64)
    ENTRY(I64, TO_F32) ENTRY(I64, TO_I32) ENTRY(I64, TO_F64) ENTRY_AS(I64, TO_I64, COPY)
  },
  TRANSFER_ENTRIES
};

#undef ARGUMENTS
#undef LANES
#undef VECTOR1
#undef VECTOR2
#undef VECTOR3
#undef SCALAR1
#undef SCALAR2
#undef COMMON
#undef ENTRY
#undef ENTRY_AS
#undef COMMON_ENTRIES
#undef FLOAT_ENTRIES
#undef INTEGER_ENTRIES
#undef REDUCTIONS
#undef TRANSFERS
#undef TRANSFER_ENTRIES
