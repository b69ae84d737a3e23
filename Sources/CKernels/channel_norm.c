// Two ways through memory: small images are normalised one after the other while they stay in the second cache; large
// ones are cut into blocks of pixels whose statistics are joined in order.
#include "include/normalize.h"

#include "prepare.h"

enum { MAX_BLOCKS = 128, SLICE_CHANNELS = 64, APUS_JOIN_VALUES = 128, IMAGE_BYTES = 512 * 1024 };

typedef struct channel_norm_plan {
  apus_channel_norm p;
  int64_t fold, wide, stride;  // pixels in a row of the walk, columns of such a row, between per-channel arrays
  int64_t images;              // of a chunk; 0 where images are cut into blocks
  int64_t block, blocks;       // pixels of a block, blocks of an image
  int64_t slice, slices;       // groups joined by one chunk, chunks of an image
} channel_norm_plan;

typedef struct channel_norm_buffers {
  const void *dy, *x, *weight, *bias, *residual;
  void *mean, *statistic, *y, *dx, *dweight, *dbias, *dresidual, *shared;
} channel_norm_buffers;

static channel_norm_buffers forward_buffers(const channel_norm_plan *plan, void *const *next) {
  channel_norm_buffers b = {.x = *next++};
  if (plan->p.has_weight) b.weight = *next++;
  if (plan->p.has_bias) b.bias = *next++;
  if (plan->p.has_residual) b.residual = *next++;
  b.y = *next++, b.mean = *next++, b.statistic = *next++, b.shared = *next;
  return b;
}

static channel_norm_buffers gradient_buffers(const channel_norm_plan *plan, void *const *next) {
  channel_norm_buffers b = {.dy = *next++};
  b.x = *next++;
  if (plan->p.has_weight) b.weight = *next++;
  if (plan->p.has_bias) b.bias = *next++;
  if (plan->p.has_residual) b.residual = *next++;
  b.mean = *next++, b.statistic = *next++, b.dx = *next++;
  if (plan->p.has_weight) b.dweight = *next++;
  if (plan->p.has_bias) b.dbias = *next++;
  if (plan->p.has_residual) b.dresidual = *next++;
  b.shared = *next;
  return b;
}

#define APUS_TEMPLATE "channel_norm_body.h"
#define APUS_BODY "reals.h"
#include "instruction_sets.h"

/// 0 where the description does not fit.
static int cut(const apus_channel_norm *p, channel_norm_plan *plan) {
  if (p->images < 0 || p->pixels < 0 || p->channels < 1 || p->groups < 1 || p->channels % p->groups) return 0;
  if (!APUS_IS_REAL(p->type) || p->activation < APUS_NORM_LINEAR || p->activation > APUS_NORM_SILU) return 0;
  int64_t lanes = 64 / apus_type_size(p->type), values = p->pixels * p->channels;
  *plan = (channel_norm_plan){.p = *p};
  plan->fold = p->channels < lanes ? lanes : 1;
  plan->wide = plan->fold * p->channels;
  plan->stride = apus_divide_up(plan->wide, lanes) * lanes;
  int fits = values * apus_type_size(p->type) <= IMAGE_BYTES;
  if (fits && (p->images >= 8 || values <= 2 * APUS_CHUNK_VALUES)) plan->images = apus_items_per_chunk(values);
  int64_t block = apus_larger(apus_items_per_chunk(p->channels), apus_divide_up(p->pixels, MAX_BLOCKS));
  plan->block = plan->images ? apus_larger(1, p->pixels) : apus_divide_up(block, plan->fold) * plan->fold;
  plan->blocks = apus_divide_up(p->pixels, plan->block);
  plan->slice = apus_larger(1, SLICE_CHANNELS * p->groups / p->channels);
  plan->slices = apus_divide_up(p->groups, plan->slice);
  return 1;
}

int apus_channel_norm_prepare(const apus_channel_norm *p, apus_kernel *kernel) {
  channel_norm_plan plan;
  if (!cut(p, &plan) || apus_kernel_begin(kernel, &plan, sizeof plan)) return -1;
  int64_t size = apus_type_size(p->type), scratch = CHANNEL_ARRAYS * plan.stride * size;
  if (plan.images) {
    apus_body body = APUS_DISPATCH_REAL(norm_images_chunk, p->type);
    apus_kernel_phase(kernel, body, apus_divide_up(p->images, plan.images), scratch);
    return 0;
  }
  int64_t chunks = p->images * plan.blocks;
  kernel->shared_bytes = chunks * 2 * p->channels * size;
  apus_kernel_phase(kernel, APUS_DISPATCH_REAL(norm_statistics_chunk, p->type), chunks, scratch);
  apus_kernel_phase(kernel, APUS_DISPATCH_REAL(norm_join_chunk, p->type), p->images * plan.slices, 0);
  apus_kernel_phase(kernel, APUS_DISPATCH_REAL(norm_apply_chunk, p->type), chunks, scratch);
  return 0;
}

int apus_channel_norm_gradient_prepare(const apus_channel_norm *p, apus_kernel *kernel) {
  channel_norm_plan plan;
  if (!cut(p, &plan) || apus_kernel_begin(kernel, &plan, sizeof plan)) return -1;
  int64_t size = apus_type_size(p->type), scratch = CHANNEL_ARRAYS * plan.stride * size;
  int64_t chunks = p->images * plan.blocks, sums = 2 * p->channels;
  kernel->shared_bytes = (p->images + (plan.images ? 0 : chunks)) * sums * size;
  if (plan.images) {
    apus_body body = APUS_DISPATCH_REAL(gradient_images_chunk, p->type);
    apus_kernel_phase(kernel, body, apus_divide_up(p->images, plan.images), scratch);
  } else {
    int64_t joins = apus_divide_up(p->images * sums, APUS_JOIN_VALUES);
    apus_kernel_phase(kernel, APUS_DISPATCH_REAL(gradient_sums_chunk, p->type), chunks, scratch);
    apus_kernel_phase(kernel, APUS_DISPATCH_REAL(gradient_join_chunk, p->type), joins, 0);
    apus_kernel_phase(kernel, APUS_DISPATCH_REAL(gradient_apply_chunk, p->type), chunks, scratch);
  }
  if (p->has_weight || p->has_bias) {
    apus_body body = APUS_DISPATCH_REAL(gradient_weights_chunk, p->type);
    apus_kernel_phase(kernel, body, apus_divide_up(p->channels, APUS_JOIN_VALUES), 0);
  }
  return 0;
}
