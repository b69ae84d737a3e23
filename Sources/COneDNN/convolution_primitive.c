// Convolutions by oneDNN's primitives. Forward and backward by data: a chunk is some images, or a band of rows of one.
// Backward by weights: some partial sums over images, added in order. The weights have a layout of the library's own,
// so they are rearranged before or after.
#include "convolution.h"

#include <stdlib.h>
#include <string.h>

#define MAX_BANDS 64

/// A piece of one image, or of `images` images, that one primitive computes.
typedef struct band {
  dnn_operation *operation;
  int64_t x_offset, y_offset;         // bytes
  int64_t in, out, low, high;         // along the first axis
} band;

typedef struct convolution {
  const char *name;
  apus_convolution_descriptor d;
  convolution_shape shape;
  int64_t x_bytes, y_bytes, w_bytes;  // of an image; of the library's weights, rounded up
  int64_t images;                     // of a chunk
  int32_t shared_buffer;
  dnn_layout weights;                 // the library's
  int32_t band_count;
  band bands[MAX_BANDS];              // backward by weights: [0] for all partial sums but the last, [1] for that
  int64_t parts;                      // backward by weights
  dnn_operation *rearrange;           // a piece of the outermost axis of the weights, to or from the library's layout
  int64_t pieces, piece_bytes, published_piece_bytes;
} convolution;

static void discard_bands(convolution *c) {
  for (int32_t i = 0; i < c->band_count; i++) {
    bool first = true;
    for (int32_t j = 0; j < i; j++) first = first && c->bands[j].operation != c->bands[i].operation;
    if (first) dnn_operation_destroy(c->bands[i].operation);
  }
  if (c->weights) dnn_layout_destroy(c->weights);
  c->weights = NULL;
  c->band_count = 0;
}

static void destroy(void *parameters) {
  convolution *c = parameters;
  discard_bands(c);
  dnn_operation_destroy(c->rearrange);
  free(c);
}

// Bodies

static void forward_body(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  const convolution *c = parameters;
  const band *b = &c->bands[chunk % c->band_count];
  int64_t image = chunk / c->band_count * c->images;
  char *x = (char *)buffers[0] + image * c->x_bytes + b->x_offset;
  char *y = (char *)buffers[c->d.bias ? 3 : 2] + image * c->y_bytes + b->y_offset;
  dnn_operation_run(b->operation, (void *[]){x, buffers[c->shared_buffer], y, c->d.bias ? buffers[2] : NULL}, scratch);
}

static void backward_data_body(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  const convolution *c = parameters;
  int64_t image = chunk * c->images;
  char *dy = (char *)buffers[0] + image * c->y_bytes, *dx = (char *)buffers[2] + image * c->x_bytes;
  dnn_operation_run(c->bands[0].operation, (void *[]){dy, buffers[c->shared_buffer], dx}, scratch);
}

static void backward_weights_body(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  const convolution *c = parameters;
  int64_t image = chunk * c->images;
  char *x = (char *)buffers[0] + image * c->x_bytes, *dy = (char *)buffers[1] + image * c->y_bytes;
  char *sums = (char *)buffers[c->shared_buffer] + chunk * c->w_bytes;
  bool last = c->d.batch - image < c->images;
  dnn_operation_run(c->bands[last].operation, (void *[]){x, dy, sums}, scratch);
}

static const int64_t sum_elements = 4096;

static void sum_body(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const convolution *c = parameters;
  int64_t elements = c->w_bytes / (int64_t)sizeof(float), first = chunk * sum_elements;
  int64_t count = dnn_minimum(sum_elements, elements - first);
  float *sums = (float *)buffers[c->shared_buffer] + first;
  for (int64_t part = 1; part < c->parts; part++) {
    const float *other = sums + part * elements;
    for (int64_t i = 0; i < count; i++) sums[i] += other[i];
  }
}

static void rearrange_body(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  const convolution *c = parameters;
  bool from_library = c->d.direction == APUS_BACKWARD_WEIGHTS;
  char *published = (char *)buffers[from_library ? 2 : 1] + chunk * c->published_piece_bytes;
  char *library = (char *)buffers[c->shared_buffer] + chunk * c->piece_bytes;
  void *const to_published[] = {library, published}, *const to_library[] = {published, library};
  dnn_operation_run(c->rearrange, from_library ? to_published : to_library, scratch);
}

// Layouts

/// [batch, channels, spatial…] as the library counts, channels last in memory.
static dnnl_status_t activations(dnn_layout *layout, const apus_convolution_descriptor *d, int64_t images,
                                 int64_t channels, const int64_t *sizes) {
  int64_t dims[5] = {images, channels}, strides[5] = {0, 1}, stride = channels;
  for (int i = d->spatial - 1; i >= 0; i--) {
    dims[2 + i] = sizes[i];
    strides[2 + i] = stride;
    stride *= sizes[i];
  }
  strides[0] = stride;
  return dnn_layout_create(layout, 2 + d->spatial, dims, dnn_type(d->type), strides);
}

/// The axes of the weights: [groups,] outputs, inputs, kernel…; how many there are.
static int weight_axes(const apus_convolution_descriptor *d, int64_t axes[6]) {
  int rank = 0;
  if (d->groups > 1) axes[rank++] = d->groups;
  axes[rank++] = d->outputs / d->groups;
  axes[rank++] = d->inputs / d->groups;
  for (int i = 0; i < d->spatial; i++) axes[rank++] = d->kernel[i];
  return rank;
}

static dnnl_status_t published_weights(dnn_layout *layout, const apus_convolution_descriptor *d, const int64_t *axes,
                                       int rank) {
  int64_t strides[6], stride = 1;
  for (int i = rank - 1; i >= 0; i--) strides[i] = stride, stride *= axes[i];
  return dnn_layout_create(layout, rank, axes, dnn_type(d->type), strides);
}

// Preparation

typedef struct layouts {
  dnn_layout x, w, bias, y;
} layouts;

static void layouts_destroy(layouts *l) {
  if (l->x) dnn_layout_destroy(l->x);
  if (l->w) dnn_layout_destroy(l->w);
  if (l->bias) dnn_layout_destroy(l->bias);
  if (l->y) dnn_layout_destroy(l->y);
}

static dnnl_status_t describe(dnnl_primitive_desc_t *description, convolution *c, const band *b, int64_t images,
                              layouts *l) {
  const apus_convolution_descriptor *d = &c->d;
  int64_t axes[6], in[3], out[3];
  int rank = weight_axes(d, axes);
  memcpy(in, c->shape.in, sizeof in);
  memcpy(out, c->shape.out, sizeof out);
  in[0] = b->in;
  out[0] = b->out;
  dnn_window window = {{0}, {0}, {0}, {0}};
  for (int i = 0; i < d->spatial; i++) {
    window.stride[i] = d->stride[i];
    window.dilation[i] = d->dilation[i] - 1;
    window.low[i] = i == 0 ? b->low : d->padding_low[i];
    // What the stride leaves over at the high end is no padding to the library: it wants the exact reach.
    window.high[i] = i == 0 ? b->high : (out[i] - 1) * d->stride[i] + (d->kernel[i] - 1) * d->dilation[i] + 1 - in[i]
                                            - d->padding_low[i];
  }
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_status_t status = activations(&l->x, d, images, d->inputs, in);
  if (status == dnnl_success) status = activations(&l->y, d, images, d->outputs, out);
  if (status == dnnl_success && !c->weights)
    status = dnn_layout_create(&l->w, rank, axes, dnn_type(d->type), NULL);
  if (status == dnnl_success && d->bias)
    status = dnn_layout_create(&l->bias, 1, &d->outputs, dnnl_f32, (int64_t[]){1});
  if (status == dnnl_success)
    status = dnn_attributes(&attributes, (dnn_tail){.scale = 1, .relu = d->relu}, dnn_type(d->type));
  if (status == dnnl_success)
    status = dnn_convolution_describe(description, (apus_direction)d->direction, l->x, c->weights ? c->weights : l->w,
                                      l->bias, l->y, &window, attributes);
  if (attributes) dnnl_primitive_attr_destroy(attributes);
  return status;
}

/// The primitive of a band; the first one decides about the layout of the weights.
static dnnl_status_t create(convolution *c, band *b, int64_t images) {
  static const int32_t weights[] = {DNNL_ARG_WEIGHTS, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_WEIGHTS};
  static const int32_t arguments[3][4] = {{DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_BIAS},
                                          {DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC},
                                          {DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS}};
  layouts l = {0};
  dnnl_primitive_desc_t description = NULL;
  dnnl_status_t status = describe(&description, c, b, images, &l);
  layouts_destroy(&l);
  if (status != dnnl_success) return status;
  if (!c->weights) {
    status = dnn_layout_copy(&c->weights, dnn_chosen_layout(description, weights[c->d.direction]));
    if (status != dnnl_success) {
      dnnl_primitive_desc_destroy(description);
      return status;
    }
    c->w_bytes = dnn_round_up((int64_t)dnnl_memory_desc_get_size(c->weights), 64);
  }
  return dnn_operation_create(&b->operation, description, c->d.bias ? 4 : 3, arguments[c->d.direction]);
}

/// Cuts the rows of the first axis of y into bands, and finds the rows of x that each reads.
static void cut_bands(convolution *c, int64_t rows) {
  const convolution_shape *s = &c->shape;
  int64_t x_row = c->x_bytes / dnn_maximum(1, s->in[0]), y_row = c->y_bytes / s->out[0];
  c->band_count = 0;
  for (int64_t first = 0; first < s->out[0]; first += rows) {
    int64_t out = dnn_minimum(rows, s->out[0] - first);
    int64_t begin = first * s->stride[0] - s->low[0];
    int64_t end = begin + (out - 1) * s->stride[0] + (s->kernel[0] - 1) * s->dilation[0] + 1;
    int64_t from = dnn_maximum(0, begin), to = dnn_minimum(s->in[0], end);
    c->bands[c->band_count++] = (band){.x_offset = from * x_row, .y_offset = first * y_row, .in = to - from,
                                       .out = out, .low = from - begin, .high = end - to};
  }
}

/// Whether every band reads at least one row of x, which the library needs.
static bool bands_are_real(const convolution *c) {
  for (int32_t i = 0; i < c->band_count; i++)
    if (c->bands[i].in < 1) return false;
  return true;
}

static void cut_whole(convolution *c) {
  const apus_convolution_descriptor *d = &c->d;
  const convolution_shape *s = &c->shape;
  int64_t reach = (s->out[0] - 1) * s->stride[0] + (s->kernel[0] - 1) * s->dilation[0] + 1;
  c->band_count = 1;
  c->bands[0] = (band){.in = s->in[0], .out = s->out[0], .low = d->padding_low[0],
                       .high = reach - s->in[0] - d->padding_low[0]};
}

/// Multiply-adds of an image.
static int64_t image_work(const convolution *c) {
  return convolution_points(c->shape.out) * convolution_points(c->shape.kernel) * c->d.outputs *
         (c->d.inputs / c->d.groups);
}

static int64_t largest_divisor(int64_t number, int64_t limit) {
  for (int64_t i = dnn_minimum(number, limit); i > 1; i--)
    if (number % i == 0) return i;
  return 1;
}

static const int64_t chunk_work = (int64_t)6 << 20;  // multiply-adds: about 40 microseconds
static const int64_t chunks_wanted = 16;

static void cut_images(convolution *c) {
  int64_t work = image_work(c), limit = dnn_maximum(1, chunk_work / dnn_maximum(1, work));
  c->images = largest_divisor(c->d.batch, dnn_minimum(limit, dnn_maximum(1, c->d.batch / chunks_wanted)));
  cut_whole(c);
  if (c->d.direction != APUS_FORWARD || c->images > 1 || c->d.batch >= chunks_wanted) return;
  int64_t bands = dnn_minimum(dnn_minimum(MAX_BANDS, dnn_ceiling(2 * chunks_wanted, c->d.batch)), work / chunk_work);
  if (bands < 2) return;
  int64_t rows = dnn_ceiling(c->shape.out[0], bands);
  if (rows < c->shape.out[0]) cut_bands(c, rows);
  if (!bands_are_real(c)) cut_whole(c);
}

static dnnl_status_t create_all(convolution *c) {
  dnnl_status_t status = dnnl_success;
  for (int32_t i = 0; i < c->band_count && status == dnnl_success; i++) {
    band *b = &c->bands[i];
    for (int32_t j = 0; j < i && !b->operation; j++) {
      const band *other = &c->bands[j];
      if (b->in == other->in && b->out == other->out && b->low == other->low && b->high == other->high)
        b->operation = other->operation;
    }
    if (!b->operation) status = create(c, b, c->images);
  }
  return status;
}

static dnnl_status_t create_bands(convolution *c) {
  cut_images(c);
  dnnl_status_t status = create_all(c);
  if (status == dnnl_success || c->band_count == 1) return status;
  // The library may want another layout of the weights for another band: then the image stays whole.
  discard_bands(c);
  cut_whole(c);
  return create_all(c);
}

/// Partial sums cost memory and additions, so there are fewer of them where the weights are large. A power of two, so
/// that they mostly are equally large.
static dnnl_status_t create_parts(convolution *c) {
  int64_t weights = c->d.outputs * (c->d.inputs / c->d.groups) * convolution_points(c->shape.kernel);
  int64_t limit = image_work(c) * c->d.batch / ((int64_t)2 << 20), parts = 1;
  while (parts < 16 && parts * 2 <= limit && (parts == 1 || parts * weights < (int64_t)2 << 20)) parts *= 2;
  c->images = dnn_ceiling(c->d.batch, dnn_maximum(1, dnn_minimum(parts, c->d.batch)));
  cut_whole(c);
  dnnl_status_t status = create(c, &c->bands[0], c->images);
  int64_t last = c->d.batch % c->images;
  if (status == dnnl_success && last > 0) {
    c->bands[1] = c->bands[0];
    c->bands[1].operation = NULL;
    c->band_count = 2;
    status = create(c, &c->bands[1], last);
    if (status != dnnl_success) {  // the library wants another layout for fewer images: all parts equal, then
      discard_bands(c);
      cut_whole(c);
      c->images = largest_divisor(c->d.batch, c->images);
      status = create(c, &c->bands[0], c->images);
    }
  }
  c->parts = dnn_ceiling(c->d.batch, c->images);
  return status;
}

/// Rearranges the weights in pieces of their outermost axis where the library's layout allows it.
static dnnl_status_t create_rearrangement(convolution *c) {
  int64_t axes[6], whole[6], elements = 1, offset = 0;
  int rank = weight_axes(&c->d, axes);
  for (int i = 0; i < rank; i++) elements *= whole[i] = axes[i];
  dnn_layout part = NULL, published = NULL;
  int64_t pieces = 32;
  while (pieces > 1 && (whole[0] % pieces != 0 || elements / pieces < 4096)) pieces /= 2;
  for (; pieces > 1 && !part; pieces /= 2) {
    axes[0] = whole[0] / pieces;
    int64_t second[6] = {axes[0]};
    if (dnn_layout_part(&part, &offset, c->weights, axes, second) != dnnl_success) part = NULL;
    else c->pieces = pieces;
  }
  if (!part) axes[0] = whole[0], c->pieces = 1, offset = 0;
  int64_t size = apus_type_size(c->d.type);
  c->piece_bytes = offset * size;
  c->published_piece_bytes = elements / c->pieces * size;
  dnnl_status_t status = published_weights(&published, &c->d, axes, rank);
  if (status == dnnl_success) {
    dnn_layout_view library = part ? part : c->weights;
    bool from_library = c->d.direction == APUS_BACKWARD_WEIGHTS;
    status = dnn_reorder_create(&c->rearrange, from_library ? library : published, from_library ? published : library);
  }
  if (part) dnn_layout_destroy(part);
  if (published) dnn_layout_destroy(published);
  return status;
}

static void add_phases(convolution *c, apus_kernel *kernel) {
  int64_t scratch = 0, rearranging = c->rearrange->scratch_bytes;
  for (int32_t i = 0; i < c->band_count; i++)
    scratch = dnn_maximum(scratch, c->bands[i].operation->scratch_bytes);
  if (c->d.direction == APUS_BACKWARD_WEIGHTS) {
    kernel->shared_bytes = c->w_bytes * c->parts;
    product_add_phase(kernel, backward_weights_body, c->parts, scratch);
    int64_t elements = c->w_bytes / (int64_t)sizeof(float);
    if (c->parts > 1) product_add_phase(kernel, sum_body, dnn_ceiling(elements, sum_elements), 0);
    product_add_phase(kernel, rearrange_body, c->pieces, rearranging);
    return;
  }
  kernel->shared_bytes = c->w_bytes;
  kernel->invariant_phases = 1;
  kernel->invariant_input = 1;
  product_add_phase(kernel, rearrange_body, c->pieces, rearranging);
  apus_body body = c->d.direction == APUS_FORWARD ? forward_body : backward_data_body;
  product_add_phase(kernel, body, c->d.batch / c->images * c->band_count, scratch);
}

int convolution_prepare_primitive(const apus_convolution_descriptor *d, apus_kernel *kernel) {
  convolution *c = calloc(1, sizeof *c);
  if (!c) return dnn_fail("convolution: out of memory");
  c->name = "primitive";
  c->d = *d;
  c->shape = convolution_shape_of(d);
  c->x_bytes = convolution_points(c->shape.in) * d->inputs * apus_type_size(d->type);
  c->y_bytes = convolution_points(c->shape.out) * d->outputs * apus_type_size(d->type);
  c->shared_buffer = d->bias ? 4 : 3;
  dnnl_status_t status = d->direction == APUS_BACKWARD_WEIGHTS ? create_parts(c) : create_bands(c);
  if (status == dnnl_success) status = create_rearrangement(c);
  if (status != dnnl_success) {
    destroy(c);
    return dnn_fail("convolution: oneDNN %s has no algorithm for %lld to %lld channels in direction %d (status %d)",
                    apus_onednn_version(), (long long)d->inputs, (long long)d->outputs, d->direction, (int)status);
  }
  kernel->parameters = c;
  kernel->destroy = destroy;
  add_phases(c, kernel);
  return 0;
}
