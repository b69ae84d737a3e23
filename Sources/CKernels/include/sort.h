// Sorting rows, and their largest or smallest values.
#ifndef APUS_SORT_H
#define APUS_SORT_H

#include "kernel.h"

/// x [rows, columns] -> the first `limit` values of every sorted row [rows, limit] and where they were (int32). The sort
/// is stable in both directions; -0 equals 0; NaN counts as larger than every number. `limit` equal to `columns` sorts,
/// a smaller one is top-k. Buffers: x, values, positions.
typedef struct apus_sort {
  int64_t rows, columns, limit;
  int32_t type;        // APUS_FLOAT32, APUS_FLOAT64, APUS_INT32 or APUS_INT64
  int32_t descending;
} apus_sort;

int apus_sort_prepare(const apus_sort *description, apus_kernel *kernel);

#endif
