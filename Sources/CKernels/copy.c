// Strided copies: dimensions are merged when the kernel is prepared, then the view is walked as tiles of two
// dimensions, those in which the destination and the source are dense.
#include "include/copy.h"

#include "prepare.h"

typedef enum tile_kind { TILE_ROWS, TILE_TRANSPOSE, TILE_SPLAT, TILE_STRIDED } tile_kind;

typedef struct dimension {
  int64_t size, source, destination;
} dimension;

typedef struct copy_plan {
  // Walked slowest first. The last two are the tiles of `row` and of `column`.
  dimension outer[APUS_MAX_RANK + 2];
  int32_t outer_count, element_size;
  tile_kind kind;
  dimension row, column;
  int64_t tile_rows, tile_columns;
  int64_t source_offset, destination_offset;
  int64_t tiles, tiles_per_chunk;
} copy_plan;

typedef struct tile {
  int64_t rows, columns, source_row, source_column, destination_row, destination_column;
} tile;

#define DEFINE_TILES(type, name)                                                                                \
  static void strided_##name(type *restrict d, const type *restrict s, tile t) {                                \
    for (int64_t r = 0; r < t.rows; r++)                                                                        \
      for (int64_t c = 0; c < t.columns; c++)                                                                   \
        d[r * t.destination_row + c * t.destination_column] = s[r * t.source_row + c * t.source_column];        \
  }                                                                                                             \
  static void splat_##name(type *restrict d, const type *restrict s, tile t) {                                  \
    for (int64_t r = 0; r < t.rows; r++) {                                                                      \
      type value = s[r * t.source_row];                                                                         \
      type *row = d + r * t.destination_row;                                                                    \
      for (int64_t c = 0; c < t.columns; c++) row[c] = value;                                                   \
    }                                                                                                           \
  }                                                                                                             \
  static void rows_##name(type *restrict d, const type *restrict s, tile t) {                                   \
    for (int64_t r = 0; r < t.rows; r++, d += t.destination_row, s += t.source_row) {                           \
      if (t.columns * (int64_t)sizeof(type) >= 128) {                                                           \
        memcpy(d, s, (size_t)t.columns * sizeof(type));                                                         \
      } else {                                                                                                  \
        for (int64_t c = 0; c < t.columns; c++) d[c] = s[c];                                                    \
      }                                                                                                         \
    }                                                                                                           \
  }                                                                                                             \
  /* Rows are dense in the source, columns in the destination: blocks keep both within a few cache lines. */    \
  static void blocks_##name(type *restrict d, const type *restrict s, tile t) {                                 \
    for (int64_t r0 = 0; r0 < t.rows; r0 += 16) {                                                               \
      int64_t r1 = apus_smaller(t.rows, r0 + 16);                                                               \
      for (int64_t c0 = 0; c0 < t.columns; c0 += 16) {                                                          \
        int64_t c1 = apus_smaller(t.columns, c0 + 16);                                                          \
        for (int64_t r = r0; r < r1; r++)                                                                       \
          for (int64_t c = c0; c < c1; c++) d[r * t.destination_row + c] = s[c * t.source_column + r];          \
      }                                                                                                         \
    }                                                                                                           \
  }

DEFINE_TILES(uint8_t, 1)
DEFINE_TILES(uint16_t, 2)
DEFINE_TILES(uint32_t, 4)
DEFINE_TILES(uint64_t, 8)

typedef uint32_t words4 __attribute__((ext_vector_type(4)));
typedef struct { words4 v; } __attribute__((packed, aligned(4))) loose_words4;

static inline words4 load4(const uint32_t *p) { return ((const loose_words4 *)p)->v; }
static inline void store4(uint32_t *p, words4 v) { ((loose_words4 *)p)->v = v; }

/// Transposes 4 by 4 words in registers.
static inline void transpose4(uint32_t *d, int64_t to, const uint32_t *s, int64_t from) {
  words4 a = load4(s), b = load4(s + from), c = load4(s + 2 * from), e = load4(s + 3 * from);
  words4 ab0 = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab1 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  words4 ce0 = __builtin_shufflevector(c, e, 0, 4, 1, 5), ce1 = __builtin_shufflevector(c, e, 2, 6, 3, 7);
  store4(d, __builtin_shufflevector(ab0, ce0, 0, 1, 4, 5));
  store4(d + to, __builtin_shufflevector(ab0, ce0, 2, 3, 6, 7));
  store4(d + 2 * to, __builtin_shufflevector(ab1, ce1, 0, 1, 4, 5));
  store4(d + 3 * to, __builtin_shufflevector(ab1, ce1, 2, 3, 6, 7));
}

/// Blocks of 16 by 16 through a small buffer: every cache line of source and destination is touched once, however many
/// of them share a set of the cache (strides that are powers of two).
static void transpose_words(uint32_t *restrict d, const uint32_t *restrict s, tile t) {
  int64_t rows = t.rows & ~(int64_t)15, columns = t.columns & ~(int64_t)15;
  uint32_t block[16 * 16];
  for (int64_t r0 = 0; r0 < rows; r0 += 16)
    for (int64_t c0 = 0; c0 < columns; c0 += 16) {
      for (int64_t c = 0; c < 16; c++) memcpy(block + 16 * c, s + (c0 + c) * t.source_column + r0, 64);
      for (int64_t r = 0; r < 16; r += 4)
        for (int64_t c = 0; c < 16; c += 4)
          transpose4(d + (r0 + r) * t.destination_row + c0 + c, t.destination_row, block + 16 * c + r, 16);
    }
  tile right = t, below = t;
  right.rows = rows;
  right.columns = t.columns - columns;
  blocks_4(d + columns, s + columns * t.source_column, right);
  below.rows = t.rows - rows;
  blocks_4(d + rows * t.destination_row, s + rows, below);
}

#define RUN_TILE(type, name, transpose)                                 \
  {                                                                     \
    type *d = (type *)destination + to;                                 \
    const type *s = (const type *)source + from;                        \
    switch (plan->kind) {                                               \
      case TILE_ROWS: rows_##name(d, s, t); break;                      \
      case TILE_TRANSPOSE: transpose(d, s, t); break;                   \
      case TILE_SPLAT: splat_##name(d, s, t); break;                    \
      case TILE_STRIDED: strided_##name(d, s, t); break;                \
    }                                                                   \
  }

static void run_tile(const copy_plan *plan, const void *source, int64_t from, void *destination, int64_t to, tile t) {
  switch (plan->element_size) {
    case 1: RUN_TILE(uint8_t, 1, blocks_1) break;
    case 2: RUN_TILE(uint16_t, 2, blocks_2) break;
    case 4: RUN_TILE(uint32_t, 4, transpose_words) break;
    default: RUN_TILE(uint64_t, 8, blocks_8) break;
  }
}

static void copy_chunk(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const copy_plan *plan = parameters;
  int64_t first = chunk * plan->tiles_per_chunk, last = apus_smaller(plan->tiles, first + plan->tiles_per_chunk);
  int64_t index[APUS_MAX_RANK + 2];
  int64_t from = plan->source_offset, to = plan->destination_offset, rest = first;
  for (int32_t i = plan->outer_count - 1; i >= 0; i--) {
    index[i] = rest % plan->outer[i].size;
    rest /= plan->outer[i].size;
    from += index[i] * plan->outer[i].source;
    to += index[i] * plan->outer[i].destination;
  }
  int32_t row = plan->outer_count - 2, column = plan->outer_count - 1;
  for (int64_t i = first; i < last; i++) {
    tile t = {
        apus_smaller(plan->tile_rows, plan->row.size - index[row] * plan->tile_rows),
        apus_smaller(plan->tile_columns, plan->column.size - index[column] * plan->tile_columns),
        plan->row.source, plan->column.source, plan->row.destination, plan->column.destination};
    run_tile(plan, buffers[0], from, buffers[1], to, t);
    for (int32_t k = column; k >= 0; k--) {
      from += plan->outer[k].source;
      to += plan->outer[k].destination;
      if (++index[k] < plan->outer[k].size) break;
      from -= index[k] * plan->outer[k].source;
      to -= index[k] * plan->outer[k].destination;
      index[k] = 0;
    }
  }
}

/// Drops dimensions of one element, sorts the others by destination stride and merges neighbours. The number left.
static int32_t merge(const apus_copy *copy, dimension *dimensions) {
  int32_t count = 0;
  for (int32_t i = 0; i < copy->rank; i++) {
    if (copy->sizes[i] == 1) continue;
    dimension next = {copy->sizes[i], copy->source_strides[i], copy->destination_strides[i]};
    int32_t k = count++;
    for (; k > 0 && llabs(dimensions[k - 1].destination) < llabs(next.destination); k--) dimensions[k] = dimensions[k - 1];
    dimensions[k] = next;
  }
  int32_t merged = 0;
  for (int32_t i = 0; i < count; i++) {
    dimension *last = dimensions + merged - 1, next = dimensions[i];
    if (merged > 0 && last->source == next.source * next.size && last->destination == next.destination * next.size) {
      *last = (dimension){last->size * next.size, next.source, next.destination};
    } else {
      dimensions[merged++] = next;
    }
  }
  return merged;
}

/// Takes dimension `i` out of the list; one of a single element where there is none.
static dimension take(dimension *dimensions, int32_t *count, int32_t i) {
  if (i < 0) return (dimension){1, 0, 0};
  dimension taken = dimensions[i];
  for (int32_t k = i; k + 1 < *count; k++) dimensions[k] = dimensions[k + 1];
  *count -= 1;
  return taken;
}

static void choose_tiles(copy_plan *plan, dimension *dimensions, int32_t count) {
  plan->column = take(dimensions, &count, count - 1);
  int32_t row = count - 1;
  plan->kind = TILE_STRIDED;
  if (plan->column.size == 1) plan->column.source = plan->column.destination = 1;
  if (plan->column.destination == 1) {
    if (plan->column.source == 1) plan->kind = TILE_ROWS;
    if (plan->column.source == 0) plan->kind = TILE_SPLAT;
    for (int32_t i = 0; plan->kind == TILE_STRIDED && i < count; i++)
      if (dimensions[i].source == 1) {
        row = i;
        plan->kind = TILE_TRANSPOSE;
      }
  }
  plan->row = take(dimensions, &count, row);
  int64_t side = plan->kind == TILE_TRANSPOSE ? 128 : APUS_CHUNK_VALUES;
  plan->tile_columns = apus_smaller(plan->column.size, side);
  plan->tile_rows = apus_smaller(plan->row.size, apus_larger(1, apus_smaller(side, APUS_CHUNK_VALUES / plan->tile_columns)));
  memcpy(plan->outer, dimensions, sizeof(dimension) * (size_t)count);
  plan->outer[count++] = (dimension){
      apus_divide_up(plan->row.size, plan->tile_rows), plan->row.source * plan->tile_rows,
      plan->row.destination * plan->tile_rows};
  plan->outer[count++] = (dimension){
      apus_divide_up(plan->column.size, plan->tile_columns), plan->column.source * plan->tile_columns,
      plan->column.destination * plan->tile_columns};
  plan->outer_count = count;
}

static int is_element_size(int32_t size) { return size == 1 || size == 2 || size == 4 || size == 8; }

int apus_copy_prepare(const apus_copy *copy, apus_kernel *kernel) {
  if (copy->rank < 0 || copy->rank > APUS_MAX_RANK || !is_element_size(copy->element_size)) return -1;
  copy_plan plan = {
      .element_size = copy->element_size,
      .source_offset = copy->source_offset,
      .destination_offset = copy->destination_offset};
  int empty = 0;
  for (int32_t i = 0; i < copy->rank; i++) {
    if (copy->sizes[i] < 0) return -1;
    empty |= copy->sizes[i] == 0;
  }
  if (!empty) {
    dimension dimensions[APUS_MAX_RANK];
    choose_tiles(&plan, dimensions, merge(copy, dimensions));
    plan.tiles = 1;
    for (int32_t i = 0; i < plan.outer_count; i++) plan.tiles *= plan.outer[i].size;
  }
  plan.tiles_per_chunk = apus_items_per_chunk(plan.tile_rows * plan.tile_columns);
  if (apus_kernel_begin(kernel, &plan, sizeof plan)) return -1;
  apus_kernel_phase(kernel, copy_chunk, apus_divide_up(plan.tiles, plan.tiles_per_chunk), 0);
  return 0;
}

static void fill_chunk(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const apus_fill *fill = parameters;
  int64_t first = chunk * APUS_CHUNK_VALUES, n = apus_smaller(APUS_CHUNK_VALUES, fill->count - first);
  tile t = {1, n, 0, 0, n, 1};
  switch (fill->element_size) {
    case 1: splat_1((uint8_t *)buffers[0] + first, &(uint8_t){(uint8_t)fill->pattern}, t); break;
    case 2: splat_2((uint16_t *)buffers[0] + first, &(uint16_t){(uint16_t)fill->pattern}, t); break;
    case 4: splat_4((uint32_t *)buffers[0] + first, &(uint32_t){(uint32_t)fill->pattern}, t); break;
    default: splat_8((uint64_t *)buffers[0] + first, &fill->pattern, t); break;
  }
}

int apus_fill_prepare(const apus_fill *fill, apus_kernel *kernel) {
  if (fill->count < 0 || !is_element_size(fill->element_size)) return -1;
  if (apus_kernel_begin(kernel, fill, sizeof *fill)) return -1;
  apus_kernel_phase(kernel, fill_chunk, apus_divide_up(fill->count, APUS_CHUNK_VALUES), 0);
  return 0;
}
