// Cuts a reduction into units (a row or a tile of columns, over a block of the reduced axis) whose number depends on the
// shapes alone, and joins the partial results of blocks in order.
#include "include/reduce.h"

#include <math.h>

#include "halves.h"
#include "prepare.h"

typedef void (*row_function)(const void *values, int64_t n, void *result);
typedef void (*column_function)(const void *values, int64_t rows, int64_t stride, int64_t width, void *results);
typedef void (*position_function)(
    const void *values, int64_t rows, int64_t stride, int64_t width, void *bests, int64_t *positions);

typedef struct reduce_functions {
  row_function row[5];
  column_function column[5];
  position_function position[2];
} reduce_functions;

#define APUS_BODY "reduce_body.h"
#include "instruction_sets.h"

/// Accumulators are 8 bytes each.
typedef union accumulator {
  double real;
  int64_t integer;
} accumulator;

enum { MAX_TILE = 512, FOLD = 16, FOLDED_BELOW = 32, MAX_BLOCKS = 64, MIN_BLOCK_VALUES = 8192 };

typedef struct reduce_plan {
  apus_reduce p;
  int32_t operation;  // of values: SUM to SUM_OF_SQUARES
  const reduce_functions *functions;
  accumulator identity;
  int64_t tile, tiles;            // columns of a unit, units of a row of columns
  int64_t block, blocks;          // values of the reduced axis of a unit
  int64_t units, units_per_chunk;
} reduce_plan;

static int is_float(int32_t type) { return type <= APUS_FLOAT64; }

static void store_result(const reduce_plan *plan, void *y, int64_t i, accumulator value) {
  switch (plan->p.result_type) {
    case APUS_FLOAT32: ((float *)y)[i] = (float)value.real; break;
    case APUS_FLOAT16: ((uint16_t *)y)[i] = apus_float_to_half((float)value.real); break;
    case APUS_BFLOAT16: ((uint16_t *)y)[i] = apus_float_to_bfloat((float)value.real); break;
    case APUS_FLOAT64: ((double *)y)[i] = value.real; break;
    case APUS_INT32: ((int32_t *)y)[i] = (int32_t)value.integer; break;
    case APUS_INT64: ((int64_t *)y)[i] = value.integer; break;
    default: ((uint8_t *)y)[i] = (uint8_t)value.integer; break;
  }
}

#define JOIN(field, type)                                                                                          \
  switch (plan->operation) {                                                                                       \
    case APUS_REDUCE_PRODUCT: a.field = (type)a.field * (type)b.field; break;                                      \
    case APUS_REDUCE_MAX: a.field = ((b.field > a.field) | (b.field != b.field)) ? b.field : a.field; break;         \
    case APUS_REDUCE_MIN: a.field = ((b.field < a.field) | (b.field != b.field)) ? b.field : a.field; break;         \
    default: a.field = (type)a.field + (type)b.field; break;                                                       \
  }

static accumulator join(const reduce_plan *plan, accumulator a, accumulator b) {
  if (is_float(plan->p.type)) {
    JOIN(real, double)
  } else {
    JOIN(integer, uint64_t)
  }
  return a;
}

/// Reduces `rows` rows of `width` columns into `totals`. Few columns are taken sixteen rows at once, so that lanes are full.
static void reduce_columns(const reduce_plan *plan, const char *x, int64_t rows, int64_t width, accumulator *totals) {
  column_function reduce = plan->functions->column[plan->operation];
  int64_t inner = plan->p.inner, size = apus_type_size(plan->p.type);
  int fold = inner < FOLDED_BELOW && rows >= 4 * FOLD;
  int64_t wide = fold ? FOLD * width : width;
  for (int64_t i = 0; i < wide; i++) totals[i] = plan->identity;
  if (!fold) {
    reduce(x, rows, inner, width, totals);
    return;
  }
  reduce(x, rows / FOLD, wide, wide, totals);
  for (int64_t i = width; i < wide; i++) totals[i % width] = join(plan, totals[i % width], totals[i]);
  reduce(x + rows / FOLD * wide * size, rows % FOLD, inner, width, totals);
}

static void reduce_chunk(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  const reduce_plan *plan = parameters;
  accumulator *totals = scratch;
  int64_t count = plan->p.count, inner = plan->p.inner, size = apus_type_size(plan->p.type);
  int64_t last = apus_smaller(plan->units, (chunk + 1) * plan->units_per_chunk);
  for (int64_t unit = chunk * plan->units_per_chunk; unit < last; unit++) {
    int64_t column = unit % plan->tiles * plan->tile, width = apus_smaller(plan->tile, inner - column);
    int64_t block = unit / plan->tiles % plan->blocks, o = unit / plan->tiles / plan->blocks;
    int64_t start = block * plan->block, rows = apus_smaller(plan->block, count - start);
    const char *x = (const char *)buffers[0] + ((o * count + start) * inner + column) * size;
    if (inner == 1) {
      totals[0] = plan->identity;
      plan->functions->row[plan->operation](x, rows, totals);
    } else {
      reduce_columns(plan, x, rows, width, totals);
    }
    if (plan->blocks > 1) {
      memcpy((accumulator *)buffers[2] + (o * plan->blocks + block) * inner + column, totals, (size_t)width * sizeof *totals);
    } else {
      for (int64_t k = 0; k < width; k++) store_result(plan, buffers[1], o * inner + column + k, totals[k]);
    }
  }
}

enum { JOINED_PER_CHUNK = 1024 };

static void join_chunk(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const reduce_plan *plan = parameters;
  int64_t inner = plan->p.inner, last = apus_smaller(plan->p.outer * inner, (chunk + 1) * JOINED_PER_CHUNK);
  for (int64_t i = chunk * JOINED_PER_CHUNK; i < last; i++) {
    const accumulator *partial = (const accumulator *)buffers[2] + i / inner * plan->blocks * inner + i % inner;
    accumulator total = partial[0];
    for (int64_t block = 1; block < plan->blocks; block++) total = join(plan, total, partial[block * inner]);
    store_result(plan, buffers[1], i, total);
  }
}

// MARK: Positions

#define FIND(type, field, load)                                                                      \
  {                                                                                                  \
    const type *values = x;                                                                          \
    for (int64_t i = 0; i < n; i++)                                                                  \
      if (load(values[i]) == best.field || (nan && load(values[i]) != load(values[i]))) return i;    \
    break;                                                                                           \
  }
#define SAME(x) (x)

/// The first place of the extreme that the vector code found.
static int64_t find(const void *x, int64_t n, int32_t type, accumulator best) {
  int nan = is_float(type) && best.real != best.real;
  switch (type) {
    case APUS_FLOAT32: FIND(float, real, SAME)
    case APUS_FLOAT16: FIND(uint16_t, real, apus_half_to_float)
    case APUS_BFLOAT16: FIND(uint16_t, real, apus_bfloat_to_float)
    case APUS_FLOAT64: FIND(double, real, SAME)
    case APUS_INT32: FIND(int32_t, integer, SAME)
    case APUS_INT64: FIND(int64_t, integer, SAME)
    default: FIND(uint8_t, integer, SAME)
  }
  return 0;
}

static void position_chunk(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  const reduce_plan *plan = parameters;
  accumulator *bests = scratch;
  int64_t *positions = (int64_t *)scratch + MAX_TILE;
  int64_t count = plan->p.count, inner = plan->p.inner, size = apus_type_size(plan->p.type);
  int64_t last = apus_smaller(plan->units, (chunk + 1) * plan->units_per_chunk);
  for (int64_t unit = chunk * plan->units_per_chunk; unit < last; unit++) {
    int64_t column = unit % plan->tiles * plan->tile, width = apus_smaller(plan->tile, inner - column);
    int64_t o = unit / plan->tiles;
    const char *x = (const char *)buffers[0] + (o * count * inner + column) * size;
    if (inner == 1) {
      bests[0] = plan->identity;
      plan->functions->row[plan->operation](x, count, bests);
      positions[0] = find(x, count, plan->p.type, bests[0]);
    } else {
      plan->functions->position[plan->p.operation - APUS_REDUCE_ARGMAX](x, count, inner, width, bests, positions);
    }
    for (int64_t k = 0; k < width; k++)
      store_result(plan, buffers[1], o * inner + column + k, (accumulator){.integer = positions[k]});
  }
}

// MARK: Preparation

static int is_position(int32_t operation) {
  return operation == APUS_REDUCE_ARGMAX || operation == APUS_REDUCE_ARGMIN;
}

static int types_fit(const apus_reduce *p) {
  if (p->type < APUS_FLOAT32 || p->type > APUS_BOOL) return 0;
  int is_index = p->result_type == APUS_INT32 || p->result_type == APUS_INT64;
  if (is_position(p->operation)) return is_index && p->count > 0;
  if (p->operation == APUS_REDUCE_ALL || p->operation == APUS_REDUCE_ANY)
    return p->type == APUS_BOOL && p->result_type == APUS_BOOL;
  if (p->operation < APUS_REDUCE_SUM || p->operation > APUS_REDUCE_SUM_OF_SQUARES) return 0;
  if (p->operation == APUS_REDUCE_SUM_OF_SQUARES && !is_float(p->type)) return 0;
  if (p->result_type == p->type) return 1;
  if (is_float(p->type)) return p->type != APUS_FLOAT64 && p->result_type == APUS_FLOAT32;
  return is_index;
}

/// The operation on values that the reduction is made of: places are found through extremes, bools are bytes 0 and 1.
static int32_t value_operation(int32_t operation) {
  switch (operation) {
    case APUS_REDUCE_ARGMAX: case APUS_REDUCE_ANY: return APUS_REDUCE_MAX;
    case APUS_REDUCE_ARGMIN: case APUS_REDUCE_ALL: return APUS_REDUCE_MIN;
    default: return operation;
  }
}

static int64_t lowest(int32_t type) {
  return type == APUS_INT32 ? INT32_MIN : type == APUS_INT64 ? INT64_MIN : 0;
}

static int64_t highest(int32_t type) {
  return type == APUS_INT32 ? INT32_MAX : type == APUS_INT64 ? INT64_MAX : type == APUS_BOOL ? 1 : UINT8_MAX;
}

static accumulator identity_of(int32_t operation, int32_t type) {
  accumulator integer = {.integer = 0}, real = {.real = 0};
  switch (operation) {
    case APUS_REDUCE_PRODUCT: integer.integer = 1, real.real = 1; break;
    case APUS_REDUCE_MAX: integer.integer = lowest(type), real.real = -INFINITY; break;
    case APUS_REDUCE_MIN: integer.integer = highest(type), real.real = INFINITY; break;
    default: break;
  }
  return is_float(type) ? real : integer;
}

/// Splits the reduced axis only where rows and tiles alone give too few chunks.
static void cut_blocks(reduce_plan *plan) {
  const apus_reduce *p = &plan->p;
  int64_t total = p->outer * p->count * p->inner, without = apus_larger(1, p->outer * plan->tiles);
  int64_t wanted = apus_smaller(MAX_BLOCKS, total / APUS_CHUNK_VALUES);
  int64_t most = apus_larger(1, p->count * plan->tile / MIN_BLOCK_VALUES);
  plan->blocks = apus_larger(1, apus_smaller(most, apus_divide_up(wanted, without)));
  if (is_position(p->operation)) plan->blocks = 1;
  plan->block = apus_larger(1, apus_divide_up(p->count, plan->blocks));
  plan->blocks = apus_larger(1, apus_divide_up(p->count, plan->block));
}

int apus_reduce_prepare(const apus_reduce *p, apus_kernel *kernel) {
  if (p->outer < 0 || p->count < 0 || p->inner < 0 || !types_fit(p)) return -1;
  reduce_plan plan = {.p = *p, .operation = value_operation(p->operation)};
  plan.functions = &APUS_DISPATCH(reduce_table)[p->type];
  plan.identity = identity_of(plan.operation, p->type);
  plan.tile = apus_larger(1, apus_smaller(p->inner, MAX_TILE));
  plan.tiles = apus_divide_up(p->inner, plan.tile);
  cut_blocks(&plan);
  plan.units = p->outer * plan.blocks * plan.tiles;
  plan.units_per_chunk = apus_items_per_chunk(plan.block * plan.tile);
  if (apus_kernel_begin(kernel, &plan, sizeof plan)) return -1;
  int64_t chunks = apus_divide_up(plan.units, plan.units_per_chunk), scratch = 2 * MAX_TILE * (int64_t)sizeof(accumulator);
  apus_kernel_phase(kernel, is_position(p->operation) ? position_chunk : reduce_chunk, chunks, scratch);
  if (plan.blocks > 1) {
    kernel->shared_bytes = p->outer * plan.blocks * p->inner * (int64_t)sizeof(accumulator);
    apus_kernel_phase(kernel, join_chunk, apus_divide_up(p->outer * p->inner, JOINED_PER_CHUNK), 0);
  }
  return 0;
}
