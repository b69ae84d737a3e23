// Convolutions: validation, and the choice of a way to compute them by shape alone.
#include "convolution.h"

#include <stdlib.h>
#include <string.h>

int64_t apus_convolution_output_size(const apus_convolution_descriptor *d, int32_t axis) {
  int64_t reach = (d->kernel[axis] - 1) * d->dilation[axis] + 1;
  int64_t room = d->size[axis] + d->padding_low[axis] + d->padding_high[axis] - reach;
  return room < 0 ? room : room / d->stride[axis] + 1;
}

convolution_shape convolution_shape_of(const apus_convolution_descriptor *d) {
  convolution_shape s;
  for (int i = 0; i < 3; i++) {
    bool real = i < d->spatial;
    s.in[i] = real ? d->size[i] : 1;
    s.out[i] = real ? apus_convolution_output_size(d, i) : 1;
    s.kernel[i] = real ? d->kernel[i] : 1;
    s.stride[i] = real ? d->stride[i] : 1;
    s.dilation[i] = real ? d->dilation[i] : 1;
    s.low[i] = real ? d->padding_low[i] : 0;
  }
  return s;
}

static int check_axis(const apus_convolution_descriptor *d, int axis) {
  if (d->size[axis] < 1 || d->kernel[axis] < 1 || d->stride[axis] < 1 || d->dilation[axis] < 1)
    return dnn_fail("convolution: axis %d has size %lld, kernel %lld, stride %lld, dilation %lld; all must be positive",
                    axis, (long long)d->size[axis], (long long)d->kernel[axis], (long long)d->stride[axis],
                    (long long)d->dilation[axis]);
  if (d->padding_low[axis] < 0 || d->padding_high[axis] < 0)
    return dnn_fail("convolution: axis %d has a negative padding (%lld, %lld): slice the input instead", axis,
                    (long long)d->padding_low[axis], (long long)d->padding_high[axis]);
  if (apus_convolution_output_size(d, axis) < 0)
    return dnn_fail("convolution: along axis %d the kernel reaches over %lld values, but input and padding have %lld",
                    axis, (long long)((d->kernel[axis] - 1) * d->dilation[axis] + 1),
                    (long long)(d->size[axis] + d->padding_low[axis] + d->padding_high[axis]));
  return 0;
}

static int check(const apus_convolution_descriptor *d) {
  if (d->spatial < 1 || d->spatial > APUS_MAX_SPATIAL)
    return dnn_fail("convolution: %d spatial axes; 1, 2 or 3 are possible", d->spatial);
  if (d->batch < 0 || d->inputs < 1 || d->outputs < 1 || d->groups < 1 || d->inputs % d->groups != 0 ||
      d->outputs % d->groups != 0)
    return dnn_fail("convolution: batch %lld, %lld inputs and %lld outputs in %lld groups; groups must divide both",
                    (long long)d->batch, (long long)d->inputs, (long long)d->outputs, (long long)d->groups);
  if (d->direction < APUS_FORWARD || d->direction > APUS_BACKWARD_WEIGHTS)
    return dnn_fail("convolution: unknown direction %d", d->direction);
  if (d->direction != APUS_FORWARD && (d->bias || d->relu))
    return dnn_fail("convolution: bias and ReLU belong to the forward direction");
  bool known = d->type == APUS_FLOAT32 || d->type == APUS_FLOAT64;
  if (!known && !(d->type == APUS_BFLOAT16 && d->direction == APUS_FORWARD))
    return dnn_fail("convolution: no kernel for type %d in direction %d", d->type, d->direction);
  for (int axis = 0; axis < d->spatial; axis++)
    if (check_axis(d, axis) != 0) return -1;
  return 0;
}

/// A 1 x 1 convolution is a matrix product over pixels.
static bool is_product(const apus_convolution_descriptor *d) {
  bool pointwise = d->groups == 1;
  for (int i = 0; i < d->spatial; i++)
    pointwise = pointwise && d->kernel[i] == 1 && d->stride[i] == 1 && !d->padding_low[i] && !d->padding_high[i];
  return pointwise;
}

int convolution_prepare_product(const apus_convolution_descriptor *d, apus_kernel *kernel) {
  convolution_shape s = convolution_shape_of(d);
  int64_t rows = d->batch * convolution_points(s.in);
  apus_matmul_descriptor product = {.batch = 1, .type = d->type, .c_type = d->type, .alpha = 1};
  if (d->direction == APUS_BACKWARD_WEIGHTS) {  // dw [out, in] = dy^T x
    product.m = d->outputs, product.n = d->inputs, product.k = rows, product.transpose_a = 1;
    product.lda = d->outputs, product.ldb = d->inputs, product.ldc = d->inputs;
    return product_prepare(&product, (product_places){.a = 1, .b = 0, .bias = -1, .c = 2, .shared = 3}, kernel);
  }
  bool forward = d->direction == APUS_FORWARD;
  product.m = rows, product.n = forward ? d->outputs : d->inputs, product.k = forward ? d->inputs : d->outputs;
  product.lda = product.k, product.ldb = d->inputs, product.ldc = product.n;
  product.transpose_b = forward, product.bias = d->bias, product.relu = d->relu;
  return apus_matmul_prepare(&product, kernel);
}

typedef struct empty {
  const char *name;
  int32_t buffer;
  int64_t bytes;
} empty;

static void empty_body(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)chunk, (void)scratch;
  const empty *e = parameters;
  memset(buffers[e->buffer], 0, (size_t)e->bytes);
}

/// Without images there is nothing to add up: the gradient by the weights is zero.
int convolution_prepare_empty(const apus_convolution_descriptor *d, apus_kernel *kernel) {
  empty *e = calloc(1, sizeof *e);
  if (!e) return dnn_fail("convolution: out of memory");
  convolution_shape s = convolution_shape_of(d);
  int64_t elements = 0;
  if (d->direction == APUS_BACKWARD_WEIGHTS)
    elements = d->outputs * (d->inputs / d->groups) * convolution_points(s.kernel);
  *e = (empty){.name = "empty", .buffer = 2, .bytes = elements * apus_type_size(d->type)};
  kernel->parameters = e;
  product_add_phase(kernel, empty_body, elements > 0 ? 1 : 0, 0);
  return 0;
}

/// The library's primitives are slow for large weights on few pixels (512 to 512 channels on 4 x 4): there the input is
/// spread out to columns for a matrix product. Version 3 is slow only by weights.
static bool is_columns(const apus_convolution_descriptor *d) {
  convolution_shape s = convolution_shape_of(d);
  int64_t row = d->inputs * convolution_points(s.kernel), pixels = convolution_points(s.out);
  bool weak = d->direction == APUS_BACKWARD_WEIGHTS || (d->direction == APUS_FORWARD && DNNL_VERSION_MAJOR < 3);
  return weak && d->type == APUS_FLOAT32 && d->groups == 1 && row * d->outputs >= (int64_t)1 << 20 && pixels <= 32 &&
         d->batch * pixels * row <= (int64_t)16 << 20;
}

int apus_convolution_prepare(const apus_convolution_descriptor *d, apus_kernel *kernel) {
  *kernel = (apus_kernel){.invariant_input = -1};
  if (check(d) != 0) return -1;
  if (d->batch == 0) return convolution_prepare_empty(d, kernel);
  if (d->type == APUS_FLOAT64) return convolution_prepare_loops(d, kernel);
  if (!dnn_engine()) return dnn_fail("oneDNN %s found no engine for this processor", apus_onednn_version());
  if (is_product(d)) return convolution_prepare_product(d, kernel);
  if (convolution_is_winograd(d)) return convolution_prepare_winograd(d, kernel);
  if (is_columns(d)) return convolution_prepare_columns(d, kernel);
  return convolution_prepare_primitive(d, kernel);
}
