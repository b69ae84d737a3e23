// What every `apus_…_prepare` does, and how work is cut.
#ifndef APUS_PREPARE_H
#define APUS_PREPARE_H

#include <stdlib.h>
#include <string.h>

#include "include/kernel.h"
#include "include/pool.h"

/// Values a chunk should touch: about 10 microseconds of work that streams through memory.
#define APUS_CHUNK_VALUES 32768

static inline int64_t apus_smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t apus_larger(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t apus_divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// How many items of `values` values make a chunk; at least one.
static inline int64_t apus_items_per_chunk(int64_t values) {
  return apus_larger(1, APUS_CHUNK_VALUES / apus_larger(1, values));
}

/// Starts a kernel without phases that owns a copy of `parameters`. 0, or -1 where memory is short.
static inline int apus_kernel_begin(apus_kernel *kernel, const void *parameters, size_t bytes) {
  memset(kernel, 0, sizeof *kernel);
  kernel->invariant_input = -1;
  kernel->parameters = malloc(bytes);
  if (!kernel->parameters) return -1;
  memcpy(kernel->parameters, parameters, bytes);
  return 0;
}

static inline void apus_kernel_phase(apus_kernel *kernel, apus_body body, int64_t chunks, int64_t scratch_bytes) {
  apus_reserve_scratch(scratch_bytes);
  kernel->phases[kernel->phase_count++] = (apus_phase){body, chunks, scratch_bytes};
}

#endif
