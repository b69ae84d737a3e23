// Rows of a table by number, and the sums of rows by number: embeddings and their gradients.
#ifndef APUS_GATHER_H
#define APUS_GATHER_H

#include "kernel.h"

/// table [rows, width], ids [count] -> output [count, width]; ids below 0 or past the end count as the first or last row.
/// Buffers: table, ids, output.
typedef struct apus_gather {
  int64_t rows, width, count;
  int32_t element_size;  // bytes: 1, 2, 4 or 8
  int32_t id_type;       // APUS_INT32 or APUS_INT64
} apus_gather;

int apus_gather_prepare(const apus_gather *description, apus_kernel *kernel);

/// ids [count], updates [count, width] -> table [rows, width]: zero, plus every update added to its row in the order of
/// ids. Ids out of range count as in `apus_gather`. Buffers: ids, updates, table.
typedef struct apus_scatter_add {
  int64_t rows, width, count;
  int32_t type;     // APUS_FLOAT32 or APUS_FLOAT64
  int32_t id_type;  // APUS_INT32 or APUS_INT64
} apus_scatter_add;

int apus_scatter_add_prepare(const apus_scatter_add *description, apus_kernel *kernel);

/// source [outer, size, inner], ids [outer, count, inner] -> output [outer, count, inner]:
/// output[o, i, k] = source[o, ids[o, i, k], k], ids clamped as in `apus_gather`. Buffers: source, ids, output.
typedef struct apus_take_along {
  int64_t outer, size, count, inner;
  int32_t element_size;  // bytes: 1, 2, 4 or 8
  int32_t id_type;       // APUS_INT32 or APUS_INT64
} apus_take_along;

int apus_take_along_prepare(const apus_take_along *description, apus_kernel *kernel);

/// ids and updates [outer, count, inner] -> output [outer, size, inner]: zero, plus output[o, ids[o, i, k], k] +=
/// updates[o, i, k] in the order of i; out-of-range ids are dropped. Buffers: ids, updates, output.
typedef struct apus_scatter_add_along {
  int64_t outer, size, count, inner;
  int32_t type;     // APUS_FLOAT32 or APUS_FLOAT64
  int32_t id_type;  // APUS_INT32 or APUS_INT64
} apus_scatter_add_along;

int apus_scatter_add_along_prepare(const apus_scatter_add_along *description, apus_kernel *kernel);

#endif
