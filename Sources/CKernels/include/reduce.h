// Reductions over one axis.
#ifndef APUS_REDUCE_H
#define APUS_REDUCE_H

#include "kernel.h"

typedef enum apus_reduction {
  APUS_REDUCE_SUM = 0,
  APUS_REDUCE_PRODUCT = 1,
  APUS_REDUCE_MAX = 2,             // NaN wins
  APUS_REDUCE_MIN = 3,             // NaN wins
  APUS_REDUCE_SUM_OF_SQUARES = 4,  // floats
  APUS_REDUCE_ARGMAX = 5,          // the first of equals; NaN wins
  APUS_REDUCE_ARGMIN = 6,
  APUS_REDUCE_ALL = 7,  // APUS_BOOL
  APUS_REDUCE_ANY = 8,  // APUS_BOOL
} apus_reduction;

/// x [outer, count, inner] -> y [outer, inner], reduced over the middle axis. Sums of floats run in float32 lanes over
/// short blocks and in float64 across them; integers wrap. No values: sum 0, product 1, maximum -inf or the lowest
/// integer, minimum +inf or the highest. Buffers: x, y, shared.
typedef struct apus_reduce {
  int64_t outer, count, inner;
  int32_t operation;    // apus_reduction
  int32_t type;         // of x
  int32_t result_type;  // of y: the type of x; or APUS_FLOAT32 for 16-bit floats; APUS_INT32 or APUS_INT64 for integers and bool;
                        // APUS_INT32 or APUS_INT64 for ARGMAX and ARGMIN
} apus_reduce;

/// 0, or -1 where the types do not fit the operation, or ARGMAX or ARGMIN has no values.
int apus_reduce_prepare(const apus_reduce *description, apus_kernel *kernel);

#endif
