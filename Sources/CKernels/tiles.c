// Preparing tile programs: everything that depends on the shapes alone.
#include "tiles.h"

#include <stdlib.h>
#include <string.h>

#include "tile_plan.h"

enum { DEFAULT_TILE = 512, SMALLEST_TILE = 128, FIRST_CACHE = 24 * 1024, TAIL_BYTES = 16 * 8, PADDING = 64 };

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t ceiling(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t aligned(int64_t bytes) { return ceiling(bytes, 64) * 64; }

// Operations.

static int32_t operand_count(int32_t operation) {
  if (operation >= APUS_TILE_SELECT) return 3;
  return operation >= APUS_TILE_ADD ? 2 : 1;
}

static int32_t result_lane(int32_t operation, int32_t lane) {
  switch (operation) {
    case APUS_TILE_TO_F32: return APUS_LANE_F32;
    case APUS_TILE_TO_F64: return APUS_LANE_F64;
    case APUS_TILE_TO_I64: return APUS_LANE_I64;
    case APUS_TILE_TO_I32: case APUS_TILE_TO_BOOL: case APUS_TILE_IS_FINITE: case APUS_TILE_IS_NAN:
    case APUS_TILE_EQUAL: case APUS_TILE_NOT_EQUAL: case APUS_TILE_LESS: case APUS_TILE_LESS_EQUAL:
      return APUS_LANE_I32;
    default: return lane;
  }
}

/// About how many picoseconds a value costs.
static int64_t cost(int32_t operation, int32_t lane) {
  int heavy = 0;
  switch (operation) {
    case APUS_TILE_POWER: case APUS_TILE_REMAINDER: case APUS_TILE_ATAN2: return lane == APUS_LANE_I32 ? 1000 : 8000;
    case APUS_TILE_DIVIDE: return lane == APUS_LANE_F32 ? 50 : 1000;
    case APUS_TILE_LOG1P: case APUS_TILE_SOFTPLUS: case APUS_TILE_ERF: case APUS_TILE_GELU: case APUS_TILE_GELU_GRADIENT:
      heavy = 350;
      break;
    case APUS_TILE_EXP: case APUS_TILE_EXPM1: case APUS_TILE_LOG: case APUS_TILE_SIN: case APUS_TILE_COS:
    case APUS_TILE_TAN: case APUS_TILE_TANH: case APUS_TILE_SIGMOID: case APUS_TILE_SILU: case APUS_TILE_GELU_TANH:
    case APUS_TILE_GELU_TANH_GRADIENT: case APUS_TILE_SILU_GRADIENT: case APUS_TILE_SOFTPLUS_GRADIENT:
      heavy = 180;
      break;
    default: return lane == APUS_LANE_F32 || lane == APUS_LANE_I32 ? 30 : 120;
  }
  return lane == APUS_LANE_F64 ? 40 * heavy : heavy;
}

// Accesses.

/// Makes equal patterns look equal: rows that do not matter have stride 0, columns that do not matter step 1 or 0.
static void normalise(apus_access *access, int64_t rows, int64_t columns) {
  if (access->divisor < 1) access->divisor = 1;
  if (access->modulus < 1 || access->modulus >= ceiling(rows, access->divisor)) access->modulus = rows;
  if (access->modulus <= 1 || access->divisor >= rows) access->stride = 0;
  if (access->stride == 0) access->divisor = 1, access->modulus = rows;
  if (columns == 1) access->step = access->stride != 0;
}

static int is_scalar(const apus_access *a) { return a->stride == 0 && a->step == 0; }

static int is_flat(const apus_access *a, int64_t rows, int64_t columns) {
  return a->step == 1 && (rows == 1 || (a->divisor == 1 && a->modulus >= rows && a->stride == columns));
}

/// Joins all rows into one where every access is flat or a scalar.
static void collapse(tile_plan *plan) {
  for (int32_t i = 0; i < plan->input_count; i++) {
    const apus_access *a = &plan->inputs[i].access;
    if (!is_scalar(a) && !is_flat(a, plan->rows, plan->columns)) return;
  }
  for (int32_t i = 0; i < plan->result_count; i++) {
    const tile_result *r = &plan->results[i];
    if (r->store != APUS_STORE || !is_flat(&r->access, plan->rows, plan->columns)) return;
  }
  plan->columns *= plan->rows;
  plan->rows = 1;
}

static void classify(tile_plan *plan) {
  for (int32_t i = 0; i < plan->input_count; i++) {
    tile_input *in = &plan->inputs[i];
    const apus_access *a = &in->access;
    if (a->kind == APUS_INDEX) in->mode = is_scalar(a) ? TILE_SCALAR : TILE_INDEX;
    else if (is_scalar(a)) in->mode = TILE_SCALAR;
    else if (a->step == 0) in->mode = TILE_COLUMN;
    else if (plan->tile_rows == 1 || is_flat(a, plan->rows, plan->columns)) in->mode = TILE_FLAT;
    else in->mode = a->stride == 0 ? TILE_ROW_VECTOR : TILE_ROWS;
    // The lane of a type differs from it in the narrow types.
    in->direct = a->kind == APUS_MEMORY && (in->mode == TILE_FLAT || in->mode == TILE_ROWS) &&
                 in->size == tile_lane_size(in->lane);
  }
  for (int32_t i = 0; i < plan->result_count; i++) {
    tile_result *r = &plan->results[i];
    r->flat = plan->tile_rows == 1 || is_flat(&r->access, plan->rows, plan->columns);
  }
}

// Values and registers.

/// Translates the instructions to values; -1 where something does not fit together.
static int translate(const tile_table *table, const apus_tile_program *program, tile_plan *plan) {
  int32_t named[program->register_count + 1];
  for (int32_t i = 0; i < program->register_count; i++) named[i] = -1;
  int32_t sources = plan->input_count + plan->literal_count;
  for (int32_t i = 0; i < plan->step_count; i++) {
    const apus_tile_instruction *instruction = &program->instructions[i];
    tile_step *step = &plan->steps[i];
    int32_t operation = instruction->operation, lane = instruction->lane, count = operand_count(operation);
    if (operation >= APUS_TILE_OPERATION_COUNT || lane > APUS_LANE_I64) return -1;
    if (instruction->destination >= program->register_count) return -1;
    step->function = table->operations[lane][operation];
    if (!step->function) return -1;
    uint16_t operands[3] = {instruction->a, instruction->b, instruction->c};
    for (int32_t k = 0; k < 3; k++) {
      int32_t value = k >= count ? 0 : operands[k] < program->register_count ? named[operands[k]]
                                                                             : operands[k] - program->register_count;
      if (k < count) {
        int32_t wanted = operation == APUS_TILE_SELECT && k == 0 ? APUS_LANE_I32 : lane;
        if (value < 0 || (operands[k] >= program->register_count && value >= sources)) return -1;
        if (plan->value_lanes[value] != wanted) return -1;
      } else {
        value = k == 1 ? step->a : step->b;  // any valid one
      }
      if (k == 0) step->a = (uint16_t)value;
      else if (k == 1) step->b = (uint16_t)value;
      else step->c = (uint16_t)value;
    }
    step->destination = (uint16_t)(sources + i);
    memcpy(step->immediate, instruction->immediate, sizeof step->immediate);
    plan->value_lanes[sources + i] = result_lane(operation, lane);
    named[instruction->destination] = sources + i;
  }
  for (int32_t i = 0; i < plan->result_count; i++) {
    const apus_tile_output *output = &program->outputs[i];
    int32_t operand = output->source;
    int32_t value = operand < 0 ? -1 : operand < program->register_count ? named[operand]
                                                                         : operand - program->register_count;
    if (value < 0 || (operand >= program->register_count && value >= sources)) return -1;
    tile_result *result = &plan->results[i];
    result->source = value;
    result->lane = plan->value_lanes[value];
    if (result->lane != (int32_t)tile_lane_of_type(result->access.type)) return -1;
    if (result->store < APUS_STORE || result->store > APUS_ROW_MIN) return -1;
  }
  return 0;
}

/// Gives every instruction's value a register that no later reader needs; returns how many. A register may be that of an
/// operand unless the lanes become wider.
static int32_t assign_registers(tile_plan *plan, int32_t *registers) {
  int32_t count = plan->value_count, used = 0, sources = plan->input_count + plan->literal_count;
  int32_t last_use[count + 1], free_list[count + 1], free_count = 0;
  for (int32_t v = 0; v < count; v++) last_use[v] = -1;
  for (int32_t i = 0; i < plan->step_count; i++) {
    const tile_step *s = &plan->steps[i];
    last_use[s->a] = last_use[s->b] = last_use[s->c] = i;
  }
  for (int32_t i = 0; i < plan->result_count; i++) last_use[plan->results[i].source] = plan->step_count;
  for (int32_t i = 0; i < plan->step_count; i++) {
    const tile_step *s = &plan->steps[i];
    int32_t operands[3] = {s->a, s->b, s->c}, widens = 0;
    for (int32_t k = 0; k < 3; k++)
      widens |= tile_lane_size(plan->value_lanes[s->destination]) > tile_lane_size(plan->value_lanes[operands[k]]);
    int32_t taken = !widens ? -1 : free_count > 0 ? free_list[--free_count] : used++;
    for (int32_t k = 0; k < 3; k++) {
      int32_t v = operands[k], repeated = (k > 0 && v == operands[0]) || (k > 1 && v == operands[1]);
      if (v >= sources && !repeated && last_use[v] == i) free_list[free_count++] = registers[v];
    }
    if (taken < 0) taken = free_count > 0 ? free_list[--free_count] : used++;
    registers[s->destination] = taken;
    if (last_use[s->destination] < 0) free_list[free_count++] = taken;
  }
  return used;
}

/// The instruction whose value goes to memory as it is writes it there.
static void direct_results(tile_plan *plan) {
  int32_t sources = plan->input_count + plan->literal_count;
  for (int32_t i = 0; i < plan->result_count; i++) {
    tile_result *r = &plan->results[i];
    int taken = 0;
    for (int32_t k = 0; k < i; k++) taken |= plan->results[k].direct && plan->results[k].source == r->source;
    r->direct = r->store == APUS_STORE && r->flat && !taken && r->source >= sources &&
                r->size == tile_lane_size(r->lane);
  }
}

// Sizes.

static int64_t greatest_divisor(int64_t a, int64_t b) { return b == 0 ? a : greatest_divisor(b, a % b); }

/// Tile by the first cache; several rows a tile where rows are short, a number of them that fills vectors if possible.
static void choose_tile(tile_plan *plan, int64_t live, int64_t lane_bytes) {
  int64_t tile = DEFAULT_TILE;
  while (tile > SMALLEST_TILE && tile * lane_bytes * live > FIRST_CACHE) tile /= 2;
  plan->tile_rows = 1;
  plan->tile_columns = smaller(tile, larger(plan->columns, 1));
  if (plan->columns < 1 || plan->rows == 1 || plan->columns > tile / 2) return;
  int64_t rows = tile / plan->columns, unit = 16 / greatest_divisor(16, plan->columns);
  if (rows >= unit) rows = rows / unit * unit;
  plan->tile_rows = smaller(rows, larger(plan->rows, 1));
  plan->tile_columns = plan->columns;
}

/// Chunks of 3 to 20 microseconds, an eighth of all the work in between.
static void choose_chunks(tile_plan *plan, int64_t picoseconds) {
  int64_t total = plan->rows * larger(plan->columns, 1) * picoseconds;
  int64_t wanted = smaller(larger(total / 8, 3000000), 20000000) / picoseconds;
  int64_t values = smaller(larger(wanted, 256), 65536);
  plan->segments = 1;
  plan->segment = plan->columns;
  if (plan->columns >= 2 * values && plan->tile_rows == 1) {
    plan->segment = ceiling(values, plan->tile_columns) * plan->tile_columns;
    plan->segments = ceiling(plan->columns, plan->segment);
    plan->chunk_rows = 1;
    return;
  }
  int64_t rows = ceiling(values, larger(plan->columns, 1));
  plan->chunk_rows = ceiling(rows, plan->tile_rows) * plan->tile_rows;
}

static void lay_out_scratch(tile_plan *plan, const int32_t *registers, int32_t register_count, int64_t lane_bytes) {
  int32_t sources = plan->input_count + plan->literal_count;
  int64_t bytes = aligned((plan->tile_rows * plan->tile_columns + 32) * lane_bytes) + PADDING;
  for (int32_t v = 0; v < plan->value_count; v++)
    plan->value_offsets[v] = v < sources ? v * bytes : (sources + registers[v]) * bytes;
  plan->tails = (sources + register_count) * bytes;
  plan->pointers = plan->tails + plan->value_count * TAIL_BYTES;
  plan->partials = aligned(plan->pointers + 2 * plan->value_count * (int64_t)sizeof(void *));
  plan->staging = aligned(plan->partials + plan->tile_rows * plan->result_count * (int64_t)sizeof(tile_partial));
  plan->scratch_bytes = plan->staging + 2 * aligned((plan->tile_rows + 16) * 8);
}

static int64_t total_cost(const apus_tile_program *program) {
  int64_t picoseconds = 30;
  for (int32_t i = 0; i < program->instruction_count; i++)
    picoseconds += cost(program->instructions[i].operation, program->instructions[i].lane);
  for (int32_t i = 0; i < program->input_count; i++)
    picoseconds += program->inputs[i].step ? 8 * apus_type_size(program->inputs[i].type) : 0;
  return picoseconds + 30 * program->output_count;
}

/// One block holds the plan and its arrays.
static tile_plan *allocate_plan(const apus_tile_program *program) {
  int64_t sources = program->input_count + program->literal_count, values = sources + program->instruction_count;
  int64_t sizes[6] = {
      sizeof(tile_plan), sources * (int64_t)sizeof(tile_input), program->instruction_count * (int64_t)sizeof(tile_step),
      program->output_count * (int64_t)sizeof(tile_result), values * (int64_t)sizeof(int64_t),
      values * (int64_t)sizeof(int32_t)};
  int64_t offsets[6], bytes = 0;
  for (int i = 0; i < 6; i++) offsets[i] = bytes, bytes += aligned(sizes[i]);
  char *block = calloc(1, (size_t)bytes);
  if (!block) abort();
  tile_plan *plan = (tile_plan *)block;
  plan->inputs = (tile_input *)(block + offsets[1]);
  plan->steps = (tile_step *)(block + offsets[2]);
  plan->results = (tile_result *)(block + offsets[3]);
  plan->value_offsets = (int64_t *)(block + offsets[4]);
  plan->value_lanes = (int32_t *)(block + offsets[5]);
  plan->rows = program->rows;
  plan->columns = program->columns;
  plan->input_count = program->input_count;
  plan->literal_count = program->literal_count;
  plan->step_count = program->instruction_count;
  plan->result_count = program->output_count;
  plan->value_count = (int32_t)values;
  return plan;
}

static void copy_operands(const apus_tile_program *program, tile_plan *plan) {
  for (int32_t i = 0; i < plan->input_count; i++) {
    tile_input *in = &plan->inputs[i];
    in->access = program->inputs[i];
    normalise(&in->access, plan->rows, plan->columns);
    in->lane = plan->value_lanes[i] = tile_lane_of_type(in->access.type);
    in->size = (int32_t)apus_type_size(in->access.type);
    if (in->access.kind == APUS_MEMORY) plan->shared_buffer = (int32_t)larger(plan->shared_buffer, in->access.buffer + 1);
  }
  for (int32_t i = 0; i < plan->literal_count; i++) {
    tile_input *in = &plan->inputs[plan->input_count + i];
    in->literal = program->literals[i];
    in->mode = TILE_SCALAR;
    in->lane = plan->value_lanes[plan->input_count + i] = in->literal.lane;
  }
  for (int32_t i = 0; i < plan->result_count; i++) {
    tile_result *r = &plan->results[i];
    r->access = program->outputs[i].access;
    r->store = program->outputs[i].store;
    if (plan->columns == 1) r->store = APUS_STORE;  // a row of one value is its own sum, highest and lowest
    normalise(&r->access, plan->rows, r->store == APUS_STORE ? plan->columns : 0);
    if (r->store == APUS_STORE && plan->rows * plan->columns == 1) r->access.step = 1;
    r->size = (int32_t)apus_type_size(r->access.type);
    plan->shared_buffer = (int32_t)larger(plan->shared_buffer, r->access.buffer + 1);
  }
}

int apus_tiles_prepare(const apus_tile_program *program, apus_kernel *kernel) {
  tile_plan *plan = allocate_plan(program);
  plan->table = tile_current_table();
  copy_operands(program, plan);
  if (translate(plan->table, program, plan) != 0) {
    free(plan);
    return -1;
  }
  collapse(plan);
  int32_t registers[plan->value_count + 1];
  int32_t register_count = assign_registers(plan, registers);
  int64_t lane_bytes = 4;
  for (int32_t v = 0; v < plan->value_count; v++) lane_bytes = larger(lane_bytes, tile_lane_size(plan->value_lanes[v]));
  plan->widest = (int32_t)lane_bytes;
  choose_tile(plan, register_count + plan->input_count + plan->literal_count + plan->result_count, lane_bytes);
  classify(plan);
  direct_results(plan);
  choose_chunks(plan, total_cost(program));
  lay_out_scratch(plan, registers, register_count, lane_bytes);

  int reduces = 0;
  for (int32_t i = 0; i < plan->result_count; i++) reduces |= plan->results[i].store != APUS_STORE;
  int64_t chunks = plan->segments > 1 ? plan->rows * plan->segments : ceiling(plan->rows, plan->chunk_rows);
  if (plan->columns == 0 && !reduces) chunks = 0;
  *kernel = (apus_kernel){.parameters = plan, .phase_count = 1};
  kernel->phases[0] = (apus_phase){tile_run_chunk, chunks, plan->scratch_bytes};
  if (reduces && plan->segments > 1) {
    kernel->shared_bytes = plan->rows * plan->segments * plan->result_count * (int64_t)sizeof(tile_partial);
    kernel->phase_count = 2;
    kernel->phases[1] = (apus_phase){tile_combine_segments, 1, plan->scratch_bytes};
  }
  return 0;
}
