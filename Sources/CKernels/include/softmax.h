// Softmax of rows, its logarithm and their gradients.
#ifndef APUS_SOFTMAX_H
#define APUS_SOFTMAX_H

#include "kernel.h"

typedef enum apus_softmax_operation {
  APUS_SOFTMAX = 0,               // buffers: x, y. A row of -inf alone (all masked) gives zeros.
  APUS_LOG_SOFTMAX = 1,           // buffers: x, y. A row of -inf alone gives -inf.
  APUS_LOG_SUM_EXP = 2,           // buffers: x, y [rows]. A row of -inf alone gives -inf.
  APUS_SOFTMAX_GRADIENT = 3,      // buffers: y, dy, dx: dx = y (dy - Σ y dy)
  APUS_LOG_SOFTMAX_GRADIENT = 4,  // buffers: y, dy, dx: dx = dy - exp(y) Σ dy
} apus_softmax_operation;

/// Rows of [rows, columns]; the output may be an input. NaN makes its row NaN.
typedef struct apus_softmax {
  int64_t rows, columns;
  int32_t operation;  // apus_softmax_operation
  int32_t type;       // APUS_FLOAT32 or APUS_FLOAT64
} apus_softmax;

int apus_softmax_prepare(const apus_softmax *description, apus_kernel *kernel);

#endif
