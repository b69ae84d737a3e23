// Batch, group and instance norm; a template of reals.h. Per-channel values lie in arrays of `wide` columns: fewer
// channels than lanes are walked as LANES pixels at once (`fold`), so that every vector is full.

/// Per-channel arrays of a thread.
#ifndef APUS_CHANNEL_ARRAYS
#define APUS_CHANNEL_ARRAYS
enum { MEAN, SCALE, SHIFT, FIRST, SECOND, RSTD, CHANNEL_ARRAYS };
#endif

APUS_INLINE REAL *NAME(array)(const channel_norm_plan *plan, void *scratch, int which) {
  return (REAL *)scratch + which * plan->stride;
}

// MARK: Statistics

/// Joins the mean and centred squares of `rows` rows with those of the `before` rows seen so far (Chan's formula).
APUS_INLINE void NAME(join_rows)(const REAL *x, int64_t rows, int64_t stride, int vectors, int64_t count, REAL before,
                                 REAL *means, REAL *squares) {
  VECTOR sum[4], square[4];
  for (int k = 0; k < vectors; k++) sum[k] = 0, square[k] = 0;
  for (int64_t r = 0; r < rows; r++)
    for (int k = 0; k < vectors; k++) sum[k] += LOAD_PART(x + r * stride + k * LANES, count);
  for (int k = 0; k < vectors; k++) sum[k] *= 1 / (REAL)rows;
  for (int64_t r = 0; r < rows; r++)
    for (int k = 0; k < vectors; k++) {
      VECTOR d = LOAD_PART(x + r * stride + k * LANES, count) - sum[k];
      square[k] = FMA(d, d, square[k]);
    }
  REAL share = (REAL)rows / (before + (REAL)rows), weight = before * share;
  for (int k = 0; k < vectors; k++) {
    REAL *mean = means + k * LANES, *total = squares + k * LANES;
    VECTOR old = LOAD_PART(mean, count), delta = sum[k] - old;
    STORE_PART(mean, FMA(delta, (VECTOR)share, old), count);
    STORE_PART(total, LOAD_PART(total, count) + FMA(delta * delta, (VECTOR)weight, square[k]), count);
  }
}

static void NAME(statistics_of_rows)(const REAL *x, int64_t rows, int64_t width, REAL *mean, REAL *squares) {
  int64_t step = apus_larger(8, apus_smaller(64, 4096 / width));
  for (int64_t c = 0; c < width; c++) mean[c] = squares[c] = 0;
  for (int64_t r = 0; r < rows; r += step) {
    int64_t block = apus_smaller(step, rows - r), c = 0;
    const REAL *p = x + r * width;
    for (; c + 4 * LANES <= width; c += 4 * LANES)
      NAME(join_rows)(p + c, block, width, 4, LANES, (REAL)r, mean + c, squares + c);
    for (; c + LANES <= width; c += LANES)
      NAME(join_rows)(p + c, block, width, 1, LANES, (REAL)r, mean + c, squares + c);
    if (c < width) NAME(join_rows)(p + c, block, width, 1, width - c, (REAL)r, mean + c, squares + c);
  }
}

/// Mean and centred squares of every channel over `pixels` pixels; `mean` and `squares` have room for `wide` columns.
static void NAME(statistics)(const channel_norm_plan *plan, const REAL *x, int64_t pixels, REAL *mean, REAL *squares) {
  int64_t channels = plan->p.channels, fold = plan->fold, rows = pixels / fold;
  NAME(statistics_of_rows)(x, rows, plan->wide, mean, squares);
  if (fold == 1) return;
  REAL rest_mean[LANES], rest_squares[LANES];
  int64_t rest = pixels % fold;
  NAME(statistics_of_rows)(x + rows * plan->wide, rest, channels, rest_mean, rest_squares);
  for (int64_t c = 0; c < channels; c++) {
    double centre = rest * (double)rest_mean[c], sum = rest_squares[c];
    for (int64_t k = c; k < plan->wide; k += channels) centre += (double)rows * mean[k], sum += squares[k];
    centre /= (double)apus_larger(1, pixels);
    sum += rest * (rest_mean[c] - centre) * (rest_mean[c] - centre);
    for (int64_t k = c; k < plan->wide; k += channels) sum += (double)rows * (mean[k] - centre) * (mean[k] - centre);
    mean[c] = (REAL)centre, squares[c] = (REAL)sum;
  }
}

/// Writes the statistics of groups `first` to `last` of an image. `means` and `squares` are those of `blocks` blocks, a
/// block's `stride` apart.
static void NAME(join_groups)(const channel_norm_plan *plan, const REAL *means, const REAL *squares, int64_t stride,
                              int64_t blocks, int64_t first, int64_t last, REAL *mean, REAL *statistic) {
  int64_t size = plan->p.channels / plan->p.groups, pixels = plan->p.pixels;
  double n = (double)apus_larger(1, pixels);
  for (int64_t g = first; g < last; g++) {
    double centre = 0, sum = 0;
    for (int64_t b = 0; b < blocks; b++) {
      double count = (double)apus_smaller(plan->block, pixels - b * plan->block);
      for (int64_t c = g * size; c < (g + 1) * size; c++) centre += count * means[b * stride + c];
    }
    centre /= n * (double)size;
    for (int64_t b = 0; b < blocks; b++) {
      double count = (double)apus_smaller(plan->block, pixels - b * plan->block);
      for (int64_t c = g * size; c < (g + 1) * size; c++) {
        double delta = means[b * stride + c] - centre;
        sum += squares[b * stride + c] + count * delta * delta;
      }
    }
    double variance = sum / (n * (double)size);
    mean[g] = (REAL)centre;
    statistic[g] = (REAL)(plan->p.keeps_variance ? variance : 1 / sqrt(variance + plan->p.epsilon));
  }
}

/// Fills the arrays MEAN, RSTD, SCALE and SHIFT: the value before residual and activation is (x - MEAN) SCALE + SHIFT.
static void NAME(coefficients)(const channel_norm_plan *plan, const REAL *weight, const REAL *bias, const REAL *mean,
                               const REAL *statistic, void *scratch) {
  REAL *means = NAME(array)(plan, scratch, MEAN), *scales = NAME(array)(plan, scratch, SCALE);
  REAL *shifts = NAME(array)(plan, scratch, SHIFT), *rstds = NAME(array)(plan, scratch, RSTD);
  int64_t channels = plan->p.channels, size = channels / plan->p.groups;
  for (int64_t g = 0; g < plan->p.groups; g++) {
    REAL rstd = plan->p.keeps_variance ? (REAL)(1 / sqrt((double)statistic[g] + plan->p.epsilon)) : statistic[g];
    for (int64_t c = g * size; c < (g + 1) * size; c++) {
      means[c] = mean[g], rstds[c] = rstd;
      scales[c] = weight ? weight[c] * rstd : rstd;
      shifts[c] = bias ? bias[c] : 0;
    }
  }
  for (int64_t k = channels; k < plan->wide; k++) {
    means[k] = means[k - channels], rstds[k] = rstds[k - channels];
    scales[k] = scales[k - channels], shifts[k] = shifts[k - channels];
  }
}

// MARK: Forward

APUS_INLINE VECTOR NAME(activate)(VECTOR v, int activation) {
  if (activation == APUS_NORM_RELU) return v < 0 ? (VECTOR)0 : v;
  return activation == APUS_NORM_SILU ? v * SIGMOID(v) : v;
}

APUS_INLINE void NAME(apply_rows)(const channel_norm_plan *plan, const REAL *x, const REAL *residual, REAL *y,
                                  int64_t rows, int64_t width, void *scratch, int activation) {
  const REAL *mean = NAME(array)(plan, scratch, MEAN), *scale = NAME(array)(plan, scratch, SCALE);
  const REAL *shift = NAME(array)(plan, scratch, SHIFT);
  for (int64_t r = 0; r < rows; r++) {
    int64_t at = r * width, c = 0;
    for (; c + LANES <= width; c += LANES) {
      VECTOR v = FMA(LOAD(x + at + c) - LOAD(mean + c), LOAD(scale + c), LOAD(shift + c));
      if (residual) v += LOAD(residual + at + c);
      STORE(y + at + c, NAME(activate)(v, activation));
    }
    if (c < width) {
      int64_t n = width - c;
      VECTOR v = FMA(LOAD_PART(x + at + c, n) - LOAD(mean + c), LOAD(scale + c), LOAD(shift + c));
      if (residual) v += LOAD_PART(residual + at + c, n);
      STORE_PART(y + at + c, NAME(activate)(v, activation), n);
    }
  }
}

static void NAME(apply)(const channel_norm_plan *plan, const REAL *x, const REAL *residual, REAL *y, int64_t pixels,
                        void *scratch) {
  for (int part = 0; part < 2; part++) {
    int64_t width = part == 0 ? plan->wide : plan->p.channels, at = part == 0 ? 0 : pixels / plan->fold * plan->wide;
    int64_t rows = part == 0 ? pixels / plan->fold : pixels % plan->fold;
    const REAL *more = residual ? residual + at : NULL;
    switch (plan->p.activation) {
      case APUS_NORM_RELU: NAME(apply_rows)(plan, x + at, more, y + at, rows, width, scratch, APUS_NORM_RELU); break;
      case APUS_NORM_SILU: NAME(apply_rows)(plan, x + at, more, y + at, rows, width, scratch, APUS_NORM_SILU); break;
      default: NAME(apply_rows)(plan, x + at, more, y + at, rows, width, scratch, APUS_NORM_LINEAR); break;
    }
  }
}

/// The block of image `image` that starts at pixel `pixel`.
APUS_INLINE const REAL *NAME(pixels_at)(const channel_norm_plan *plan, const void *base, int64_t image, int64_t pixel) {
  return base ? (const REAL *)base + (image * plan->p.pixels + pixel) * plan->p.channels : NULL;
}

static void NAME(norm_block)(const channel_norm_plan *plan, void *const *buffers, int64_t image, int64_t pixel,
                             int64_t pixels, void *scratch) {
  channel_norm_buffers b = forward_buffers(plan, buffers);
  int64_t group = image * plan->p.groups;
  NAME(coefficients)(plan, b.weight, b.bias, (REAL *)b.mean + group, (REAL *)b.statistic + group, scratch);
  NAME(apply)(plan, NAME(pixels_at)(plan, b.x, image, pixel), NAME(pixels_at)(plan, b.residual, image, pixel),
              (REAL *)NAME(pixels_at)(plan, b.y, image, pixel), pixels, scratch);
}

/// Whole images, which stay in the second cache.
static void NAME(norm_images_chunk)(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  const channel_norm_plan *plan = parameters;
  channel_norm_buffers b = forward_buffers(plan, buffers);
  REAL *mean = NAME(array)(plan, scratch, MEAN), *squares = NAME(array)(plan, scratch, SCALE);
  int64_t groups = plan->p.groups, last = apus_smaller(plan->p.images, (chunk + 1) * plan->images);
  for (int64_t image = chunk * plan->images; image < last; image++) {
    NAME(statistics)(plan, NAME(pixels_at)(plan, b.x, image, 0), plan->p.pixels, mean, squares);
    NAME(join_groups)(plan, mean, squares, 0, 1, 0, groups, (REAL *)b.mean + image * groups,
                      (REAL *)b.statistic + image * groups);
    NAME(norm_block)(plan, buffers, image, 0, plan->p.pixels, scratch);
  }
}

static void NAME(norm_statistics_chunk)(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  const channel_norm_plan *plan = parameters;
  channel_norm_buffers b = forward_buffers(plan, buffers);
  int64_t channels = plan->p.channels, pixel = chunk % plan->blocks * plan->block;
  REAL *mean = NAME(array)(plan, scratch, MEAN), *squares = NAME(array)(plan, scratch, SCALE);
  REAL *partial = (REAL *)b.shared + chunk * 2 * channels;
  NAME(statistics)(plan, NAME(pixels_at)(plan, b.x, chunk / plan->blocks, pixel),
                   apus_smaller(plan->block, plan->p.pixels - pixel), mean, squares);
  memcpy(partial, mean, (size_t)channels * sizeof(REAL));
  memcpy(partial + channels, squares, (size_t)channels * sizeof(REAL));
}

static void NAME(norm_join_chunk)(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const channel_norm_plan *plan = parameters;
  channel_norm_buffers b = forward_buffers(plan, buffers);
  int64_t image = chunk / plan->slices, first = chunk % plan->slices * plan->slice, groups = plan->p.groups;
  const REAL *partial = (const REAL *)b.shared + image * plan->blocks * 2 * plan->p.channels;
  NAME(join_groups)(plan, partial, partial + plan->p.channels, 2 * plan->p.channels, plan->blocks, first,
                    apus_smaller(groups, first + plan->slice), (REAL *)b.mean + image * groups,
                    (REAL *)b.statistic + image * groups);
}

static void NAME(norm_apply_chunk)(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  const channel_norm_plan *plan = parameters;
  int64_t pixel = chunk % plan->blocks * plan->block;
  NAME(norm_block)(plan, buffers, chunk / plan->blocks, pixel, apus_smaller(plan->block, plan->p.pixels - pixel), scratch);
}

// MARK: Backward

/// The gradient before the activation.
APUS_INLINE VECTOR NAME(deactivate)(VECTOR dy, VECTOR before, int activation) {
  if (activation == APUS_NORM_RELU) return before > 0 ? dy : (VECTOR)0;
  return activation == APUS_NORM_SILU ? dy * SILU_SLOPE(before) : dy;
}

/// Adds Σ g and Σ g (x - mean) of `rows` rows to FIRST and SECOND.
APUS_INLINE void NAME(sum_columns)(const channel_norm_plan *plan, const REAL *dy, const REAL *x, const REAL *residual,
                                   int64_t rows, int64_t width, int64_t column, int vectors, int64_t count,
                                   void *scratch, int activation) {
  VECTOR mean[2], scale[2], shift[2], first[2], second[2];
  REAL *firsts = NAME(array)(plan, scratch, FIRST) + column, *seconds = NAME(array)(plan, scratch, SECOND) + column;
  for (int k = 0; k < vectors; k++) {
    mean[k] = LOAD(NAME(array)(plan, scratch, MEAN) + column + k * LANES);
    scale[k] = LOAD(NAME(array)(plan, scratch, SCALE) + column + k * LANES);
    shift[k] = LOAD(NAME(array)(plan, scratch, SHIFT) + column + k * LANES);
    first[k] = second[k] = 0;
  }
  for (int64_t r = 0; r < rows; r++)
    for (int k = 0; k < vectors; k++) {
      int64_t at = r * width + column + k * LANES;
      VECTOR centred = LOAD_PART(x + at, count) - mean[k], g = LOAD_PART(dy + at, count);
      if (activation != APUS_NORM_LINEAR) {
        VECTOR before = FMA(centred, scale[k], shift[k]);
        if (residual) before += LOAD_PART(residual + at, count);
        g = NAME(deactivate)(g, before, activation);
      }
      first[k] += g, second[k] = FMA(g, centred, second[k]);
    }
  for (int k = 0; k < vectors; k++) {
    STORE_PART(firsts + k * LANES, LOAD_PART(firsts + k * LANES, count) + first[k], count);
    STORE_PART(seconds + k * LANES, LOAD_PART(seconds + k * LANES, count) + second[k], count);
  }
}

APUS_INLINE void NAME(sum_rows)(const channel_norm_plan *plan, const REAL *dy, const REAL *x, const REAL *residual,
                                int64_t rows, int64_t width, void *scratch, int activation) {
  int64_t step = apus_larger(8, apus_smaller(64, 4096 / width));
  for (int64_t r = 0; r < rows; r += step) {
    int64_t block = apus_smaller(step, rows - r), at = r * width, c = 0;
    const REAL *more = residual ? residual + at : NULL;
    for (; c + 2 * LANES <= width; c += 2 * LANES)
      NAME(sum_columns)(plan, dy + at, x + at, more, block, width, c, 2, LANES, scratch, activation);
    for (; c < width; c += LANES)
      NAME(sum_columns)(plan, dy + at, x + at, more, block, width, c, 1, width - c, scratch, activation);
  }
}

/// dx = SCALE g + SECOND (x - MEAN) + FIRST.
APUS_INLINE void NAME(gradient_rows)(const channel_norm_plan *plan, const REAL *dy, const REAL *x, const REAL *residual,
                                     REAL *dx, REAL *dresidual, int64_t rows, int64_t width, void *scratch,
                                     int activation) {
  const REAL *mean = NAME(array)(plan, scratch, MEAN), *scale = NAME(array)(plan, scratch, SCALE);
  const REAL *shift = NAME(array)(plan, scratch, SHIFT), *first = NAME(array)(plan, scratch, FIRST);
  const REAL *second = NAME(array)(plan, scratch, SECOND);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < width; c += LANES) {
      int64_t at = r * width + c, count = width - c;
      VECTOR centred = LOAD_PART(x + at, count) - LOAD(mean + c), g = LOAD_PART(dy + at, count);
      if (activation != APUS_NORM_LINEAR) {
        VECTOR before = FMA(centred, LOAD(scale + c), LOAD(shift + c));
        if (residual) before += LOAD_PART(residual + at, count);
        g = NAME(deactivate)(g, before, activation);
      }
      if (dresidual) STORE_PART(dresidual + at, g, count);
      STORE_PART(dx + at, FMA(LOAD(scale + c), g, FMA(LOAD(second + c), centred, LOAD(first + c))), count);
    }
}

#define EACH_ACTIVATION(call)                                       \
  switch (plan->p.activation) {                                     \
    case APUS_NORM_RELU: call(APUS_NORM_RELU); break;               \
    case APUS_NORM_SILU: call(APUS_NORM_SILU); break;               \
    default: call(APUS_NORM_LINEAR); break;                         \
  }

/// Σ g and Σ g x̂ of every channel over a block, into `partial`: [2, channels].
static void NAME(gradient_sums)(const channel_norm_plan *plan, const channel_norm_buffers *b, int64_t image,
                                int64_t pixel, int64_t pixels, REAL *partial, void *scratch) {
  REAL *first = NAME(array)(plan, scratch, FIRST), *second = NAME(array)(plan, scratch, SECOND);
  const REAL *rstd = NAME(array)(plan, scratch, RSTD);
  int64_t channels = plan->p.channels, rows = pixels / plan->fold, rest = pixels % plan->fold, at = rows * plan->wide;
  const REAL *dy = NAME(pixels_at)(plan, b->dy, image, pixel), *x = NAME(pixels_at)(plan, b->x, image, pixel);
  const REAL *residual = NAME(pixels_at)(plan, b->residual, image, pixel), *more = residual ? residual + at : NULL;
  for (int64_t c = 0; c < plan->wide; c++) first[c] = second[c] = 0;
#define CALL(activation) \
  NAME(sum_rows)(plan, dy, x, residual, rows, plan->wide, scratch, activation); \
  NAME(sum_rows)(plan, dy + at, x + at, more, rest, channels, scratch, activation)
  EACH_ACTIVATION(CALL)
#undef CALL
  for (int64_t c = 0; c < channels; c++) {
    REAL sum = 0, product = 0;
    for (int64_t k = c; k < plan->wide; k += channels) sum += first[k], product += second[k];
    partial[c] = sum, partial[channels + c] = product * rstd[c];
  }
}

/// dx and dresidual of a block, from the sums over the image.
static void NAME(gradient_block)(const channel_norm_plan *plan, const channel_norm_buffers *b, int64_t image,
                                 int64_t pixel, int64_t pixels, const REAL *totals, void *scratch) {
  REAL *first = NAME(array)(plan, scratch, FIRST), *second = NAME(array)(plan, scratch, SECOND);
  const REAL *rstd = NAME(array)(plan, scratch, RSTD), *scale = NAME(array)(plan, scratch, SCALE);
  int64_t channels = plan->p.channels, size = channels / plan->p.groups;
  double n = (double)plan->p.pixels * (double)size;
  for (int64_t g = 0; g < plan->p.groups; g++) {
    double sum = 0, product = 0;  // of w g rstd and w g rstd x̂
    for (int64_t c = g * size; c < (g + 1) * size; c++)
      sum += (double)scale[c] * totals[c], product += (double)scale[c] * totals[channels + c];
    for (int64_t c = g * size; c < (g + 1) * size; c++)
      first[c] = (REAL)(-sum / n), second[c] = (REAL)(-product * rstd[c] / n);
  }
  for (int64_t k = channels; k < plan->wide; k++) first[k] = first[k - channels], second[k] = second[k - channels];
  int64_t rows = pixels / plan->fold, rest = pixels % plan->fold, at = rows * plan->wide;
  const REAL *dy = NAME(pixels_at)(plan, b->dy, image, pixel), *x = NAME(pixels_at)(plan, b->x, image, pixel);
  const REAL *residual = NAME(pixels_at)(plan, b->residual, image, pixel), *more = residual ? residual + at : NULL;
  REAL *dx = (REAL *)NAME(pixels_at)(plan, b->dx, image, pixel);
  REAL *dr = (REAL *)NAME(pixels_at)(plan, b->dresidual, image, pixel), *dr_more = dr ? dr + at : NULL;
#define CALL(activation) \
  NAME(gradient_rows)(plan, dy, x, residual, dx, dr, rows, plan->wide, scratch, activation); \
  NAME(gradient_rows)(plan, dy + at, x + at, more, dx + at, dr_more, rest, channels, scratch, activation)
  EACH_ACTIVATION(CALL)
#undef CALL
}

static void NAME(gradient_coefficients)(const channel_norm_plan *plan, const channel_norm_buffers *b, int64_t image,
                                        void *scratch) {
  int64_t group = image * plan->p.groups;
  NAME(coefficients)(plan, b->weight, b->bias, (REAL *)b->mean + group, (REAL *)b->statistic + group, scratch);
}

/// Sums over an image, [images, 2, channels], at the start of the shared memory; partial sums follow.
APUS_INLINE REAL *NAME(totals_of)(const channel_norm_plan *plan, const channel_norm_buffers *b, int64_t image) {
  return (REAL *)b->shared + image * 2 * plan->p.channels;
}

static void NAME(gradient_images_chunk)(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  const channel_norm_plan *plan = parameters;
  channel_norm_buffers b = gradient_buffers(plan, buffers);
  int64_t last = apus_smaller(plan->p.images, (chunk + 1) * plan->images);
  for (int64_t image = chunk * plan->images; image < last; image++) {
    REAL *totals = NAME(totals_of)(plan, &b, image);
    NAME(gradient_coefficients)(plan, &b, image, scratch);
    NAME(gradient_sums)(plan, &b, image, 0, plan->p.pixels, totals, scratch);
    NAME(gradient_block)(plan, &b, image, 0, plan->p.pixels, totals, scratch);
  }
}

static void NAME(gradient_sums_chunk)(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  const channel_norm_plan *plan = parameters;
  channel_norm_buffers b = gradient_buffers(plan, buffers);
  int64_t image = chunk / plan->blocks, pixel = chunk % plan->blocks * plan->block;
  NAME(gradient_coefficients)(plan, &b, image, scratch);
  NAME(gradient_sums)(plan, &b, image, pixel, apus_smaller(plan->block, plan->p.pixels - pixel),
                      NAME(totals_of)(plan, &b, plan->p.images + chunk), scratch);
}

static void NAME(gradient_join_chunk)(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const channel_norm_plan *plan = parameters;
  channel_norm_buffers b = gradient_buffers(plan, buffers);
  int64_t width = 2 * plan->p.channels, last = apus_smaller(plan->p.images * width, (chunk + 1) * APUS_JOIN_VALUES);
  for (int64_t i = chunk * APUS_JOIN_VALUES; i < last; i++) {
    const REAL *partial = NAME(totals_of)(plan, &b, plan->p.images + i / width * plan->blocks) + i % width;
    double total = 0;
    for (int64_t block = 0; block < plan->blocks; block++) total += partial[block * width];
    ((REAL *)b.shared)[i] = (REAL)total;
  }
}

static void NAME(gradient_apply_chunk)(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  const channel_norm_plan *plan = parameters;
  channel_norm_buffers b = gradient_buffers(plan, buffers);
  int64_t image = chunk / plan->blocks, pixel = chunk % plan->blocks * plan->block;
  NAME(gradient_coefficients)(plan, &b, image, scratch);
  NAME(gradient_block)(plan, &b, image, pixel, apus_smaller(plan->block, plan->p.pixels - pixel),
                       NAME(totals_of)(plan, &b, image), scratch);
}

/// dbias and dweight: the sums over images.
static void NAME(gradient_weights_chunk)(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const channel_norm_plan *plan = parameters;
  channel_norm_buffers b = gradient_buffers(plan, buffers);
  int64_t channels = plan->p.channels, last = apus_smaller(channels, (chunk + 1) * APUS_JOIN_VALUES);
  for (int64_t c = chunk * APUS_JOIN_VALUES; c < last; c++) {
    double sum = 0, product = 0;
    for (int64_t image = 0; image < plan->p.images; image++) {
      const REAL *totals = NAME(totals_of)(plan, &b, image);
      sum += totals[c], product += totals[channels + c];
    }
    if (b.dweight) ((REAL *)b.dweight)[c] = (REAL)product;
    if (b.dbias) ((REAL *)b.dbias)[c] = (REAL)sum;
  }
}

#undef EACH_ACTIVATION
