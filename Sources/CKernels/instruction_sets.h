// How a kernel file is compiled once per instruction set:
//   1. write the code in `foo_body.h`: `#include "vector_math.h"`, functions named `static void APUS_NAME(foo)(…)`;
//   2. in `foo.c`: `#define APUS_BODY "foo_body.h"`, then `#include "instruction_sets.h"` (once per file);
//   3. choose when the kernel is prepared: `kernel->phases[0].body = APUS_DISPATCH(foo);`
// A body is plain C with `vf` (16 float lanes on every set, so sums have one order everywhere). It writes `vf_fma` where
// it wants a fused product and gets no other: a * b + c rounds twice on all sets.
#ifndef APUS_INSTRUCTION_SETS_H
#define APUS_INSTRUCTION_SETS_H

typedef enum apus_set { APUS_SET_BASELINE, APUS_SET_NEON, APUS_SET_AVX2, APUS_SET_AVX512 } apus_set;

/// The instruction set in use.
apus_set apus_current_set(void);

#define APUS_PASTE_EXPANDED(name, set) name##_##set
#define APUS_PASTE(name, set) APUS_PASTE_EXPANDED(name, set)
/// The name of a function or type of the instruction set that is being compiled.
#define APUS_NAME(name) APUS_PASTE(name, APUS_SET)

#if defined(__x86_64__)
#define APUS_DISPATCH(name) \
  (apus_current_set() == APUS_SET_AVX512 ? name##_avx512 : apus_current_set() == APUS_SET_AVX2 ? name##_avx2 : name##_baseline)
#elif defined(__aarch64__)
#define APUS_DISPATCH(name) name##_neon
#else
#define APUS_DISPATCH(name) name##_baseline
#endif

#endif

#ifdef APUS_BODY
#pragma clang fp contract(off)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpsabi"  // the vector functions are inlined, so they have no ABI
#if defined(__x86_64__)

#define APUS_SET avx512
#define APUS_HAS_FMA 1
#define APUS_TILE_VECTORS 4
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c"))), apply_to = function)
#include APUS_BODY
#pragma clang attribute pop
#undef APUS_SET
#undef APUS_TILE_VECTORS

#define APUS_SET avx2
#define APUS_TILE_VECTORS 1
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include APUS_BODY
#pragma clang attribute pop
#undef APUS_SET
#undef APUS_HAS_FMA

#define APUS_SET baseline
#define APUS_HAS_FMA 0
#include APUS_BODY
#undef APUS_SET
#undef APUS_HAS_FMA
#undef APUS_TILE_VECTORS

#elif defined(__aarch64__)

#define APUS_SET neon
#define APUS_HAS_FMA 1
#define APUS_TILE_VECTORS 1
#include APUS_BODY
#undef APUS_SET
#undef APUS_HAS_FMA
#undef APUS_TILE_VECTORS

#else

#define APUS_SET baseline
#define APUS_HAS_FMA 0
#define APUS_TILE_VECTORS 1
#include APUS_BODY
#undef APUS_SET
#undef APUS_HAS_FMA
#undef APUS_TILE_VECTORS

#endif
#pragma clang diagnostic pop
#undef APUS_BODY
#endif
