// Attention by blocks of queries and keys: two matrix products and one pass over the scores, which stay in the second
// cache. A forward task is one (batch, head, block of queries); a backward task is one (batch, key head), so that every
// gradient is summed by one task in one order.
#include "include/attention.h"
#include "include/matmul.h"

#include <math.h>

#include "prepare.h"

typedef struct score_functions {
  float (*highest)(float *scores, const float *mask, int64_t n);
  float (*exponentials)(float *scores, int64_t n, float highest);
  void (*scale)(float *row, int64_t n, float factor);
  void (*gradients)(float *scores, float *dp, const float *mask, int64_t n, float lse, float d, float scale);
  float (*dot)(const float *a, const float *b, int64_t n);
} score_functions;

#define APUS_BODY "attention_body.h"
#include "instruction_sets.h"

/// Scores of a block are at most 128 x 512: 256 KB.
enum { QUERY_BLOCK = 128, SHORT_QUERY_BLOCK = 64, KEY_BLOCK = 512 };

typedef struct attention_plan {
  apus_attention p;
  score_functions f;
  apus_multiplier multiplier;
  int64_t query_block, query_blocks, tasks, tasks_per_chunk;
  int64_t row;  // floats between rows of a block of scores
} attention_plan;

static inline int64_t offset(apus_heads s, int64_t batch, int64_t position, int64_t head) {
  return batch * s.batch + position * s.position + head * s.head;
}

/// The keys that a query sees: first ..< last.
typedef struct key_range {
  int64_t first, last;
} key_range;

static key_range keys_of(const apus_attention *p, int64_t query) {
  int64_t position = query + p->keys - p->queries;
  key_range range = {0, p->keys};
  if (p->causal) range.last = apus_larger(0, apus_smaller(p->keys, position + 1));
  if (p->window > 0) range.first = apus_smaller(range.last, apus_larger(0, position - p->window + 1));
  return range;
}

/// The keys that some query of the block sees: both ends grow with the query.
static key_range keys_of_block(const apus_attention *p, int64_t query, int64_t count) {
  return (key_range){keys_of(p, query).first, keys_of(p, query + count - 1).last};
}

static const float *mask_row(const apus_attention *p, const float *mask, int64_t b, int64_t h, int64_t query, int64_t key) {
  return mask ? mask + offset(p->mask, b, query, h) + key : NULL;
}

/// Cuts a query's keys down to the block [key, key + count), relative to its start.
static key_range within(key_range range, int64_t key, int64_t count) {
  int64_t first = apus_larger(0, range.first - key), last = apus_smaller(count, range.last - key);
  return (key_range){apus_smaller(first, count), apus_larger(last, apus_smaller(first, count))};
}

static void clear(float *from, float *to) {
  if (to > from) memset(from, 0, (size_t)(to - from) * sizeof(float));
}

// MARK: Products

/// A row-major matrix in memory.
typedef struct matrix {
  const float *first;
  int64_t row;
} matrix;

/// c = alpha · a bᵀ, [count, keys].
static void scores_of(const attention_plan *plan, int64_t count, int64_t keys, float alpha, matrix a, matrix b, float *c,
                      float *scratch) {
  apus_product product = {.m = count, .n = keys, .k = plan->p.width, .a = a.first, .lda = a.row, .b = b.first,
                          .ldb = b.row, .transpose_b = 1, .c = c, .ldc = plan->row, .alpha = alpha};
  plan->multiplier.multiply(&product, scratch);
}

/// c (+)= scores b, or scoresᵀ b: [m, width].
static void weighted_sums(const attention_plan *plan, int transpose, int64_t m, int64_t k, const float *scores, matrix b,
                          int accumulate, float *c, int64_t c_row, float *scratch) {
  apus_product product = {.m = m, .n = plan->p.width, .k = k, .a = scores, .lda = plan->row, .b = b.first, .ldb = b.row,
                          .transpose_a = transpose, .c = c, .ldc = c_row, .alpha = 1, .accumulate = accumulate};
  plan->multiplier.multiply(&product, scratch);
}

// MARK: Forward

typedef struct running_row {
  float highest, sum;
} running_row;

/// Turns the scores of a block into weights against the highest score so far; rescales what came before.
static void weigh(const attention_plan *plan, const float *mask, float *scores, float *o, running_row *rows, int64_t b,
                  int64_t h, int64_t query, int64_t count, int64_t key, int64_t keys, int first) {
  const apus_attention *p = &plan->p;
  for (int64_t i = 0; i < count; i++) {
    float *row = scores + i * plan->row;
    key_range seen = within(keys_of(p, query + i), key, keys);
    const float *add = mask_row(p, mask, b, h, query + i, key + seen.first);
    int64_t n = seen.last - seen.first;
    float highest = n == 0 ? -INFINITY : plan->f.highest(row + seen.first, add, n);
    if (!(rows[i].highest >= highest)) {  // also where either is NaN
      if (!first && rows[i].highest != -INFINITY) {
        float factor = expf(rows[i].highest - highest);
        rows[i].sum *= factor;
        plan->f.scale(o + i * p->o.position, p->width, factor);
      }
      rows[i].highest = highest;
    }
    clear(row, row + seen.first);
    clear(row + seen.last, row + keys);
    if (rows[i].highest == -INFINITY) clear(row + seen.first, row + seen.last);
    else rows[i].sum += plan->f.exponentials(row + seen.first, n, rows[i].highest);
  }
}

static void attend(const attention_plan *plan, void *const *buffers, int64_t task, float *scratch) {
  const apus_attention *p = &plan->p;
  // The longest blocks of causal attention come first.
  int64_t block = plan->query_blocks - 1 - task / (p->batch * p->heads), b = task / p->heads % p->batch;
  int64_t h = task % p->heads, kv = h / (p->heads / p->kv_heads), query = block * plan->query_block;
  int64_t count = apus_smaller(plan->query_block, p->queries - query);
  const float *q = (const float *)buffers[0] + offset(p->q, b, query, h);
  const float *mask = p->has_mask ? buffers[3] : NULL;
  float *o = (float *)buffers[3 + p->has_mask] + offset(p->o, b, query, h);
  float *lse = (float *)buffers[4 + p->has_mask] + (b * p->heads + h) * p->queries + query;
  float *products = scratch, *scores = scratch + APUS_PRODUCT_SCRATCH_FLOATS;
  running_row *rows = (running_row *)(scores + plan->query_block * plan->row);
  for (int64_t i = 0; i < count; i++) rows[i] = (running_row){-INFINITY, 0};
  key_range range = keys_of_block(p, query, count);
  for (int64_t key = range.first; key < range.last; key += KEY_BLOCK) {
    int64_t keys = apus_smaller(KEY_BLOCK, range.last - key);
    const float *k = (const float *)buffers[1] + offset(p->k, b, key, kv);
    const float *v = (const float *)buffers[2] + offset(p->v, b, key, kv);
    int first = key == range.first;
    scores_of(plan, count, keys, p->scale, (matrix){q, p->q.position}, (matrix){k, p->k.position}, scores, products);
    weigh(plan, mask, scores, o, rows, b, h, query, count, key, keys, first);
    weighted_sums(plan, 0, count, keys, scores, (matrix){v, p->v.position}, !first, o, p->o.position, products);
  }
  for (int64_t i = 0; i < count; i++) {
    float *row = o + i * p->o.position;
    lse[i] = rows[i].sum == 0 ? -INFINITY : rows[i].highest + logf(rows[i].sum);
    if (rows[i].sum == 0) clear(row, row + p->width);
    else plan->f.scale(row, p->width, 1 / rows[i].sum);
  }
}

static void attention_chunk(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  const attention_plan *plan = parameters;
  int64_t last = apus_smaller(plan->tasks, (chunk + 1) * plan->tasks_per_chunk);
  for (int64_t task = chunk * plan->tasks_per_chunk; task < last; task++) attend(plan, buffers, task, scratch);
}

// MARK: Backward

typedef struct gradient_buffers {
  const float *output_gradient, *q, *k, *v, *mask, *o, *lse;
  float *dq, *dk, *dv;
} gradient_buffers;

static gradient_buffers name_buffers(const apus_attention *p, void *const *next) {
  gradient_buffers g = {.output_gradient = *next++};
  g.q = *next++, g.k = *next++, g.v = *next++;
  if (p->has_mask) g.mask = *next++;
  g.o = *next++, g.lse = *next++, g.dq = *next++, g.dk = *next++, g.dv = *next;
  return g;
}

/// One block of queries against one block of keys; `d` is Σ do·o of every query.
static void block_gradient(const attention_plan *plan, const gradient_buffers *g, int64_t b, int64_t h, int64_t query,
                           int64_t count, int64_t key, int64_t keys, const float *d, float *scratch) {
  const apus_attention *p = &plan->p;
  int64_t kv = h / (p->heads / p->kv_heads), row = plan->row;
  int64_t at_q = offset(p->q, b, query, h), at_o = offset(p->o, b, query, h);
  int64_t at_k = offset(p->k, b, key, kv), at_v = offset(p->v, b, key, kv);
  const float *lse = g->lse + (b * p->heads + h) * p->queries + query;
  matrix q = {g->q + at_q, p->q.position}, k = {g->k + at_k, p->k.position}, v = {g->v + at_v, p->v.position};
  matrix output = {g->output_gradient + at_o, p->o.position};
  float *scores = scratch + APUS_PRODUCT_SCRATCH_FLOATS, *dp = scores + plan->query_block * row;
  scores_of(plan, count, keys, p->scale, q, k, scores, scratch);
  scores_of(plan, count, keys, 1, output, v, dp, scratch);
  for (int64_t i = 0; i < count; i++) {
    float *s = scores + i * row, *t = dp + i * row;
    key_range seen = within(keys_of(p, query + i), key, keys);
    if (lse[i] == -INFINITY) seen = (key_range){0, 0};
    const float *add = mask_row(p, g->mask, b, h, query + i, key + seen.first);
    clear(s, s + seen.first), clear(s + seen.last, s + keys);
    clear(t, t + seen.first), clear(t + seen.last, t + keys);
    plan->f.gradients(s + seen.first, t + seen.first, add, seen.last - seen.first, lse[i], d[query + i], p->scale);
  }
  weighted_sums(plan, 1, keys, count, scores, output, 1, g->dv + at_v, p->v.position, scratch);
  weighted_sums(plan, 1, keys, count, dp, q, 1, g->dk + at_k, p->k.position, scratch);
  weighted_sums(plan, 0, count, keys, dp, k, 1, g->dq + at_q, p->q.position, scratch);
}

static void clear_rows(float *first, int64_t rows, int64_t stride, int64_t width) {
  for (int64_t i = 0; i < rows; i++) clear(first + i * stride, first + i * stride + width);
}

static void gradient(const attention_plan *plan, const gradient_buffers *g, int64_t b, int64_t kv, float *scratch) {
  const apus_attention *p = &plan->p;
  int64_t group = p->heads / p->kv_heads;
  float *d = scratch + APUS_PRODUCT_SCRATCH_FLOATS + 2 * plan->query_block * plan->row;
  clear_rows(g->dk + offset(p->k, b, 0, kv), p->keys, p->k.position, p->width);
  clear_rows(g->dv + offset(p->v, b, 0, kv), p->keys, p->v.position, p->width);
  for (int64_t h = kv * group; h < (kv + 1) * group; h++) {
    clear_rows(g->dq + offset(p->q, b, 0, h), p->queries, p->q.position, p->width);
    for (int64_t i = 0; i < p->queries; i++) {
      int64_t at = offset(p->o, b, i, h);
      d[i] = plan->f.dot(g->output_gradient + at, g->o + at, p->width);
    }
    for (int64_t key = 0; key < p->keys; key += KEY_BLOCK) {
      int64_t keys = apus_smaller(KEY_BLOCK, p->keys - key);
      for (int64_t query = 0; query < p->queries; query += plan->query_block) {
        int64_t count = apus_smaller(plan->query_block, p->queries - query);
        key_range range = keys_of_block(p, query, count);
        int64_t first = apus_larger(key, range.first), last = apus_smaller(key + keys, range.last);
        if (first < last) block_gradient(plan, g, b, h, query, count, first, last - first, d, scratch);
      }
    }
  }
}

static void attention_gradient_chunk(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  const attention_plan *plan = parameters;
  gradient_buffers g = name_buffers(&plan->p, buffers);
  int64_t last = apus_smaller(plan->tasks, (chunk + 1) * plan->tasks_per_chunk);
  for (int64_t task = chunk * plan->tasks_per_chunk; task < last; task++)
    gradient(plan, &g, task / plan->p.kv_heads, task % plan->p.kv_heads, scratch);
}

// MARK: Preparation

/// 0 where the description does not fit.
static int cut(const apus_attention *p, attention_plan *plan) {
  if (p->batch < 0 || p->queries < 0 || p->keys < 0 || p->heads < 1 || p->kv_heads < 1 || p->width < 1) return 0;
  if (p->heads % p->kv_heads || p->window < 0) return 0;
  *plan = (attention_plan){.p = *p, .f = APUS_DISPATCH(score_table), .multiplier = apus_current_multiplier()};
  plan->p.has_mask = p->has_mask != 0;
  int64_t block = p->causal && p->keys <= KEY_BLOCK ? SHORT_QUERY_BLOCK : QUERY_BLOCK;
  plan->query_block = apus_larger(1, apus_smaller(block, p->queries));
  plan->query_blocks = apus_divide_up(p->queries, plan->query_block);
  plan->row = apus_divide_up(apus_smaller(KEY_BLOCK, p->keys), 16) * 16 + 16;
  return 1;
}

/// Tasks of a chunk: short sequences are taken several heads at once.
static int64_t tasks_per_chunk(const apus_attention *p, int64_t queries, int64_t products) {
  int64_t work = queries * p->keys * p->width * products;
  return apus_larger(1, 2000000 / apus_larger(1, work));
}

int apus_attention_prepare(const apus_attention *p, apus_kernel *kernel) {
  attention_plan plan;
  if (!cut(p, &plan)) return -1;
  plan.tasks = p->batch * p->heads * plan.query_blocks;
  plan.tasks_per_chunk = tasks_per_chunk(p, plan.query_block, 2);
  if (apus_kernel_begin(kernel, &plan, sizeof plan)) return -1;
  int64_t scratch = APUS_PRODUCT_SCRATCH + plan.query_block * (2 + plan.row) * (int64_t)sizeof(float);
  apus_kernel_phase(kernel, attention_chunk, apus_divide_up(plan.tasks, plan.tasks_per_chunk), scratch);
  return 0;
}

int apus_attention_gradient_prepare(const apus_attention *p, apus_kernel *kernel) {
  attention_plan plan;
  if (!cut(p, &plan)) return -1;
  plan.tasks = p->batch * p->kv_heads;
  plan.tasks_per_chunk = tasks_per_chunk(p, p->queries * p->heads / p->kv_heads, 5);
  if (apus_kernel_begin(kernel, &plan, sizeof plan)) return -1;
  int64_t scratch = APUS_PRODUCT_SCRATCH + (2 * plan.query_block * plan.row + p->queries) * (int64_t)sizeof(float);
  apus_kernel_phase(kernel, attention_gradient_chunk, apus_divide_up(plan.tasks, plan.tasks_per_chunk), scratch);
  return 0;
}
