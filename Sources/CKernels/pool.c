// The pool of threads. A job is one 64-bit ticket {job number, chunks, next chunk} that threads advance by
// compare-exchange. A thread reads the job's fields only after it has won a chunk, and the job cannot end before that
// chunk is done: a worker that comes late either finds no chunk left or wins one of the job that is current by then.
#define _GNU_SOURCE
#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#ifdef __APPLE__
#include <sys/sysctl.h>
#endif

enum { MAX_THREADS = 256, MAX_DEPTH = 8, SPINS = 3000, CHUNK_BITS = 24, ALIGNMENT = 64 };
static const int64_t max_chunks = (1 << CHUNK_BITS) - 1;
static const int64_t idle_nanoseconds = 1500000;

static struct {
  _Alignas(128) _Atomic uint64_t ticket;
  _Alignas(128) _Atomic int64_t done;
  _Alignas(128) apus_body body;  // the current job, written before its ticket is published
  const void *parameters;
  void *const *buffers;
  int64_t first_chunk, scratch_bytes;
  _Alignas(128) atomic_flag busy;  // held by the thread whose job runs
  _Atomic int32_t threads;         // 0 until the default has been found
  _Atomic int32_t sleeping;        // workers that a new job must wake
  _Atomic int64_t reserved_scratch;
  int32_t started;  // guarded by `busy`
  pthread_mutex_t mutex;
  pthread_cond_t wake;
} pool = {.busy = ATOMIC_FLAG_INIT, .mutex = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

/// The scratch of a thread: one block for every depth of nested jobs, since the outer chunk still uses its own.
typedef struct {
  void *block;
  int64_t capacity;
} scratch_level;

static _Thread_local scratch_level scratch_levels[MAX_DEPTH];
static _Thread_local int32_t depth;  // of chunks that this thread is inside
static _Thread_local int32_t thread_index;
static pthread_key_t scratch_key;
static pthread_once_t scratch_key_once = PTHREAD_ONCE_INIT;

static void release_scratch(void *levels) {
  for (int i = 0; i < MAX_DEPTH; i++) free(((scratch_level *)levels)[i].block);
}

static void make_scratch_key(void) { pthread_key_create(&scratch_key, release_scratch); }

static void *allocate(int64_t bytes) {
  void *block = NULL;
  if (posix_memalign(&block, ALIGNMENT, (size_t)bytes) != 0) {
    fprintf(stderr, "apus: no memory for %lld bytes of kernel scratch\n", (long long)bytes);
    abort();
  }
  return block;
}

static void *scratch_of_level(int32_t level, int64_t bytes) {
  scratch_level *s = &scratch_levels[level];
  if (s->capacity >= bytes && s->block) return s->block;
  pthread_once(&scratch_key_once, make_scratch_key);
  pthread_setspecific(scratch_key, scratch_levels);
  int64_t reserved = level == 0 ? atomic_load_explicit(&pool.reserved_scratch, memory_order_relaxed) : 0;
  int64_t capacity = bytes > reserved ? bytes : reserved;
  capacity = (capacity + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
  free(s->block);
  s->block = allocate(capacity);
  s->capacity = capacity;
  return s->block;
}

void apus_reserve_scratch(int64_t bytes) {
  int64_t old = atomic_load(&pool.reserved_scratch);
  while (bytes > old && !atomic_compare_exchange_weak(&pool.reserved_scratch, &old, bytes)) {}
  if (depth == 0 && bytes > 0) scratch_of_level(0, bytes);
}

static int32_t available_processors(void) {
  const char *wish = getenv("APUS_THREADS");
  long count = wish ? strtol(wish, NULL, 10) : 0;
  if (count < 1) {
    count = 1;
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) count = CPU_COUNT(&set);
#elif defined(__APPLE__)
    int processors = 0;
    size_t size = sizeof processors;
    if (sysctlbyname("hw.activecpu", &processors, &size, NULL, 0) == 0) count = processors;
#endif
  }
  return count < 1 ? 1 : count > MAX_THREADS ? MAX_THREADS : (int32_t)count;
}

int32_t apus_threads(void) {
  int32_t threads = atomic_load_explicit(&pool.threads, memory_order_relaxed);
  if (threads > 0) return threads;
  int32_t found = available_processors();
  return atomic_compare_exchange_strong(&pool.threads, &threads, found) ? found : threads;
}

void apus_set_threads(int32_t threads) {
  atomic_store(&pool.threads, threads < 1 ? 1 : threads > MAX_THREADS ? MAX_THREADS : threads);
  pthread_mutex_lock(&pool.mutex);
  pthread_cond_broadcast(&pool.wake);
  pthread_mutex_unlock(&pool.mutex);
}

int32_t apus_thread_index(void) { return depth > 0 ? thread_index : 0; }

static inline void pause_processor(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static int64_t now_nanoseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline int64_t ticket_next(uint64_t ticket) { return (int64_t)(ticket & (uint64_t)max_chunks); }
static inline int64_t ticket_count(uint64_t ticket) {
  return (int64_t)((ticket >> CHUNK_BITS) & (uint64_t)max_chunks);
}
static inline int has_work(uint64_t ticket) { return ticket_next(ticket) < ticket_count(ticket); }

/// Takes chunks of the current job until none is left.
static void work(void) {
  uint64_t ticket = atomic_load_explicit(&pool.ticket, memory_order_acquire);
  while (has_work(ticket)) {
    if (!atomic_compare_exchange_weak_explicit(
            &pool.ticket, &ticket, ticket + 1, memory_order_acq_rel, memory_order_acquire))
      continue;
    depth++;
    void *scratch = pool.scratch_bytes > 0 ? scratch_of_level(0, pool.scratch_bytes) : NULL;
    pool.body(pool.parameters, pool.buffers, pool.first_chunk + ticket_next(ticket), scratch);
    depth--;
    atomic_fetch_add_explicit(&pool.done, 1, memory_order_release);
    ticket = atomic_load_explicit(&pool.ticket, memory_order_acquire);
  }
}

/// Whether worker `index` takes part at the present number of threads.
static int is_active(int32_t index) { return index < atomic_load_explicit(&pool.threads, memory_order_relaxed); }

static int worker_has_work(int32_t index) { return is_active(index) && has_work(atomic_load(&pool.ticket)); }

/// Waits a little on the processor, then longer while yielding it; returns 0 when nothing came.
static int wait_awake(int32_t index) {
  if (!is_active(index)) return 0;
  for (int i = 0; i < SPINS; i++) {
    if (worker_has_work(index)) return 1;
    pause_processor();
  }
  int64_t deadline = now_nanoseconds() + idle_nanoseconds;
  do {
    for (int i = 0; i < 16; i++) {
      if (worker_has_work(index)) return 1;
      sched_yield();
    }
  } while (now_nanoseconds() < deadline);
  return 0;
}

static void wait_asleep(int32_t index) {
  pthread_mutex_lock(&pool.mutex);
  for (;;) {
    int counted = is_active(index);
    // Both sides order "announce, then look": either this thread sees the ticket or the caller sees the sleeper.
    if (counted) atomic_fetch_add(&pool.sleeping, 1);
    int found = worker_has_work(index);
    if (!found) pthread_cond_wait(&pool.wake, &pool.mutex);
    if (counted) atomic_fetch_sub(&pool.sleeping, 1);
    if (found || worker_has_work(index)) break;
  }
  pthread_mutex_unlock(&pool.mutex);
}

static void *run_worker(void *argument) {
  thread_index = (int32_t)(intptr_t)argument;
  for (;;) {
    if (!wait_awake(thread_index)) wait_asleep(thread_index);
    work();
  }
  return NULL;
}

/// Starts the workers that are missing; with fewer than wished the pool still works.
static void start_workers(int32_t threads) {
  if (pool.started == 0) pool.started = 1;  // the caller
  if (pool.started >= threads) return;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
#ifdef __APPLE__
  pthread_attr_set_qos_class_np(&attributes, QOS_CLASS_USER_INITIATED, 0);
#endif
  while (pool.started < threads) {
    pthread_t thread;
    if (pthread_create(&thread, &attributes, run_worker, (void *)(intptr_t)pool.started) != 0) break;
    pool.started++;
  }
  pthread_attr_destroy(&attributes);
}

static void run_job(int64_t first_chunk, int64_t count) {
  pool.first_chunk = first_chunk;
  atomic_store_explicit(&pool.done, 0, memory_order_relaxed);
  uint64_t job = (atomic_load_explicit(&pool.ticket, memory_order_relaxed) >> (2 * CHUNK_BITS)) + 1;
  atomic_store(&pool.ticket, (job << (2 * CHUNK_BITS)) | ((uint64_t)count << CHUNK_BITS));
  if (atomic_load(&pool.sleeping) > 0) {
    pthread_mutex_lock(&pool.mutex);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.mutex);
  }
  work();
  int spins = 0;
  while (atomic_load_explicit(&pool.done, memory_order_acquire) < count) {
    if (++spins < SPINS) pause_processor(); else sched_yield();
  }
}

static void run_inline(
    apus_body body, const void *parameters, void *const *buffers, int64_t chunks, int64_t scratch_bytes) {
  int32_t level = depth++;
  void *temporary = level >= MAX_DEPTH && scratch_bytes > 0 ? allocate(scratch_bytes) : NULL;
  void *scratch = scratch_bytes <= 0 ? NULL : temporary ? temporary : scratch_of_level(level, scratch_bytes);
  if (level == 0) thread_index = 0;
  for (int64_t chunk = 0; chunk < chunks; chunk++) body(parameters, buffers, chunk, scratch);
  free(temporary);
  depth = level;
}

void apus_parallel(
    apus_body body, const void *parameters, void *const *buffers, int64_t chunks, int64_t scratch_bytes) {
  if (chunks <= 0) return;
  int32_t threads = chunks > 1 && depth == 0 ? apus_threads() : 1;
  if (threads == 1 || atomic_flag_test_and_set_explicit(&pool.busy, memory_order_acquire)) {
    run_inline(body, parameters, buffers, chunks, scratch_bytes);
    return;
  }
  thread_index = 0;
  start_workers(threads);
  pool.body = body;
  pool.parameters = parameters;
  pool.buffers = buffers;
  pool.scratch_bytes = scratch_bytes;
  for (int64_t first = 0; first < chunks; first += max_chunks)
    run_job(first, chunks - first < max_chunks ? chunks - first : max_chunks);
  atomic_flag_clear_explicit(&pool.busy, memory_order_release);
}
