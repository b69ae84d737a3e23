// Copies between strided views, and fills.
#ifndef APUS_COPY_H
#define APUS_COPY_H

#include "kernel.h"

#define APUS_MAX_RANK 8

/// A copy of an N-dimensional view: for every index, destination[destination_offset + Σ i·destination_strides] =
/// source[source_offset + Σ i·source_strides]. Strides and offsets count elements; source strides may be negative (a
/// reversal) or 0 (a broadcast), no two indices may meet in the destination. Serves transposes, slices, broadcasts,
/// the parts of a concatenation and the interior of a padding.
/// Buffers: source, destination; they must not overlap.
typedef struct apus_copy {
  int32_t rank;          // 0 to APUS_MAX_RANK
  int32_t element_size;  // 1, 2, 4 or 8 bytes
  int64_t sizes[APUS_MAX_RANK];
  int64_t source_strides[APUS_MAX_RANK], source_offset;
  int64_t destination_strides[APUS_MAX_RANK], destination_offset;
} apus_copy;

/// 0, or -1 where rank, element size or a size is out of range.
int apus_copy_prepare(const apus_copy *description, apus_kernel *kernel);

/// Writes `count` times the low `element_size` bytes of `pattern`. Buffers: destination.
typedef struct apus_fill {
  int64_t count;
  uint64_t pattern;
  int32_t element_size;  // 1, 2, 4 or 8 bytes
} apus_fill;

int apus_fill_prepare(const apus_fill *description, apus_kernel *kernel);

#endif
