// Tile programs: a cluster of elementwise operations run over tiles of a few hundred values that stay in the first
// cache. One read of every input, one write of every output.
#ifndef APUS_TILES_H
#define APUS_TILES_H

#include "kernel.h"

/// What the lanes of a register are. float32, float16 and bfloat16 memory loads as float32 lanes; int32, uint8 and bool
/// as int32 lanes; float64 and int64 as themselves.
typedef enum apus_lane { APUS_LANE_F32 = 0, APUS_LANE_I32 = 1, APUS_LANE_F64 = 2, APUS_LANE_I64 = 3 } apus_lane;

/// How the element at (row, column) of the iteration space is found.
typedef enum apus_access_kind {
  APUS_MEMORY = 0,  // base[((row / divisor) % modulus) * stride + column * step]
  APUS_INDEX = 1,   // no memory: the integer ((row / divisor) % modulus) * stride + column * step, int32 or int64 lanes
} apus_access_kind;

/// Full operand: divisor 1, modulus rows, stride columns, step 1. Row vector: stride 0, step 1. Column: stride 1, step 0.
/// Scalar: stride 0, step 0. Divisor and modulus give the block patterns of broadcast leading dimensions.
typedef struct apus_access {
  int64_t divisor, modulus, stride;
  int32_t step;    // 0 or 1
  int32_t kind;    // apus_access_kind
  int32_t type;    // apus_type in memory (for APUS_INDEX: APUS_INT32 or APUS_INT64)
  int32_t buffer;  // index in `buffers`
} apus_access;

/// What becomes of an output.
typedef enum apus_store {
  APUS_STORE = 0,    // every value
  APUS_ROW_SUM = 1,  // one value a row; access.stride 1, step 0
  APUS_ROW_MAX = 2,  // NaN wins
  APUS_ROW_MIN = 3,
} apus_store;

typedef struct apus_tile_output {
  apus_access access;
  int32_t store;   // apus_store
  int32_t source;  // operand whose values are stored
} apus_tile_output;

#define APUS_TILE_OPERATIONS(X) \
  /* one operand */ \
  X(COPY) X(NEGATE) X(ABS) X(SIGN) X(FLOOR) X(CEIL) X(ROUND) X(SQUARE) X(SQRT) X(RSQRT) X(RECIPROCAL) \
  X(EXP) X(EXPM1) X(LOG) X(LOG1P) X(SIN) X(COS) X(TAN) X(TANH) X(SIGMOID) X(SOFTPLUS) X(ERF) \
  X(RELU) X(GELU) X(GELU_TANH) X(SILU) \
  X(NOT) /* int32 lanes: a == 0, as 0 or 1; flip bits with XOR */ \
  X(IS_FINITE) X(IS_NAN) \
  X(AFFINE) /* a * immediate[0] + immediate[1] */ \
  /* lane changes; the instruction's lane is that of the operand */ \
  X(TO_F32) X(TO_I32) X(TO_F64) X(TO_I64) \
  X(TO_BOOL) /* a != 0, as int32 0 or 1 */ \
  X(WRAP_U8) /* int32 lanes: a & 255 */ \
  X(ROUND_F16) X(ROUND_BF16) /* float32 lanes, rounded to the nearest even value of the narrower type */ \
  /* two operands */ \
  X(ADD) X(SUBTRACT) X(MULTIPLY) X(DIVIDE) X(MAXIMUM) X(MINIMUM) X(POWER) X(REMAINDER) X(ATAN2) \
  X(EQUAL) X(NOT_EQUAL) X(LESS) X(LESS_EQUAL) /* int32 lanes 0 or 1 out */ \
  X(AND) X(OR) X(XOR) X(SHIFT_LEFT) X(SHIFT_RIGHT) /* logical shift; integers */ \
  X(RELU_GRADIENT)      /* a: x, b: dy */ \
  X(GELU_GRADIENT)      /* a: x, b: dy; the erf form */ \
  X(GELU_TANH_GRADIENT) /* a: x, b: dy */ \
  X(SILU_GRADIENT)      /* a: x, b: dy */ \
  X(SOFTPLUS_GRADIENT)  /* a: x, b: dy: dy * sigmoid(x) */ \
  X(SIGMOID_GRADIENT)   /* a: y, b: dy: dy * y * (1 - y) */ \
  X(TANH_GRADIENT)      /* a: y, b: dy: dy * (1 - y * y) */ \
  X(AFFINE_MULTIPLY)    /* (a * immediate[0] + immediate[1]) * b */ \
  X(AXPY)               /* a * immediate[0] + b */ \
  /* three operands */ \
  X(SELECT)             /* a (int32 lanes) != 0 ? b : c; the lane is that of b and c */ \
  X(MULTIPLY_ADD)       /* a * b + c */

typedef enum apus_tile_operation {
#define APUS_ENUMERATE(name) APUS_TILE_##name,
  APUS_TILE_OPERATIONS(APUS_ENUMERATE)
#undef APUS_ENUMERATE
  APUS_TILE_OPERATION_COUNT
} apus_tile_operation;

/// One instruction. Operands are numbered: first the registers, then the inputs, then literals (constant lanes).
typedef struct apus_tile_instruction {
  uint16_t operation;  // apus_tile_operation
  uint16_t lane;       // apus_lane of the operands (SELECT: of b and c)
  uint16_t destination;  // a register
  uint16_t a, b, c;
  double immediate[2];
} apus_tile_instruction;

/// A literal fills a register once per chunk.
typedef struct apus_tile_literal {
  int32_t lane;  // apus_lane
  double real;   // for F32 and F64
  int64_t integer;  // for I32 and I64
} apus_tile_literal;

/// A tile program, copied by `apus_tiles_prepare`. Operand numbers: registers 0 …, inputs from `register_count`,
/// literals after the inputs. An output may lie in the buffer of a full input only where the instruction that produces
/// it is not before the last reader of that input, and the types in memory are of one size.
typedef struct apus_tile_program {
  int64_t rows, columns;
  int32_t register_count, input_count, literal_count, output_count, instruction_count;
  const apus_access *inputs;
  const apus_tile_literal *literals;
  const apus_tile_output *outputs;
  const apus_tile_instruction *instructions;
} apus_tile_program;

/// Chooses tile and chunks from the sizes and the number of live registers. 0, or -1 where an operation has no form for
/// its lane (the Swift side never asks for one). Where `kernel.shared_bytes` is not 0, the shared buffer stands right
/// behind the highest buffer that the program names.
int apus_tiles_prepare(const apus_tile_program *program, apus_kernel *kernel);

/// Whether `operation` exists for `lane`.
int apus_tiles_supports(apus_tile_operation operation, apus_lane lane);

/// The instruction set in use: "avx512", "avx2", "neon" or "baseline".
const char *apus_instruction_set(void);

/// Forces an instruction set, for tests; 0 where this processor lacks it.
int apus_force_instruction_set(const char *name);

#endif
