// Cumulative sums.
#ifndef APUS_CUMULATE_H
#define APUS_CUMULATE_H

#include "kernel.h"

/// x [outer, count, inner] -> y of the same shape, the running sum over the middle axis. Floats are summed in float64,
/// integers wrap. Buffers: x, y; y may be x.
typedef struct apus_cumulative_sum {
  int64_t outer, count, inner;
  int32_t type;       // APUS_FLOAT32, APUS_FLOAT64, APUS_INT32 or APUS_INT64
  int32_t reverse;    // from the last to the first
  int32_t exclusive;  // without the value itself: the first sum is 0
} apus_cumulative_sum;

int apus_cumulative_sum_prepare(const apus_cumulative_sum *description, apus_kernel *kernel);

#endif
