// One small pool of threads for everything that Apus computes on the CPU.
#ifndef APUS_POOL_H
#define APUS_POOL_H

#include "kernel.h"

/// Runs `chunks` chunks of `body` and returns when all are done. The caller works too. Inside a chunk, or while another
/// thread uses the pool, the chunks run on the calling thread in order: the result is the same.
void apus_parallel(apus_body body, const void *parameters, void *const *buffers, int64_t chunks, int64_t scratch_bytes);

/// Makes room for scratch so that no later `apus_parallel` allocates. Called when a program is compiled.
void apus_reserve_scratch(int64_t bytes);

/// Sets the number of threads, the caller included: 1 to 256. The default is the number of processors this process
/// may use, or what the environment variable APUS_THREADS says. Never changes a result.
void apus_set_threads(int32_t threads);
int32_t apus_threads(void);

/// The number of the calling thread inside a chunk, 0 to `apus_threads() - 1`; 0 outside.
int32_t apus_thread_index(void);

#endif
