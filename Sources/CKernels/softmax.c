#include "include/softmax.h"

#include "prepare.h"

#define APUS_TEMPLATE "softmax_body.h"
#define APUS_BODY "reals.h"
#include "instruction_sets.h"

int apus_softmax_prepare(const apus_softmax *p, apus_kernel *kernel) {
  if (p->rows < 0 || p->columns < 0 || !APUS_IS_REAL(p->type)) return -1;
  if (p->operation < APUS_SOFTMAX || p->operation > APUS_LOG_SOFTMAX_GRADIENT) return -1;
  if (apus_kernel_begin(kernel, p, sizeof *p)) return -1;
  int64_t rows = p->columns == 0 && p->operation != APUS_LOG_SUM_EXP ? 0 : p->rows;
  apus_body body = APUS_DISPATCH_REAL(softmax_chunk, p->type);
  apus_kernel_phase(kernel, body, apus_divide_up(rows, apus_items_per_chunk(p->columns)), 0);
  return 0;
}
