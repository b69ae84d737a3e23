// Running tile programs.
#include <math.h>
#include <string.h>

#include "tile_plan.h"

/// A chunk while it runs.
typedef struct tile_run {
  const tile_plan *plan;
  void *const *buffers;
  char *scratch;
  void **values;  // where every value of the tile lies: a register or memory
  void **tails;   // the same for the last values, which do not fill a vector
  tile_partial *partials;
  char *staging;  // two arrays of a value per row
} tile_run;

static tile_run begin(const void *plan, void *const *buffers, void *scratch) {
  tile_run run = {.plan = plan, .buffers = buffers, .scratch = scratch};
  run.values = (void **)(run.scratch + run.plan->pointers);
  run.tails = run.values + run.plan->value_count;
  run.partials = (tile_partial *)(run.scratch + run.plan->partials);
  run.staging = run.scratch + run.plan->staging;
  return run;
}

static int64_t row_offset(const apus_access *a, int64_t row) {
  if (a->stride == 0) return 0;
  if (a->divisor == 1 && row < a->modulus) return row * a->stride;
  return row / a->divisor % a->modulus * a->stride;
}

static char *register_of(const tile_run *run, int32_t value) { return run->scratch + run->plan->value_offsets[value]; }

// Filling registers with what does not lie in memory value by value. Each writes whole groups of 16 lanes.

typedef uint32_t lanes32 __attribute__((ext_vector_type(16), aligned(4)));
typedef uint64_t lanes64 __attribute__((ext_vector_type(16), aligned(8)));

static void fill(void *destination, const void *value, int64_t lane_size, int64_t count) {
  if (lane_size == 4) {
    lanes32 all = *(const uint32_t *)value;
    for (int64_t i = 0; i < count; i += 16) *(lanes32 *)((uint32_t *)destination + i) = all;
  } else {
    lanes64 all = *(const uint64_t *)value;
    for (int64_t i = 0; i < count; i += 16) *(lanes64 *)((uint64_t *)destination + i) = all;
  }
}

static void count_up(void *destination, int32_t lane, int64_t start, int64_t step, int64_t count) {
  if (lane == APUS_LANE_I32) {
    for (int64_t i = 0; i < count; i++) ((int32_t *)destination)[i] = (int32_t)(start + i * step);
  } else {
    for (int64_t i = 0; i < count; i++) ((int64_t *)destination)[i] = start + i * step;
  }
}

static void gather(void *destination, const char *base, const tile_input *in, int64_t row, int64_t rows) {
#define APUS_GATHER(T) \
  for (int64_t r = 0; r < rows; r++) ((T *)destination)[r] = ((const T *)base)[row_offset(&in->access, row + r)];
  switch (in->size) {
    case 1: APUS_GATHER(uint8_t) break;
    case 2: APUS_GATHER(uint16_t) break;
    case 4: APUS_GATHER(uint32_t) break;
    default: APUS_GATHER(uint64_t) break;
  }
#undef APUS_GATHER
}

/// One value of each of `rows` rows as lanes.
static const char *load_column(const tile_run *run, const tile_input *in, const char *base, int64_t row, int64_t rows) {
  char *lanes = run->staging, *raw = lanes + (run->plan->scratch_bytes - run->plan->staging) / 2;
  gather(raw, base, in, row, rows);
  run->plan->table->load[in->access.type](lanes, raw, rows);
  return lanes;
}

// Inputs.

/// What stays the same for the whole chunk.
static void load_constants(const tile_run *run) {
  const tile_plan *plan = run->plan;
  for (int32_t i = 0; i < plan->input_count + plan->literal_count; i++) {
    const tile_input *in = &plan->inputs[i];
    char *destination = register_of(run, i);
    int64_t lane_size = tile_lane_size(in->lane);
    run->values[i] = destination;
    if (in->mode == TILE_SCALAR) {
      _Alignas(64) char value[128] = {0};
      if (i >= plan->input_count) {
        float single = (float)in->literal.real;
        int32_t word = (int32_t)in->literal.integer;
        const void *sources[4] = {&single, &word, &in->literal.real, &in->literal.integer};
        memcpy(value, sources[in->lane], (size_t)lane_size);
      } else if (in->access.kind == APUS_MEMORY) {
        plan->table->load[in->access.type](value, run->buffers[in->access.buffer], 1);
      }
      fill(destination, value, lane_size, plan->tile_rows * plan->tile_columns);
    } else if (in->mode == TILE_ROW_VECTOR) {
      int64_t bytes = plan->columns * lane_size;
      plan->table->load[in->access.type](destination, run->buffers[in->access.buffer], plan->columns);
      for (int64_t done = 1; done < plan->tile_rows; done *= 2) {  // doubled until the tile is full
        int64_t more = done < plan->tile_rows - done ? done : plan->tile_rows - done;
        memcpy(destination + done * bytes, destination, (size_t)(more * bytes));
      }
    }
  }
}

/// Rows that lie in different places; those in one piece are taken at once.
static void load_rows(const tile_run *run, int32_t index, int64_t row, int64_t rows) {
  const tile_plan *plan = run->plan;
  const tile_input *in = &plan->inputs[index];
  const apus_access *a = &in->access;
  const char *base = run->buffers[a->buffer];
  char *destination = register_of(run, index);
  int64_t columns = plan->columns, bytes = columns * tile_lane_size(in->lane);
  run->values[index] = destination;
  if (columns == 1) {
    memcpy(destination, load_column(run, in, base, row, rows), (size_t)(rows * bytes));
    return;
  }
  int joined = a->divisor == 1 && a->stride == columns;
  for (int64_t r = 0, taken = 1; r < rows; r += taken) {
    int64_t left = a->modulus - (row + r) % a->modulus;
    taken = !joined ? 1 : left < rows - r ? left : rows - r;
    const char *source = base + row_offset(a, row + r) * in->size;
    if (taken == rows && in->direct) run->values[index] = (void *)source;
    else plan->table->load[a->type](destination + r * bytes, source, taken * columns);
  }
}

static void load_input(const tile_run *run, int32_t index, int64_t row, int64_t rows, int64_t column, int64_t columns) {
  const tile_plan *plan = run->plan;
  const tile_input *in = &plan->inputs[index];
  const apus_access *a = &in->access;
  char *destination = register_of(run, index);
  int64_t lane_size = tile_lane_size(in->lane);
  switch (in->mode) {
    case TILE_FLAT: {
      char *source = (char *)run->buffers[a->buffer] + (row_offset(a, row) + column) * in->size;
      if (in->direct) run->values[index] = source;
      else plan->table->load[a->type](destination, source, rows * columns);
      return;
    }
    case TILE_COLUMN: {
      if (plan->tile_rows == 1 && column % plan->segment != 0) return;  // already there
      const char *lanes = load_column(run, in, run->buffers[a->buffer], row, rows);
      int64_t filled = plan->tile_rows == 1 ? plan->tile_columns : columns;
      for (int64_t r = 0; r < rows; r++)
        fill(destination + r * columns * lane_size, lanes + r * lane_size, lane_size, filled);
      return;
    }
    case TILE_ROWS: load_rows(run, index, row, rows); return;
    case TILE_INDEX:
      for (int64_t r = 0; r < rows; r++)
        count_up(destination + r * columns * lane_size, in->lane, row_offset(a, row + r) + column * a->step, a->step, columns);
      return;
    default: return;
  }
}

// Instructions.

static void execute(const tile_plan *plan, void *const *values, int64_t count) {
  for (int32_t i = 0; i < plan->step_count; i++) {
    const tile_step *s = &plan->steps[i];
    s->function(values[s->destination], values[s->a], values[s->b], values[s->c], count, s->immediate);
  }
}

static int is_result(const tile_plan *plan, int32_t value) {
  for (int32_t i = 0; i < plan->result_count; i++)
    if (plan->results[i].source == value) return 1;
  return 0;
}

/// The last values of a tile, fewer than 16: what lies in memory is copied to where whole vectors may be touched. A
/// register may serve lanes of several widths one after the other: only results stand right behind their other values,
/// all else keeps clear of what the widest lanes of the register hold.
static void execute_tail(const tile_run *run, int64_t done, int64_t count) {
  const tile_plan *plan = run->plan;
  for (int32_t v = 0; v < plan->value_count; v++) {
    int64_t lane_size = tile_lane_size(plan->value_lanes[v]);
    if (run->values[v] == register_of(run, v)) {
      int64_t place = v < plan->input_count + plan->literal_count || is_result(plan, v) ? lane_size : plan->widest;
      run->tails[v] = (char *)run->values[v] + done * place;
    } else {
      run->tails[v] = run->scratch + plan->tails + v * 128;
      if (v < plan->input_count)
        memcpy(run->tails[v], (char *)run->values[v] + done * lane_size, (size_t)(count * lane_size));
    }
  }
  execute(plan, run->tails, 16);
  for (int32_t i = 0; i < plan->result_count; i++) {
    const tile_result *r = &plan->results[i];
    if (r->direct)
      memcpy((char *)run->values[r->source] + done * r->size, run->tails[r->source], (size_t)(count * r->size));
  }
}

// Results.

static tile_partial identity(const tile_result *r) {
  int real = r->lane == APUS_LANE_F32 || r->lane == APUS_LANE_F64;
  int64_t lowest = r->lane == APUS_LANE_I32 ? INT32_MIN : INT64_MIN;
  switch (r->store) {
    case APUS_ROW_MAX: return real ? (tile_partial){.real = -INFINITY} : (tile_partial){.integer = lowest};
    case APUS_ROW_MIN: return real ? (tile_partial){.real = INFINITY} : (tile_partial){.integer = ~lowest};
    default: return (tile_partial){.integer = 0};  // the bits of 0.0 too
  }
}

static tile_partial combine(const tile_result *r, tile_partial a, tile_partial b) {
  if (r->lane == APUS_LANE_F32 || r->lane == APUS_LANE_F64) {
    if (r->store == APUS_ROW_SUM) return (tile_partial){.real = a.real + b.real};
    int first = r->store == APUS_ROW_MAX ? a.real > b.real : a.real < b.real;
    return first || a.real != a.real ? a : b;
  }
  if (r->store == APUS_ROW_SUM) return (tile_partial){.integer = (int64_t)((uint64_t)a.integer + (uint64_t)b.integer)};
  int first = r->store == APUS_ROW_MAX ? a.integer > b.integer : a.integer < b.integer;
  return first ? a : b;
}

/// Writes the reduced values of `rows` rows.
static void emit(const tile_run *run, const tile_result *r, int64_t row, int64_t rows, const tile_partial *partials) {
  char *lanes = run->staging;
  for (int64_t i = 0; i < rows; i++) {
    switch (r->lane) {
      case APUS_LANE_F32: ((float *)lanes)[i] = (float)partials[i].real; break;
      case APUS_LANE_I32: ((int32_t *)lanes)[i] = (int32_t)partials[i].integer; break;
      default: ((tile_partial *)lanes)[i] = partials[i];
    }
  }
  tile_transfer store = run->plan->table->store[r->access.type];
  char *base = run->buffers[r->access.buffer];
  if (r->access.stride == 1 && r->access.divisor == 1 && r->access.modulus >= run->plan->rows) {
    store(base + row * r->size, lanes, rows);
    return;
  }
  for (int64_t i = 0; i < rows; i++)
    store(base + row_offset(&r->access, row + i) * r->size, lanes + i * tile_lane_size(r->lane), 1);
}

static void store_result(const tile_run *run, int32_t index, int64_t row, int64_t rows, int64_t column, int64_t columns) {
  const tile_plan *plan = run->plan;
  const tile_result *r = &plan->results[index];
  const char *source = run->values[r->source];
  int64_t row_bytes = columns * tile_lane_size(r->lane);
  if (r->store != APUS_STORE) {
    tile_reduction reduce = plan->table->reductions[r->lane][r->store];
    tile_partial *partials = run->partials + index * plan->tile_rows;
    for (int64_t i = 0; i < rows; i++) partials[i] = combine(r, partials[i], reduce(source + i * row_bytes, columns));
    return;
  }
  if (r->direct) return;
  tile_transfer store = plan->table->store[r->access.type];
  char *base = run->buffers[r->access.buffer];
  if (r->flat) {
    store(base + (row_offset(&r->access, row) + column) * r->size, source, rows * columns);
    return;
  }
  for (int64_t i = 0; i < rows; i++)
    store(base + (row_offset(&r->access, row + i) + column) * r->size, source + i * row_bytes, columns);
}

static void run_tile(const tile_run *run, int64_t row, int64_t rows, int64_t column, int64_t columns) {
  const tile_plan *plan = run->plan;
  for (int32_t i = 0; i < plan->input_count; i++) load_input(run, i, row, rows, column, columns);
  for (int32_t i = 0; i < plan->result_count; i++) {
    const tile_result *r = &plan->results[i];
    if (r->direct)
      run->values[r->source] =
          (char *)run->buffers[r->access.buffer] + (row_offset(&r->access, row) + column) * r->size;
  }
  int64_t count = rows * columns, whole = count / 16 * 16;
  if (whole > 0) execute(plan, run->values, whole);
  if (whole < count) execute_tail(run, whole, count - whole);
  for (int32_t i = 0; i < plan->result_count; i++) store_result(run, i, row, rows, column, columns);
}

/// Some rows from column `first` to `last` (exclusive); what is reduced ends in `run->partials`.
static void run_rows(const tile_run *run, int64_t row, int64_t rows, int64_t first, int64_t last) {
  const tile_plan *plan = run->plan;
  for (int32_t i = 0; i < plan->result_count; i++)
    for (int64_t r = 0; r < rows && plan->results[i].store != APUS_STORE; r++) run->partials[i * plan->tile_rows + r] = identity(&plan->results[i]);
  for (int64_t column = first; column < last; column += plan->tile_columns) {
    int64_t columns = last - column < plan->tile_columns ? last - column : plan->tile_columns;
    run_tile(run, row, rows, column, columns);
  }
}

void tile_run_chunk(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  tile_run run = begin(parameters, buffers, scratch);
  const tile_plan *plan = run.plan;
  memset(run.scratch + plan->tails, 0, (size_t)(plan->pointers - plan->tails));
  for (int32_t v = 0; v < plan->value_count; v++) run.values[v] = register_of(&run, v);
  load_constants(&run);
  if (plan->segments > 1) {
    int64_t row = chunk / plan->segments, first = chunk % plan->segments * plan->segment;
    int64_t last = first + plan->segment < plan->columns ? first + plan->segment : plan->columns;
    run_rows(&run, row, 1, first, last);
    int reduces = 0;
    for (int32_t i = 0; i < plan->result_count; i++) reduces |= plan->results[i].store != APUS_STORE;
    if (reduces) {
      tile_partial *shared = buffers[plan->shared_buffer];
      memcpy(shared + chunk * plan->result_count, run.partials, (size_t)plan->result_count * sizeof(tile_partial));
    }
    return;
  }
  int64_t end = (chunk + 1) * plan->chunk_rows < plan->rows ? (chunk + 1) * plan->chunk_rows : plan->rows;
  for (int64_t row = chunk * plan->chunk_rows; row < end; row += plan->tile_rows) {
    int64_t rows = end - row < plan->tile_rows ? end - row : plan->tile_rows;
    run_rows(&run, row, rows, 0, plan->columns);
    for (int32_t i = 0; i < plan->result_count; i++)
      if (plan->results[i].store != APUS_STORE)
        emit(&run, &plan->results[i], row, rows, run.partials + i * plan->tile_rows);
  }
}

void tile_combine_segments(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)chunk;
  tile_run run = begin(parameters, buffers, scratch);
  const tile_plan *plan = run.plan;
  const tile_partial *shared = buffers[plan->shared_buffer];
  for (int64_t row = 0; row < plan->rows; row++) {
    for (int32_t i = 0; i < plan->result_count; i++) {
      const tile_result *r = &plan->results[i];
      if (r->store == APUS_STORE) continue;
      tile_partial total = identity(r);
      for (int64_t s = 0; s < plan->segments; s++)
        total = combine(r, total, shared[(row * plan->segments + s) * plan->result_count + i]);
      emit(&run, r, row, 1, &total);
    }
  }
}
