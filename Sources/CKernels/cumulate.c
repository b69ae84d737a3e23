#include "include/cumulate.h"

#include "prepare.h"

typedef struct cumulate_plan {
  apus_cumulative_sum p;
  int64_t block, blocks, items;  // columns of a block, blocks of a row, blocks of a chunk
} cumulate_plan;

#define MAX_BLOCK 64

/// Unsigned sums, so that integers wrap.
#define DEFINE_CUMULATE(type, total, name)                                                                      \
  static void cumulate_##name(const cumulate_plan *plan, const type *x, type *y, int64_t width) {               \
    int64_t count = plan->p.count, inner = plan->p.inner, exclusive = plan->p.exclusive;                        \
    total sums[MAX_BLOCK] = {0};                                                                                \
    for (int64_t i = 0; i < count; i++) {                                                                       \
      int64_t at = (plan->p.reverse ? count - 1 - i : i) * inner;                                               \
      for (int64_t k = 0; k < width; k++) {                                                                     \
        total before = sums[k], after = before + (total)x[at + k];                                              \
        sums[k] = after;                                                                                        \
        y[at + k] = (type)(exclusive ? before : after);                                                         \
      }                                                                                                         \
    }                                                                                                           \
  }

DEFINE_CUMULATE(float, double, float)
DEFINE_CUMULATE(double, double, double)
DEFINE_CUMULATE(uint32_t, uint32_t, int32)
DEFINE_CUMULATE(uint64_t, uint64_t, int64)

static void cumulate_chunk(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const cumulate_plan *plan = parameters;
  int64_t last = apus_smaller(plan->p.outer * plan->blocks, (chunk + 1) * plan->items);
  for (int64_t i = chunk * plan->items; i < last; i++) {
    int64_t column = i % plan->blocks * plan->block, width = apus_smaller(plan->block, plan->p.inner - column);
    int64_t at = i / plan->blocks * plan->p.count * plan->p.inner + column;
    switch (plan->p.type) {
      case APUS_FLOAT32: cumulate_float(plan, (const float *)buffers[0] + at, (float *)buffers[1] + at, width); break;
      case APUS_FLOAT64: cumulate_double(plan, (const double *)buffers[0] + at, (double *)buffers[1] + at, width); break;
      case APUS_INT32: cumulate_int32(plan, (const uint32_t *)buffers[0] + at, (uint32_t *)buffers[1] + at, width); break;
      default: cumulate_int64(plan, (const uint64_t *)buffers[0] + at, (uint64_t *)buffers[1] + at, width); break;
    }
  }
}

int apus_cumulative_sum_prepare(const apus_cumulative_sum *p, apus_kernel *kernel) {
  if (p->outer < 0 || p->count < 0 || p->inner < 0) return -1;
  if (p->type != APUS_FLOAT32 && p->type != APUS_FLOAT64 && p->type != APUS_INT32 && p->type != APUS_INT64) return -1;
  cumulate_plan plan = {.p = *p, .block = apus_smaller(MAX_BLOCK, apus_larger(1, p->inner))};
  plan.blocks = apus_divide_up(p->inner, plan.block);
  plan.items = apus_items_per_chunk(plan.block * p->count);
  if (apus_kernel_begin(kernel, &plan, sizeof plan)) return -1;
  int64_t items = p->count == 0 ? 0 : p->outer * plan.blocks;
  apus_kernel_phase(kernel, cumulate_chunk, apus_divide_up(items, plan.items), 0);
  return 0;
}
