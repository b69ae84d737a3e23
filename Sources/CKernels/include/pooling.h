// Maximum and average over windows of channels-last images.
#ifndef APUS_POOLING_H
#define APUS_POOLING_H

#include "kernel.h"

/// One spatial axis. Output position o looks at the inputs o · stride - low + j · dilation for 0 <= j < kernel. A missing
/// axis is {1, 1, 1, 1, 1, 0, 0}.
typedef struct apus_pool_axis {
  int64_t input, output, kernel, stride;
  int64_t dilation;   // 1 for averages
  int64_t low, high;  // padding; windows may run beyond the high one
} apus_pool_axis;

/// [batch, input 0, input 1, input 2, channels] -> [batch, output 0, output 1, output 2, channels].
typedef struct apus_pool {
  int64_t batch, channels;
  apus_pool_axis axes[3];  // outermost first
  int32_t type;            // APUS_FLOAT32 or APUS_FLOAT64
  int32_t counts_padding;  // averages divide by the places inside input and padding, else by those inside the input
} apus_pool;

/// The maximum; padding is -inf and NaN wins. Buffers: x, y, places (int32: the position of the maximum among the
/// positions of the image, -1 where the window holds none).
int apus_max_pool_prepare(const apus_pool *description, apus_kernel *kernel);

/// Buffers: dy, places, dx.
int apus_max_pool_gradient_prepare(const apus_pool *description, apus_kernel *kernel);

/// The average; windows that hold no value give 0. Buffers: x, y.
int apus_average_pool_prepare(const apus_pool *description, apus_kernel *kernel);

/// Buffers: dy, dx.
int apus_average_pool_gradient_prepare(const apus_pool *description, apus_kernel *kernel);

#endif
