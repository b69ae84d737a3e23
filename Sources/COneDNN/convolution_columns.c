// Convolutions as a matrix product over columns: a row for every output pixel, with the input values it reads in the
// order of the published weights, so that those need no rearrangement.
#include "convolution.h"

#include <stdlib.h>

/// The extension of the product that follows.
typedef struct columns {
  convolution_shape s;
  int64_t inputs, taps, rows, chunk_rows;
} columns;

enum { MAX_TAPS = 64 };

/// The pixels of x that the output pixel `row` reads, in the order of the kernel; NULL for padding.
static void find_pixels(const columns *c, const float *x, int64_t row, const float *pixels[MAX_TAPS]) {
  const convolution_shape *s = &c->s;
  int64_t points = convolution_points(s->out), point = row % points;
  int64_t o[3] = {point / (s->out[1] * s->out[2]), point / s->out[2] % s->out[1], point % s->out[2]};
  x += row / points * convolution_points(s->in) * c->inputs;
  for (int64_t tap = 0; tap < c->taps; tap++) {
    int64_t t[3] = {tap / (s->kernel[1] * s->kernel[2]), tap / s->kernel[2] % s->kernel[1], tap % s->kernel[2]};
    int64_t index = 0;
    bool inside = true;
    for (int i = 0; i < 3; i++) {
      int64_t at = o[i] * s->stride[i] + t[i] * s->dilation[i] - s->low[i];
      inside = inside && at >= 0 && at < s->in[i];
      index = index * s->in[i] + at;
    }
    pixels[tap] = inside ? x + index * c->inputs : NULL;
  }
}

static void spread_body(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const product *p = parameters;
  const columns *c = p->extension;
  const float *pixels[MAX_TAPS];
  int64_t length = c->inputs * c->taps, end = dnn_minimum(c->rows, (chunk + 1) * c->chunk_rows);
  for (int64_t row = chunk * c->chunk_rows; row < end; row++) {
    float *to = (float *)buffers[p->shared_buffer] + row * length;
    find_pixels(c, buffers[0], row, pixels);
    for (int64_t tap = 0; tap < c->taps; tap++) {
      const float *from = pixels[tap];
      if (from) for (int64_t i = 0; i < c->inputs; i++) to[i * c->taps + tap] = from[i];
      else for (int64_t i = 0; i < c->inputs; i++) to[i * c->taps + tap] = 0;
    }
  }
}

static apus_matmul_descriptor product_of(const apus_convolution_descriptor *d, const columns *c) {
  int64_t length = c->inputs * c->taps;
  apus_matmul_descriptor m = {.batch = 1, .type = d->type, .c_type = d->type, .alpha = 1};
  if (d->direction == APUS_FORWARD) {  // y = columns w^T
    m.m = c->rows, m.n = d->outputs, m.k = length, m.transpose_b = 1;
    m.lda = m.ldb = length, m.ldc = d->outputs, m.bias = d->bias, m.relu = d->relu;
  } else {  // dw = dy^T columns
    m.m = d->outputs, m.n = length, m.k = c->rows, m.transpose_a = 1;
    m.lda = d->outputs, m.ldb = m.ldc = length;
  }
  return m;
}

int convolution_prepare_columns(const apus_convolution_descriptor *d, apus_kernel *kernel) {
  convolution_shape s = convolution_shape_of(d);
  columns *c = calloc(1, sizeof *c);
  if (!c) return dnn_fail("convolution: out of memory");
  int64_t rows = d->batch * convolution_points(s.out), taps = convolution_points(s.kernel);
  *c = (columns){.s = s, .inputs = d->inputs, .taps = taps, .rows = rows,
                 .chunk_rows = dnn_maximum(1, ((int64_t)32 << 10) / (d->inputs * taps))};
  apus_matmul_descriptor m = product_of(d, c);
  int32_t output = d->bias ? 3 : 2;
  product_places forward = {.a = output + 1, .b = 1, .bias = 2, .c = output, .shared = output + 1};
  product_places backward = {.a = 1, .b = 3, .bias = -1, .c = 2, .shared = 3};
  apus_kernel inner;
  if (taps > MAX_TAPS || product_prepare(&m, d->direction == APUS_FORWARD ? forward : backward, &inner) != 0) {
    free(c);
    return taps > MAX_TAPS ? convolution_prepare_primitive(d, kernel) : -1;
  }
  product *p = inner.parameters;
  p->extension = c;
  p->shared_offset = dnn_round_up(rows * d->inputs * taps * (int64_t)sizeof(float), 64);
  p->name = "columns";
  *kernel = inner;
  kernel->phase_count = inner.invariant_phases;  // packing the weights stays first: it does not depend on x
  product_add_phase(kernel, spread_body, dnn_ceiling(rows, c->chunk_rows), 0);
  for (int32_t i = inner.invariant_phases; i < inner.phase_count; i++)
    kernel->phases[kernel->phase_count++] = inner.phases[i];
  kernel->shared_bytes += p->shared_offset;
  return 0;
}
