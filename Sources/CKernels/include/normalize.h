// Normalisation of rows (layer norm, RMS norm) and of channels (batch, group and instance norm), forward and backward.
#ifndef APUS_NORMALIZE_H
#define APUS_NORMALIZE_H

#include "kernel.h"

/// Layer norm of rows, y = (x - mean) · rstd · weight + bias with rstd = 1 / sqrt(variance + epsilon); or, with `centred`
/// 0, RMS norm: mean is 0 and the variance is the mean square.
/// Buffers: x [rows, columns], weight? [columns], bias? [columns], then y, mean? [rows] (where centred), rstd [rows].
typedef struct apus_row_norm {
  int64_t rows, columns;
  double epsilon;
  int32_t type;  // APUS_FLOAT32 or APUS_FLOAT64
  int32_t centred, has_weight, has_bias;
} apus_row_norm;

int apus_row_norm_prepare(const apus_row_norm *description, apus_kernel *kernel);

/// Buffers: dy, x, weight?, mean? (where centred), rstd, then dx, dweight? (where there is a weight), dbias? (where there
/// is a bias), shared.
int apus_row_norm_gradient_prepare(const apus_row_norm *description, apus_kernel *kernel);

typedef enum apus_norm_activation {
  APUS_NORM_LINEAR = 0,
  APUS_NORM_RELU = 1,
  APUS_NORM_SILU = 2,
} apus_norm_activation;

/// Normalisation of channels-last images over their pixels and the channels of a group (contiguous channels):
/// y = activation((x - mean) · rstd · weight + bias + residual).
/// Batch norm in training is one image of all pixels of the batch with as many groups as channels; instance norm has as
/// many groups as channels. No values: mean and variance 0.
/// Buffers: x [images, pixels, channels], weight? [channels], bias? [channels], residual? (as x), then y,
/// mean [images, groups], statistic [images, groups], shared.
typedef struct apus_channel_norm {
  int64_t images, pixels, channels, groups;
  double epsilon;
  int32_t type;        // APUS_FLOAT32 or APUS_FLOAT64
  int32_t activation;  // apus_norm_activation
  int32_t has_weight, has_bias, has_residual;
  int32_t keeps_variance;  // the statistic is the biased variance, else rstd = 1 / sqrt(variance + epsilon)
} apus_channel_norm;

/// 0, or -1 where the groups do not divide the channels.
int apus_channel_norm_prepare(const apus_channel_norm *description, apus_kernel *kernel);

/// The value before the activation is computed again from x, so y is not needed.
/// Buffers: dy, x, weight?, bias?, residual?, mean, statistic, then dx, dweight?, dbias?, dresidual? (each where its
/// input exists), shared.
int apus_channel_norm_gradient_prepare(const apus_channel_norm *description, apus_kernel *kernel);

#endif
