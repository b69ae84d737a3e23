#include "include/normalize.h"
#include "prepare.h"

enum { MAX_PARTIAL_SUMS = 64, APUS_SUM_COLUMNS = 128 };

typedef struct row_norm_gradient {
  apus_row_norm p;
  int64_t rows, chunks;  // rows of a chunk
  int32_t shared;        // the buffer of partial sums
} row_norm_gradient;

#define APUS_TEMPLATE "row_norm_body.h"
#define APUS_BODY "reals.h"
#include "instruction_sets.h"

static int row_norm_fits(const apus_row_norm *p) { return p->rows >= 0 && p->columns >= 1 && APUS_IS_REAL(p->type); }

int apus_row_norm_prepare(const apus_row_norm *p, apus_kernel *kernel) {
  if (!row_norm_fits(p) || apus_kernel_begin(kernel, p, sizeof *p)) return -1;
  apus_body body = APUS_DISPATCH_REAL(row_norm_chunk, p->type);
  apus_kernel_phase(kernel, body, apus_divide_up(p->rows, apus_items_per_chunk(p->columns)), 0);
  return 0;
}

int apus_row_norm_gradient_prepare(const apus_row_norm *p, apus_kernel *kernel) {
  if (!row_norm_fits(p)) return -1;
  row_norm_gradient plan = {.p = *p};
  plan.p.has_weight = p->has_weight != 0, plan.p.has_bias = p->has_bias != 0, plan.p.centred = p->centred != 0;
  plan.rows = apus_larger(apus_items_per_chunk(p->columns), apus_divide_up(p->rows, MAX_PARTIAL_SUMS));
  plan.chunks = apus_divide_up(p->rows, plan.rows);
  plan.shared = 4 + 2 * plan.p.has_weight + plan.p.has_bias + plan.p.centred;
  if (apus_kernel_begin(kernel, &plan, sizeof plan)) return -1;
  apus_kernel_phase(kernel, APUS_DISPATCH_REAL(row_norm_gradient_chunk, p->type), plan.chunks, 0);
  if (plan.p.has_weight || plan.p.has_bias) {
    kernel->shared_bytes = apus_larger(1, plan.chunks) * 2 * p->columns * apus_type_size(p->type);
    apus_body sum = APUS_DISPATCH_REAL(row_norm_sum_chunk, p->type);
    apus_kernel_phase(kernel, sum, apus_divide_up(p->columns, APUS_SUM_COLUMNS), 0);
  }
  return 0;
}
