#include "kernel.h"

#include <stdlib.h>

#include "pool.h"

void apus_kernel_run_phases(const apus_kernel *kernel, void *const *buffers, int32_t first, int32_t last) {
  if (last > kernel->phase_count) last = kernel->phase_count;
  for (int32_t i = first; i < last; i++) {
    const apus_phase *phase = &kernel->phases[i];
    apus_parallel(phase->body, kernel->parameters, buffers, phase->chunks, phase->scratch_bytes);
  }
}

void apus_kernel_run(const apus_kernel *kernel, void *const *buffers) {
  apus_kernel_run_phases(kernel, buffers, 0, kernel->phase_count);
}

void apus_kernel_destroy(apus_kernel *kernel) {
  if (kernel->destroy) kernel->destroy(kernel->parameters);
  else free(kernel->parameters);
  *kernel = (apus_kernel){0};
}
