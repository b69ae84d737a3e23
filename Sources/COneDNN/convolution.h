// What the ways to compute a convolution share.
#ifndef APUS_CONVOLUTION_H
#define APUS_CONVOLUTION_H

#include "product.h"

/// Three spatial axes always, the missing ones of size 1; for plain loops.
typedef struct convolution_shape {
  int64_t in[3], out[3], kernel[3], stride[3], dilation[3], low[3];
} convolution_shape;

convolution_shape convolution_shape_of(const apus_convolution_descriptor *d);

static inline int64_t convolution_points(const int64_t sizes[3]) { return sizes[0] * sizes[1] * sizes[2]; }

/// Whether the convolution is one that `convolution_prepare_winograd` takes.
bool convolution_is_winograd(const apus_convolution_descriptor *d);

// Ways to compute; each sets `kernel` and returns 0 or -1 with an error.
int convolution_prepare_primitive(const apus_convolution_descriptor *d, apus_kernel *kernel);
int convolution_prepare_product(const apus_convolution_descriptor *d, apus_kernel *kernel);
int convolution_prepare_columns(const apus_convolution_descriptor *d, apus_kernel *kernel);
int convolution_prepare_winograd(const apus_convolution_descriptor *d, apus_kernel *kernel);
int convolution_prepare_loops(const apus_convolution_descriptor *d, apus_kernel *kernel);
int convolution_prepare_empty(const apus_convolution_descriptor *d, apus_kernel *kernel);

#endif
