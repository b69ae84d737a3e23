#include "random.h"

#include <stdlib.h>
#include <string.h>

#define APUS_PHILOX_MULTIPLIER_0 UINT64_C(0xD2511F53)
#define APUS_PHILOX_MULTIPLIER_1 UINT64_C(0xCD9E8D57)
#define APUS_PHILOX_WEYL_0 UINT32_C(0x9E3779B9)
#define APUS_PHILOX_WEYL_1 UINT32_C(0xBB67AE85)

#define APUS_BODY "random_body.h"
#include "instruction_sets.h"

enum { BLOCKS = 16, CHUNK_GROUPS = 512 };  // of 16 blocks: 32,768 numbers of 32 bits

/// Writes the numbers of 16 blocks.
typedef void (*random_group)(void *output, uint64_t block, uint64_t key);

typedef struct random_plan {
  random_group group;
  int64_t count, per_group, size;
} random_plan;

static void run_chunk(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  const random_plan *plan = parameters;
  uint64_t key;
  memcpy(&key, buffers[0], sizeof key);
  int64_t groups = (plan->count + plan->per_group - 1) / plan->per_group;
  int64_t last = (chunk + 1) * CHUNK_GROUPS < groups ? (chunk + 1) * CHUNK_GROUPS : groups;
  for (int64_t g = chunk * CHUNK_GROUPS; g < last; g++) {
    char *output = (char *)buffers[1] + g * plan->per_group * plan->size;
    int64_t left = plan->count - g * plan->per_group;
    plan->group(left >= plan->per_group ? output : scratch, (uint64_t)g * BLOCKS, key);
    if (left < plan->per_group) memcpy(output, scratch, (size_t)(left * plan->size));
  }
}

int apus_random_prepare(const apus_random *random, apus_kernel *kernel) {
  random_group group = NULL;
  if (random->kind == APUS_RANDOM_BITS && random->type == APUS_INT32) group = APUS_DISPATCH(random_bits);
  if (random->kind == APUS_RANDOM_UNIFORM && random->type == APUS_FLOAT32) group = APUS_DISPATCH(random_uniform32);
  if (random->kind == APUS_RANDOM_NORMAL && random->type == APUS_FLOAT32) group = APUS_DISPATCH(random_normal32);
  if (random->kind == APUS_RANDOM_UNIFORM && random->type == APUS_FLOAT64) group = APUS_DISPATCH(random_uniform64);
  if (random->kind == APUS_RANDOM_NORMAL && random->type == APUS_FLOAT64) group = APUS_DISPATCH(random_normal64);
  if (!group || random->count < 0) return -1;
  int64_t size = apus_type_size((apus_type)random->type), per_group = BLOCKS * 16 / size;
  random_plan *plan = malloc(sizeof *plan);
  if (!plan) abort();
  *plan = (random_plan){group, random->count, per_group, size};
  int64_t per_chunk = CHUNK_GROUPS * per_group;
  *kernel = (apus_kernel){.parameters = plan, .phase_count = 1};
  kernel->phases[0] = (apus_phase){run_chunk, (random->count + per_chunk - 1) / per_chunk, BLOCKS * 16};
  return 0;
}

void apus_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t words[4]) {
  uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; round++) {
    uint64_t p0 = c0 * APUS_PHILOX_MULTIPLIER_0, p1 = c2 * APUS_PHILOX_MULTIPLIER_1;
    uint32_t next0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, next2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c1 = (uint32_t)p1;
    c3 = (uint32_t)p0;
    c0 = next0;
    c2 = next2;
    k0 += APUS_PHILOX_WEYL_0;
    k1 += APUS_PHILOX_WEYL_1;
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}
