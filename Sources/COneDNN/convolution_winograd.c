// Convolutions of 3 x 3 by the minimal filtering F(2 x 2, 3 x 3) of Winograd (Lavin and Gray, arXiv:1509.09308): 16
// products of matrices instead of 36 multiplications for each tile of 2 x 2 outputs. Tiles are taken in blocks whose
// transformed values stay in the cache; the products are our own.
#include "convolution.h"

#include <stdlib.h>
#include <string.h>

struct winograd;

typedef struct winograd_loops {
  void (*spread_inputs)(const struct winograd *w, const float *x, int64_t first, int64_t count, float *v);
  void (*gather_outputs)(const struct winograd *w, const float *m, int64_t first, int64_t count, int64_t column,
                         int64_t columns, const float *bias, float *y);
  void (*spread_slopes)(const struct winograd *w, const float *dy, int64_t first, int64_t count, int64_t column,
                        int64_t columns, float *z);
  void (*spread_weights)(const struct winograd *w, const float *g, int64_t lane, int64_t step, float *u);
  void (*gather_weights)(const struct winograd *w, const float *u, float *dw);
} winograd_loops;

/// The convolution as the algorithm sees it: backward by data, x is the gradient of y.
typedef struct winograd {
  const char *name;
  const winograd_loops *loops;
  apus_multiplier multiplier;
  int32_t direction, bias, relu;
  bool turns;                         // the kernel is turned by half a circle
  int64_t inputs, outputs;            // channels
  int64_t in[2], out[2], low[2];      // rows and columns
  int64_t tiles[2], tile_count;       // down and across an image; of all images
  int64_t block, blocks;              // tiles of a block
  int64_t columns, column_blocks;     // output channels of a block
  int64_t weights_row, weights_plane; // floats of the transformed weights from one input channel, and product, to the next
  int64_t parts, part_blocks;         // backward by weights: partial sums, and blocks of tiles of each
} winograd;

typedef struct winograd_tile {
  int64_t image, row, column;  // of the first output
} winograd_tile;

static inline winograd_tile winograd_tile_at(const winograd *w, int64_t i) {
  int64_t per_image = w->tiles[0] * w->tiles[1], place = i % per_image;
  return (winograd_tile){i / per_image, place / w->tiles[1] * 2, place % w->tiles[1] * 2};
}

/// The 4 x 4 pixels that a tile reads; NULL for padding.
static inline void winograd_pixels(const winograd *w, const winograd_tile *t, const float *x, const float *pixels[16]) {
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 4; j++) {
      int64_t row = t->row + i - w->low[0], column = t->column + j - w->low[1];
      bool inside = row >= 0 && row < w->in[0] && column >= 0 && column < w->in[1];
      pixels[4 * i + j] = inside ? x + ((t->image * w->in[0] + row) * w->in[1] + column) * w->inputs : NULL;
    }
}

#define WINOGRAD_NAME_(name, set) winograd_##name##_##set
#define WINOGRAD_NAME2(name, set) WINOGRAD_NAME_(name, set)
#define WINOGRAD_NAME(name) WINOGRAD_NAME2(name, WINOGRAD_SET)

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,fma"))), apply_to = function)
#define WINOGRAD_SET avx512
#include "winograd_loops.h"
#pragma clang attribute pop
#undef WINOGRAD_SET

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define WINOGRAD_SET avx2
#include "winograd_loops.h"
#pragma clang attribute pop
#undef WINOGRAD_SET
#endif

#define WINOGRAD_SET baseline
#include "winograd_loops.h"

static const winograd_loops *choose_loops(void) {
#if defined(__x86_64__)
  const char *set = apus_instruction_set();
  if (strcmp(set, "avx512") == 0) return &winograd_loops_avx512;
  if (strcmp(set, "avx2") == 0) return &winograd_loops_avx2;
#endif
  return &winograd_loops_baseline;
}

// Bodies

/// Sixteen of the result's channels, packed for the products.
static void weights_body(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const winograd *w = parameters;
  const float *g = buffers[1];
  int64_t panel = chunk * 16 / w->weights_row * w->weights_row;
  float *u = (float *)buffers[w->bias ? 4 : 3] + panel * w->inputs + chunk * 16 - panel;
  // Published weights are [outputs, inputs, 3, 3]; backward by data, the contracted channels are the outputs.
  if (w->direction == APUS_FORWARD) w->loops->spread_weights(w, g + chunk * 16 * w->inputs * 9, w->inputs * 9, 9, u);
  else w->loops->spread_weights(w, g + chunk * 16 * 9, 9, w->outputs * 9, u);
}

static void multiply_body(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  const winograd *w = parameters;
  const float *u = buffers[w->bias ? 4 : 3];
  int64_t first = chunk / w->column_blocks * w->block, column = chunk % w->column_blocks * w->columns;
  int64_t count = dnn_minimum(w->block, w->tile_count - first);
  int64_t columns = dnn_minimum(w->columns, w->outputs - column);
  float *v = (float *)scratch + APUS_PRODUCT_SCRATCH_FLOATS, *m = v + 16 * w->block * w->inputs;
  w->loops->spread_inputs(w, buffers[0], first, count, v);
  for (int64_t f = 0; f < 16; f++) {
    apus_product product = {.m = count, .n = columns, .k = w->inputs, .a = v + f * w->block * w->inputs,
                            .lda = w->inputs, .b = u + f * w->weights_plane + column * w->inputs, .packed_b = 1,
                            .c = m + f * w->block * columns, .ldc = columns, .alpha = 1};
    w->multiplier.multiply(&product, scratch);
  }
  w->loops->gather_outputs(w, m, first, count, column, columns, w->bias ? buffers[2] : NULL, buffers[w->bias ? 3 : 2]);
}

/// Some blocks of tiles and some output channels, summed one block after the other.
static void sum_body(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  const winograd *w = parameters;
  int64_t part = chunk / w->column_blocks, column = chunk % w->column_blocks * w->columns;
  int64_t columns = dnn_minimum(w->columns, w->outputs - column), plane = w->inputs * w->outputs;
  float *u = (float *)buffers[3] + part * 16 * plane + column;
  float *v = (float *)scratch + APUS_PRODUCT_SCRATCH_FLOATS, *z = v + 16 * w->block * w->inputs;
  int64_t end = dnn_minimum(w->tile_count, (part + 1) * w->part_blocks * w->block);
  for (int64_t first = part * w->part_blocks * w->block, start = first; first < end; first += w->block) {
    int64_t count = dnn_minimum(w->block, end - first);
    w->loops->spread_inputs(w, buffers[0], first, count, v);
    w->loops->spread_slopes(w, buffers[1], first, count, column, columns, z);
    for (int64_t f = 0; f < 16; f++) {
      apus_product product = {.m = w->inputs, .n = columns, .k = count, .a = v + f * w->block * w->inputs,
                              .lda = w->inputs, .transpose_a = 1, .b = z + f * w->block * columns, .ldb = columns,
                              .c = u + f * plane, .ldc = w->outputs, .accumulate = first > start, .alpha = 1};
      w->multiplier.multiply(&product, scratch);
    }
  }
}

/// Sixteen outputs.
static void gather_body(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const winograd *w = parameters;
  w->loops->gather_weights(w, (float *)buffers[3] + chunk * 16, (float *)buffers[2] + chunk * 16 * w->inputs * 9);
}

// Preparation

bool convolution_is_winograd(const apus_convolution_descriptor *d) {
  bool fits = d->type == APUS_FLOAT32 && d->spatial == 2 && d->groups == 1 && d->inputs % 16 == 0 &&
              d->outputs % 16 == 0 && d->inputs >= 32 && d->outputs >= 32;
  int64_t work = d->batch * d->inputs * d->outputs * 9;
  for (int i = 0; i < 2 && fits; i++) {
    work *= apus_convolution_output_size(d, i);
    fits = d->kernel[i] == 3 && d->stride[i] == 1 && d->dilation[i] == 1 && d->padding_low[i] <= 2 &&
           d->padding_high[i] <= 2 && apus_convolution_output_size(d, i) >= 2;
  }
  // Below, the primitives are faster.
  return fits && work >= (int64_t)16 << 20;
}

static void describe(winograd *w, const apus_convolution_descriptor *d) {
  bool backward = d->direction == APUS_BACKWARD_DATA;
  *w = (winograd){.name = "winograd", .loops = choose_loops(),
                  .multiplier = apus_current_multiplier(), .direction = d->direction, .bias = d->bias,
                  .relu = d->relu, .turns = backward, .inputs = backward ? d->outputs : d->inputs,
                  .outputs = backward ? d->inputs : d->outputs};
  for (int i = 0; i < 2; i++) {
    int64_t y = apus_convolution_output_size(d, i);
    w->in[i] = backward ? y : d->size[i];
    w->out[i] = backward ? d->size[i] : y;
    w->low[i] = backward ? 2 - d->padding_low[i] : d->padding_low[i];
    w->tiles[i] = dnn_ceiling(w->out[i], 2);
  }
  w->tile_count = d->batch * w->tiles[0] * w->tiles[1];
}

/// Blocks whose transformed values fill about half of a core's cache, though with rows enough for the products.
static void cut(winograd *w) {
  const int64_t cache = (int64_t)640 << 10, least = 48, most = 256, widest = 256;
  w->columns = dnn_minimum(w->outputs, widest);
  w->column_blocks = dnn_ceiling(w->outputs, w->columns);
  int64_t fitting = cache / (16 * (w->inputs + w->columns) * (int64_t)sizeof(float));
  w->block = dnn_minimum(w->tile_count, dnn_maximum(least, dnn_minimum(most, fitting)));
  w->blocks = dnn_ceiling(w->tile_count, w->block);
}

int convolution_prepare_winograd(const apus_convolution_descriptor *d, apus_kernel *kernel) {
  winograd *w = malloc(sizeof *w);
  if (!w) return dnn_fail("convolution: out of memory");
  describe(w, d);
  cut(w);
  kernel->parameters = w;
  bool is_packed = d->direction != APUS_BACKWARD_WEIGHTS;
  w->weights_row = is_packed ? w->multiplier.panel_columns : w->outputs;
  w->weights_plane = is_packed ? apus_packed_floats(w->inputs, w->outputs) : w->inputs * w->outputs;
  int64_t weights = 16 * w->weights_plane * (int64_t)sizeof(float);
  int64_t scratch = APUS_PRODUCT_SCRATCH + 16 * w->block * (w->inputs + w->columns) * (int64_t)sizeof(float);
  if (is_packed) {
    kernel->shared_bytes = weights;
    kernel->invariant_phases = 1;
    kernel->invariant_input = 1;
    product_add_phase(kernel, weights_body, w->outputs / 16, 0);
    product_add_phase(kernel, multiply_body, w->blocks * w->column_blocks, scratch);
    return 0;
  }
  const int64_t most = (int64_t)24 << 20, wanted = 16;
  int64_t parts = dnn_minimum(dnn_ceiling(wanted, w->column_blocks), dnn_maximum(1, most / weights));
  w->part_blocks = dnn_ceiling(w->blocks, dnn_minimum(parts, w->blocks));
  w->parts = dnn_ceiling(w->blocks, w->part_blocks);
  kernel->shared_bytes = w->parts * weights;
  product_add_phase(kernel, sum_body, w->parts * w->column_blocks, scratch);
  product_add_phase(kernel, gather_body, w->outputs / 16, 0);
  return 0;
}
