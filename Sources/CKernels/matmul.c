#include "include/matmul.h"

#include <stdbool.h>

#include "prepare.h"

/// Some rows of C and a panel of columns, over one run of the inner axis.
typedef struct product_tile {
  const float *a;  // element (row, k) at row · lda + k, or where they lie across at k · lda + row
  int64_t lda;
  const float *b;  // element (k, column) at k · ldb + column
  int64_t ldb, depth;
  float *c;
  int64_t ldc, columns;
  float alpha;
  bool adds;
} product_tile;

#define APUS_BODY "matmul_body.h"
#include "instruction_sets.h"

apus_multiplier apus_current_multiplier(void) { return APUS_DISPATCH(multiplier); }

int64_t apus_packed_floats(int64_t k, int64_t n) {
  return apus_divide_up(n, APUS_WIDEST_PANEL) * APUS_WIDEST_PANEL * k;
}
