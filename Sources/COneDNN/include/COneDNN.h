// Matrix products and convolutions as prepared kernels, computed by oneDNN (2.6 to 3.x) inside the chunks of our pool.
#ifndef APUS_CONEDNN_H
#define APUS_CONEDNN_H

#include <CKernels.h>
#include <stdint.h>

/// The version of the oneDNN library in use, such as "2.6.3".
const char *apus_onednn_version(void);

/// What the last `apus_…_prepare` on the calling thread that did not return 0 found wrong. Valid until the next one.
const char *apus_onednn_error(void);

/// A batched matrix product, row-major: C[b] = op(A[b]) op(B[b]), with op(A) [m, k], op(B) [k, n], C [m, n].
///
/// With all options, each element becomes relu(alpha * sum + bias[column] + C). Buffers: A, B, bias (only where `bias`
/// is set; n values, float32, or float64 with APUS_FLOAT64), C, and the shared block. The result is the same bits for any number of threads.
/// Float32 products are our own (`apus_product`): a row's bits do not depend on m. Those of bfloat16 may.
typedef struct apus_matmul_descriptor {
  int64_t batch, m, n, k;
  int64_t lda, ldb, ldc;                 // elements from one stored row to the next
  int64_t a_stride, b_stride, c_stride;  // elements from one batch entry to the next; 0 for A or B: one for all
  int32_t transpose_a;                   // A is stored [k, m]
  int32_t transpose_b;                   // B is stored [n, k], as published linear weights are
  int32_t type;                          // of A and B: APUS_FLOAT32, APUS_BFLOAT16, APUS_FLOAT16, APUS_FLOAT64
  int32_t c_type;                        // `type`, or APUS_FLOAT32; sums are always float32 (float64 for APUS_FLOAT64)
  int32_t accumulate;                    // add to what C holds
  int32_t bias, relu;
  int32_t b_is_reused;                   // B stays the same over many runs (a loop's weight): worth packing at once
  float alpha;                           // 1 for a plain product
} apus_matmul_descriptor;

/// Chooses the algorithm by shape and prepares it. 0, or -1 with a sentence in `apus_onednn_error`.
int apus_matmul_prepare(const apus_matmul_descriptor *descriptor, apus_kernel *kernel);

/// A short name of the algorithm chosen for a kernel of `apus_matmul_prepare` or `apus_convolution_prepare`.
const char *apus_onednn_algorithm(const apus_kernel *kernel);

typedef enum apus_direction {
  APUS_FORWARD = 0,           // buffers: x, w, bias where set, y
  APUS_BACKWARD_DATA = 1,     // buffers: dy, w, dx
  APUS_BACKWARD_WEIGHTS = 2,  // buffers: x, dy, dw
} apus_direction;

#define APUS_MAX_SPATIAL 3

/// A convolution (cross-correlation, as everywhere in deep learning). Activations are [batch, spatial…, channels];
/// weights [outputs, inputs / groups, kernel…]. A transposed convolution is the backward direction by data.
typedef struct apus_convolution_descriptor {
  int32_t direction;  // apus_direction
  int32_t type;       // APUS_FLOAT32; APUS_FLOAT64 (plain loops, for checking gradients); APUS_BFLOAT16 (forward, and
                      // refused where the processor has no fast way)
  int32_t spatial;    // 1, 2 or 3
  int32_t bias, relu; // forward only; the bias is float32 (float64 with APUS_FLOAT64)
  int64_t batch, inputs, outputs, groups;
  int64_t size[APUS_MAX_SPATIAL];  // of x
  int64_t kernel[APUS_MAX_SPATIAL], stride[APUS_MAX_SPATIAL], dilation[APUS_MAX_SPATIAL];  // dilation 1: dense
  int64_t padding_low[APUS_MAX_SPATIAL], padding_high[APUS_MAX_SPATIAL];
} apus_convolution_descriptor;

/// The size of y along a spatial axis; negative where the kernel does not fit.
int64_t apus_convolution_output_size(const apus_convolution_descriptor *descriptor, int32_t axis);

/// Chooses the algorithm by shape and prepares it. 0, or -1 with a sentence in `apus_onednn_error`.
int apus_convolution_prepare(const apus_convolution_descriptor *descriptor, apus_kernel *kernel);

#endif
