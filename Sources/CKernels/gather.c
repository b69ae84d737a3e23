#include "include/gather.h"

#include "prepare.h"

static inline int64_t id_at(const void *ids, int32_t type, int64_t i) {
  return type == APUS_INT64 ? ((const int64_t *)ids)[i] : ((const int32_t *)ids)[i];
}

static inline int64_t clamp_id(int64_t id, int64_t rows) { return id < 0 ? 0 : id >= rows ? rows - 1 : id; }

static int is_id(int32_t type) { return type == APUS_INT32 || type == APUS_INT64; }
static int is_real(int32_t type) { return type == APUS_FLOAT32 || type == APUS_FLOAT64; }
static int is_element_size(int32_t size) { return size == 1 || size == 2 || size == 4 || size == 8; }

// MARK: Gather

static void gather_chunk(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const apus_gather *p = parameters;
  int64_t items = apus_items_per_chunk(p->width), first = chunk * items, last = apus_smaller(p->count, first + items);
  size_t bytes = (size_t)(p->width * p->element_size);
  for (int64_t i = first; i < last; i++) {
    const char *row = (const char *)buffers[0] + clamp_id(id_at(buffers[1], p->id_type, i), p->rows) * (int64_t)bytes;
    memcpy((char *)buffers[2] + i * (int64_t)bytes, row, bytes);
  }
}

int apus_gather_prepare(const apus_gather *p, apus_kernel *kernel) {
  if (p->width < 0 || p->count < 0 || p->rows < (p->count > 0 && p->width > 0)) return -1;
  if (!is_id(p->id_type) || !is_element_size(p->element_size)) return -1;
  if (apus_kernel_begin(kernel, p, sizeof *p)) return -1;
  int64_t count = p->width == 0 ? 0 : p->count;
  apus_kernel_phase(kernel, gather_chunk, apus_divide_up(count, apus_items_per_chunk(p->width)), 0);
  return 0;
}

// MARK: Sum by row

typedef struct scatter_plan {
  apus_scatter_add p;
  // A chunk owns a block of columns and a range of rows and reads all ids: the order of sums is that of the ids.
  int64_t column_blocks, block_width, row_ranges, range_rows;
} scatter_plan;

/// Chunks are many enough for a machine of many cores and few enough that each reading all ids costs nothing.
#define SCATTER_CHUNKS 32

#define DEFINE_SCATTER(type)                                                                                     \
  static void scatter_##type(const scatter_plan *plan, const void *ids, const type *restrict updates,            \
                             type *restrict table, int64_t row0, int64_t row1, int64_t column, int64_t width) {  \
    int64_t stride = plan->p.width;                                                                              \
    for (int64_t r = row0; r < row1; r++) memset(table + r * stride + column, 0, (size_t)width * sizeof(type));  \
    for (int64_t i = 0; i < plan->p.count; i++) {                                                                \
      int64_t id = clamp_id(id_at(ids, plan->p.id_type, i), plan->p.rows);                                       \
      if (id < row0 || id >= row1) continue;                                                                     \
      type *restrict d = table + id * stride + column;                                                           \
      const type *restrict s = updates + i * stride + column;                                                    \
      for (int64_t k = 0; k < width; k++) d[k] += s[k];                                                          \
    }                                                                                                            \
  }

DEFINE_SCATTER(float)
DEFINE_SCATTER(double)

static void scatter_chunk(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const scatter_plan *plan = parameters;
  int64_t column = chunk % plan->column_blocks * plan->block_width;
  int64_t width = apus_smaller(plan->block_width, plan->p.width - column);
  int64_t row0 = chunk / plan->column_blocks * plan->range_rows;
  int64_t row1 = apus_smaller(plan->p.rows, row0 + plan->range_rows);
  if (plan->p.type == APUS_FLOAT32) scatter_float(plan, buffers[0], buffers[1], buffers[2], row0, row1, column, width);
  else scatter_double(plan, buffers[0], buffers[1], buffers[2], row0, row1, column, width);
}

int apus_scatter_add_prepare(const apus_scatter_add *p, apus_kernel *kernel) {
  if (p->rows < (p->count > 0 && p->width > 0) || p->width < 0 || p->count < 0) return -1;
  if (!is_id(p->id_type) || !is_real(p->type)) return -1;
  scatter_plan plan = {.p = *p, .column_blocks = 1, .row_ranges = 1};
  // Columns before rows: frequent ids would load one range of rows more than the others.
  int64_t wanted = apus_smaller(SCATTER_CHUNKS, apus_divide_up((p->rows + p->count) * p->width, APUS_CHUNK_VALUES));
  plan.column_blocks = apus_larger(1, apus_smaller(wanted, p->width / 64));
  plan.block_width = apus_divide_up(apus_divide_up(p->width, plan.column_blocks), 16) * 16;
  plan.column_blocks = apus_divide_up(p->width, apus_larger(1, plan.block_width));
  plan.row_ranges = apus_larger(1, apus_smaller(p->rows, wanted / apus_larger(1, plan.column_blocks)));
  plan.range_rows = apus_divide_up(p->rows, plan.row_ranges);
  plan.row_ranges = apus_divide_up(p->rows, apus_larger(1, plan.range_rows));
  if (apus_kernel_begin(kernel, &plan, sizeof plan)) return -1;
  apus_kernel_phase(kernel, scatter_chunk, plan.column_blocks * plan.row_ranges, 0);
  return 0;
}

// MARK: Along an axis

/// Columns [o, ·, k0 ..< k1] belong to one chunk; both kernels share the cut.
typedef struct along_plan {
  int64_t outer, size, count, inner, block, blocks, items;
  int32_t type, id_type;
} along_plan;

static along_plan cut_along(int64_t outer, int64_t size, int64_t count, int64_t inner, int32_t type, int32_t id_type) {
  along_plan plan = {.outer = outer, .size = size, .count = count, .inner = inner, .type = type, .id_type = id_type};
  plan.block = apus_smaller(apus_larger(1, inner), apus_larger(64, apus_items_per_chunk(size + count)));
  plan.blocks = apus_divide_up(inner, plan.block);
  plan.items = apus_items_per_chunk(plan.block * (size + count));
  return plan;
}

typedef void (*along_body)(const along_plan *plan, void *const *buffers, int64_t o, int64_t k0, int64_t k1);

static void along_chunk(const along_plan *plan, void *const *buffers, int64_t chunk, along_body body) {
  int64_t last = apus_smaller(plan->outer * plan->blocks, (chunk + 1) * plan->items);
  for (int64_t i = chunk * plan->items; i < last; i++) {
    int64_t k0 = i % plan->blocks * plan->block;
    body(plan, buffers, i / plan->blocks, k0, apus_smaller(plan->inner, k0 + plan->block));
  }
}

#define DEFINE_TAKE(type)                                                                                           \
  static void take_##type(const along_plan *plan, void *const *buffers, int64_t o, int64_t k0, int64_t k1) {        \
    const type *source = (const type *)buffers[0] + o * plan->size * plan->inner;                                   \
    type *output = buffers[2];                                                                                      \
    for (int64_t i = 0; i < plan->count; i++)                                                                       \
      for (int64_t k = k0; k < k1; k++) {                                                                           \
        int64_t at = (o * plan->count + i) * plan->inner + k;                                                       \
        output[at] = source[clamp_id(id_at(buffers[1], plan->id_type, at), plan->size) * plan->inner + k];          \
      }                                                                                                             \
  }

DEFINE_TAKE(uint8_t)
DEFINE_TAKE(uint16_t)
DEFINE_TAKE(uint32_t)
DEFINE_TAKE(uint64_t)

#define DEFINE_ADD_ALONG(real)                                                                                      \
  static void add_along_##real(const along_plan *plan, void *const *buffers, int64_t o, int64_t k0, int64_t k1) {   \
    const real *updates = buffers[1];                                                                               \
    real *output = (real *)buffers[2] + o * plan->size * plan->inner;                                               \
    for (int64_t i = 0; i < plan->size; i++) memset(output + i * plan->inner + k0, 0, (size_t)(k1 - k0) * sizeof(real)); \
    for (int64_t i = 0; i < plan->count; i++)                                                                       \
      for (int64_t k = k0; k < k1; k++) {                                                                           \
        int64_t at = (o * plan->count + i) * plan->inner + k, id = id_at(buffers[0], plan->id_type, at);            \
        if (id >= 0 && id < plan->size) output[id * plan->inner + k] += updates[at];                                \
      }                                                                                                             \
  }

DEFINE_ADD_ALONG(float)
DEFINE_ADD_ALONG(double)

static void take_along_chunk(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const along_plan *plan = parameters;
  switch (plan->type) {
    case 1: along_chunk(plan, buffers, chunk, take_uint8_t); break;
    case 2: along_chunk(plan, buffers, chunk, take_uint16_t); break;
    case 4: along_chunk(plan, buffers, chunk, take_uint32_t); break;
    default: along_chunk(plan, buffers, chunk, take_uint64_t); break;
  }
}

static void add_along_chunk(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const along_plan *plan = parameters;
  along_chunk(plan, buffers, chunk, plan->type == APUS_FLOAT32 ? add_along_float : add_along_double);
}

static int prepare_along(const along_plan *plan, apus_body body, apus_kernel *kernel) {
  if (plan->outer < 0 || plan->size < 0 || plan->count < 0 || plan->inner < 0 || !is_id(plan->id_type)) return -1;
  if (apus_kernel_begin(kernel, plan, sizeof *plan)) return -1;
  apus_kernel_phase(kernel, body, apus_divide_up(plan->outer * plan->blocks, plan->items), 0);
  return 0;
}

int apus_take_along_prepare(const apus_take_along *p, apus_kernel *kernel) {
  if (!is_element_size(p->element_size) || (p->size == 0 && p->outer * p->count * p->inner > 0)) return -1;
  along_plan plan = cut_along(p->outer, p->size, p->count, p->inner, p->element_size, p->id_type);
  return prepare_along(&plan, take_along_chunk, kernel);
}

int apus_scatter_add_along_prepare(const apus_scatter_add_along *p, apus_kernel *kernel) {
  if (!is_real(p->type)) return -1;
  along_plan plan = cut_along(p->outer, p->size, p->count, p->inner, p->type, p->id_type);
  return prepare_along(&plan, add_along_chunk, kernel);
}
