// Convolutions in float64 for checking gradients: plain loops, every output element by one chunk.
#include "convolution.h"

#include <stdlib.h>

typedef struct loops {
  const char *name;
  apus_convolution_descriptor d;
  convolution_shape s;
  int64_t inputs, outputs;  // of a group
} loops;

/// The row-major index of `point` in `sizes`.
static int64_t flat(const int64_t point[3], const int64_t sizes[3]) {
  return (point[0] * sizes[1] + point[1]) * sizes[2] + point[2];
}

static void unflatten(int64_t index, const int64_t sizes[3], int64_t point[3]) {
  for (int i = 2; i >= 0; i--) point[i] = index % sizes[i], index /= sizes[i];
}

/// The pixel of x that the output pixel `o` reads through the tap `t`; false where that is padding.
static bool input_point(const convolution_shape *s, const int64_t o[3], const int64_t t[3], int64_t x[3]) {
  for (int i = 0; i < 3; i++) {
    x[i] = o[i] * s->stride[i] + t[i] * s->dilation[i] - s->low[i];
    if (x[i] < 0 || x[i] >= s->in[i]) return false;
  }
  return true;
}

/// The output pixel that reads `x` through the tap `t`, if there is one.
static bool output_point(const convolution_shape *s, const int64_t x[3], const int64_t t[3], int64_t o[3]) {
  for (int i = 0; i < 3; i++) {
    int64_t at = x[i] + s->low[i] - t[i] * s->dilation[i];
    if (at < 0 || at % s->stride[i] != 0 || at / s->stride[i] >= s->out[i]) return false;
    o[i] = at / s->stride[i];
  }
  return true;
}

/// A chunk is one output pixel of one image.
static void forward_body(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const loops *l = parameters;
  const convolution_shape *s = &l->s;
  int64_t pixels = convolution_points(s->out), taps = convolution_points(s->kernel), o[3], t[3], at[3];
  const double *x = (const double *)buffers[0] + chunk / pixels * convolution_points(s->in) * l->d.inputs;
  const double *w = buffers[1];
  double *y = (double *)buffers[l->d.bias ? 3 : 2] + chunk * l->d.outputs;
  unflatten(chunk % pixels, s->out, o);
  for (int64_t c = 0; c < l->d.outputs; c++) {
    double sum = l->d.bias ? ((const double *)buffers[2])[c] : 0;
    int64_t first = c / l->outputs * l->inputs;
    for (int64_t tap = 0; tap < taps; tap++) {
      unflatten(tap, s->kernel, t);
      if (!input_point(s, o, t, at)) continue;
      const double *pixel = x + flat(at, s->in) * l->d.inputs + first;
      for (int64_t i = 0; i < l->inputs; i++) sum += pixel[i] * w[(c * l->inputs + i) * taps + tap];
    }
    y[c] = l->d.relu && sum < 0 ? 0 : sum;
  }
}

/// A chunk is one pixel of x.
static void backward_data_body(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const loops *l = parameters;
  const convolution_shape *s = &l->s;
  int64_t pixels = convolution_points(s->in), taps = convolution_points(s->kernel), x[3], t[3], at[3];
  const double *dy = (const double *)buffers[0] + chunk / pixels * convolution_points(s->out) * l->d.outputs;
  const double *w = buffers[1];
  double *dx = (double *)buffers[2] + chunk * l->d.inputs;
  unflatten(chunk % pixels, s->in, x);
  for (int64_t i = 0; i < l->d.inputs; i++) {
    double sum = 0;
    int64_t first = i / l->inputs * l->outputs, inner = i % l->inputs;
    for (int64_t tap = 0; tap < taps; tap++) {
      unflatten(tap, s->kernel, t);
      if (!output_point(s, x, t, at)) continue;
      const double *pixel = dy + flat(at, s->out) * l->d.outputs + first;
      for (int64_t c = 0; c < l->outputs; c++) sum += pixel[c] * w[((first + c) * l->inputs + inner) * taps + tap];
    }
    dx[i] = sum;
  }
}

/// A chunk is the weights of one output channel.
static void backward_weights_body(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const loops *l = parameters;
  const convolution_shape *s = &l->s;
  int64_t pixels = convolution_points(s->out), taps = convolution_points(s->kernel), o[3], t[3], at[3];
  double *dw = (double *)buffers[2] + chunk * l->inputs * taps;
  int64_t first = chunk / l->outputs * l->inputs;
  for (int64_t i = 0; i < l->inputs * taps; i++) dw[i] = 0;
  for (int64_t p = 0; p < l->d.batch * pixels; p++) {
    const double *x = (const double *)buffers[0] + p / pixels * convolution_points(s->in) * l->d.inputs;
    double dy = ((const double *)buffers[1])[p * l->d.outputs + chunk];
    unflatten(p % pixels, s->out, o);
    for (int64_t tap = 0; tap < taps; tap++) {
      unflatten(tap, s->kernel, t);
      if (!input_point(s, o, t, at)) continue;
      const double *pixel = x + flat(at, s->in) * l->d.inputs + first;
      for (int64_t i = 0; i < l->inputs; i++) dw[i * taps + tap] += dy * pixel[i];
    }
  }
}

int convolution_prepare_loops(const apus_convolution_descriptor *d, apus_kernel *kernel) {
  loops *l = calloc(1, sizeof *l);
  if (!l) return dnn_fail("convolution: out of memory");
  *l = (loops){.name = "double", .d = *d, .s = convolution_shape_of(d), .inputs = d->inputs / d->groups,
               .outputs = d->outputs / d->groups};
  kernel->parameters = l;
  if (d->direction == APUS_FORWARD)
    product_add_phase(kernel, forward_body, d->batch * convolution_points(l->s.out), 0);
  else if (d->direction == APUS_BACKWARD_DATA)
    product_add_phase(kernel, backward_data_body, d->batch * convolution_points(l->s.in), 0);
  else
    product_add_phase(kernel, backward_weights_body, d->outputs, 0);
  return 0;
}
