// What a prepared kernel is: made once when a program is compiled, run many times, never allocating.
#ifndef APUS_KERNEL_H
#define APUS_KERNEL_H

#include <stdint.h>

/// The element types of tensors in memory. The numbers equal `DataType.rawValue` in Swift.
typedef enum apus_type {
  APUS_FLOAT32 = 0,
  APUS_FLOAT16 = 1,
  APUS_BFLOAT16 = 2,
  APUS_FLOAT64 = 3,
  APUS_INT32 = 4,
  APUS_INT64 = 5,
  APUS_UINT8 = 6,
  APUS_BOOL = 7,  // one byte, 0 or 1
} apus_type;

/// Bytes of one element.
static inline int64_t apus_type_size(apus_type type) {
  switch (type) {
    case APUS_FLOAT64: case APUS_INT64: return 8;
    case APUS_FLOAT32: case APUS_INT32: return 4;
    case APUS_FLOAT16: case APUS_BFLOAT16: return 2;
    default: return 1;
  }
}

/// Does one chunk of a kernel's work.
///
/// `parameters` is what the kernel was prepared with, `buffers` are its inputs, then its outputs, then (where
/// `apus_kernel.shared_bytes` is not 0) one block of memory shared by all chunks; `scratch` is private to the thread,
/// 64-byte aligned and holds `apus_phase.scratch_bytes`. Chunks of one phase may run in any order and at the same
/// time: each writes only what is its own, so the result is the same bits for any number of threads.
typedef void (*apus_body)(const void *parameters, void *const *buffers, int64_t chunk, void *scratch);

/// A step of a kernel; the next phase begins when all chunks of this one are done.
typedef struct apus_phase {
  apus_body body;
  int64_t chunks;         // fixed by the shapes, never by the number of threads; 10 to 50 microseconds each
  int64_t scratch_bytes;  // of each thread
} apus_phase;

#define APUS_MAX_PHASES 4

/// A prepared kernel. Made by an `apus_…_prepare` function, released with `apus_kernel_destroy`.
typedef struct apus_kernel {
  void *parameters;
  void (*destroy)(void *parameters);  // NULL where `free` does
  int64_t shared_bytes;               // extra last buffer: partial sums, packed weights
  int32_t phase_count;
  int32_t invariant_phases;           // the first phases depend on `invariant_input` alone (a packed weight): in a loop
  int32_t invariant_input;            // over steps that share it they run once
  apus_phase phases[APUS_MAX_PHASES];
} apus_kernel;

/// Runs all phases on the pool. `buffers` as for `apus_body`.
void apus_kernel_run(const apus_kernel *kernel, void *const *buffers);

/// Runs the phases from `first` (inclusive) to `last` (exclusive).
void apus_kernel_run_phases(const apus_kernel *kernel, void *const *buffers, int32_t first, int32_t last);

void apus_kernel_destroy(apus_kernel *kernel);

#endif
