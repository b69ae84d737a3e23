// Scaled dot-product attention without a score matrix in memory.
#ifndef APUS_ATTENTION_H
#define APUS_ATTENTION_H

#include "kernel.h"

/// Where the vector of (batch, position, head) starts, in elements; its values are contiguous. Any of the four may be a
/// part of one fused buffer: pass the address of its first element as the buffer.
typedef struct apus_heads {
  int64_t batch, position, head;
} apus_heads;

/// o = softmax(scale · q kᵀ + mask) v for every batch and head, in float32; `heads / kv_heads` query heads share a key
/// head. Query i stands at the position i + keys - queries among the keys (aligned at the end). Queries that see no key
/// give zeros, a log sum of -inf and no gradient.
typedef struct apus_attention {
  int64_t batch, queries, keys, heads, kv_heads, width;
  apus_heads q, k, v, o;  // strides of dq, dk, dv and do too
  float scale;
  int32_t causal;   // query at position p sees keys up to p
  int64_t window;   // and only those after p - window; 0: all
  int32_t has_mask;  // float32 values added to the scores: mask[batch · m.batch + head · m.head + query · m.position + key]
  apus_heads mask;
} apus_attention;

/// Buffers: q, k, v, mask?, then o, lse [batch, heads, queries] (the logarithm of the sum of exponentials of a row).
int apus_attention_prepare(const apus_attention *description, apus_kernel *kernel);

/// Buffers: do, q, k, v, mask?, o, lse, then dq, dk, dv. The mask gets no gradient.
int apus_attention_gradient_prepare(const apus_attention *description, apus_kernel *kernel);

#endif
