#include "instruction_sets.h"

#include <stdatomic.h>
#include <string.h>

#include "tiles.h"

static const char *const names[] = {"baseline", "neon", "avx2", "avx512"};
static _Atomic int current = -1;

static int is_available(apus_set set) {
#if defined(__x86_64__)
  int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  switch (set) {
    case APUS_SET_BASELINE: return 1;
    case APUS_SET_AVX2: return avx2;
    case APUS_SET_AVX512:
      return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    default: return 0;
  }
#elif defined(__aarch64__)
  return set == APUS_SET_NEON;
#else
  return set == APUS_SET_BASELINE;
#endif
}

apus_set apus_current_set(void) {
  int set = atomic_load_explicit(&current, memory_order_relaxed);
  if (set >= 0) return (apus_set)set;
  for (set = APUS_SET_AVX512; set > APUS_SET_BASELINE && !is_available((apus_set)set);) set--;
  atomic_store_explicit(&current, set, memory_order_relaxed);
  return (apus_set)set;
}

const char *apus_instruction_set(void) { return names[apus_current_set()]; }

int apus_force_instruction_set(const char *name) {
  for (int set = APUS_SET_BASELINE; set <= APUS_SET_AVX512; set++) {
    if (strcmp(name, names[set]) == 0 && is_available((apus_set)set)) {
      atomic_store(&current, set);
      return 1;
    }
  }
  return 0;
}
