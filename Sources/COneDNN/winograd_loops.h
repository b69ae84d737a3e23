// The transforms of convolution_winograd.c for one instruction set: WINOGRAD_SET names it. No include guard.
// A vector holds sixteen channels; instruction sets of narrower registers take it in parts.

typedef float WINOGRAD_NAME(lanes) __attribute__((ext_vector_type(16), aligned(4)));
#define LANES WINOGRAD_NAME(lanes)
#define ALWAYS static inline __attribute__((always_inline))

/// B^T d B, a matrix of 4 x 4 in place.
ALWAYS void WINOGRAD_NAME(input)(LANES d[16]) {
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) {
    LANES a = d[i], b = d[4 + i], c = d[8 + i], e = d[12 + i];
    d[i] = a - c, d[4 + i] = b + c, d[8 + i] = c - b, d[12 + i] = b - e;
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i += 4) {
    LANES a = d[i], b = d[i + 1], c = d[i + 2], e = d[i + 3];
    d[i] = a - c, d[i + 1] = b + c, d[i + 2] = c - b, d[i + 3] = b - e;
  }
}

/// V = B^T d B of the tiles of a block: [16][tiles of the block][channels].
static void WINOGRAD_NAME(spread_inputs)(const winograd *w, const float *x, int64_t first, int64_t count, float *v) {
  const int64_t channels = w->inputs, step = w->block * channels;
  for (int64_t i = 0; i < count; i++) {
    winograd_tile t = winograd_tile_at(w, first + i);
    const float *pixels[16];
    winograd_pixels(w, &t, x, pixels);
    for (int64_t c = 0; c < channels; c += 16) {
      LANES d[16];
#pragma clang loop unroll(full)
      for (int j = 0; j < 16; j++) d[j] = pixels[j] ? *(const LANES *)(pixels[j] + c) : (LANES)(0.0f);
      WINOGRAD_NAME(input)(d);
#pragma clang loop unroll(full)
      for (int j = 0; j < 16; j++) *(LANES *)(v + j * step + i * channels + c) = d[j];
    }
  }
}

/// y = A^T M A of the tiles of a block, M [16][tiles of the block][columns], into channels [column, column + columns).
static void WINOGRAD_NAME(gather_outputs)(const winograd *w, const float *m, int64_t first, int64_t count,
                                          int64_t column, int64_t columns, const float *bias, float *y) {
  const int64_t step = w->block * columns;
  for (int64_t i = 0; i < count; i++) {
    winograd_tile t = winograd_tile_at(w, first + i);
    float *to = y + ((t.image * w->out[0] + t.row) * w->out[1] + t.column) * w->outputs + column;
    bool below = t.row + 1 < w->out[0], right = t.column + 1 < w->out[1];
    for (int64_t c = 0; c < columns; c += 16) {
      LANES s[16], r[8];
#pragma clang loop unroll(full)
      for (int j = 0; j < 16; j++) s[j] = *(const LANES *)(m + j * step + i * columns + c);
#pragma clang loop unroll(full)
      for (int j = 0; j < 4; j++) {
        r[j] = s[j] + s[4 + j] + s[8 + j];
        r[4 + j] = s[4 + j] - s[8 + j] - s[12 + j];
      }
      LANES b = bias ? *(const LANES *)(bias + column + c) : (LANES)(0.0f);
      LANES o[4] = {r[0] + r[1] + r[2] + b, r[1] - r[2] - r[3] + b, r[4] + r[5] + r[6] + b, r[5] - r[6] - r[7] + b};
      if (w->relu)
        for (int j = 0; j < 4; j++) o[j] = o[j] < 0 ? (LANES)(0.0f) : o[j];
      *(LANES *)(to + c) = o[0];
      if (right) *(LANES *)(to + w->outputs + c) = o[1];
      if (below) *(LANES *)(to + w->out[1] * w->outputs + c) = o[2];
      if (below && right) *(LANES *)(to + (w->out[1] + 1) * w->outputs + c) = o[3];
    }
  }
}

/// Z = A dy A^T of the tiles of a block and channels [column, column + columns): [16][tiles of the block][columns].
static void WINOGRAD_NAME(spread_slopes)(const winograd *w, const float *dy, int64_t first, int64_t count,
                                         int64_t column, int64_t columns, float *z) {
  const int64_t step = w->block * columns;
  for (int64_t i = 0; i < count; i++) {
    winograd_tile t = winograd_tile_at(w, first + i);
    const float *from = dy + ((t.image * w->out[0] + t.row) * w->out[1] + t.column) * w->outputs + column;
    bool below = t.row + 1 < w->out[0], right = t.column + 1 < w->out[1];
    for (int64_t c = 0; c < columns; c += 16) {
      LANES zero = (LANES)(0.0f), a = *(const LANES *)(from + c);
      LANES b = right ? *(const LANES *)(from + w->outputs + c) : zero;
      LANES d = below ? *(const LANES *)(from + w->out[1] * w->outputs + c) : zero;
      LANES e = below && right ? *(const LANES *)(from + (w->out[1] + 1) * w->outputs + c) : zero;
      LANES rows[8] = {a, b, a + d, b + e, a - d, b - e, -d, -e};
#pragma clang loop unroll(full)
      for (int j = 0; j < 4; j++) {
        LANES p = rows[2 * j], q = rows[2 * j + 1];
        float *to = z + 4 * j * step + i * columns + c;
        *(LANES *)to = p;
        *(LANES *)(to + step) = p + q;
        *(LANES *)(to + 2 * step) = p - q;
        *(LANES *)(to + 3 * step) = -q;
      }
    }
  }
}

/// U = G g G^T for sixteen of the result's channels, all contracted ones: U as `winograd.weights_row` says. `g` points at the first
/// weight, `lane` and `step` lead to the next channel of the result and to the next contracted one.
static void WINOGRAD_NAME(spread_weights)(const winograd *w, const float *g, int64_t lane, int64_t step, float *u) {
  const int64_t plane = w->weights_plane;
  for (int64_t i = 0; i < w->inputs; i++) {
    LANES t[9], r[12];
#pragma clang loop unroll(full)
    for (int k = 0; k < 9; k++) {
      const float *from = g + i * step + (w->turns ? 8 - k : k);
#pragma clang loop unroll(full)
      for (int l = 0; l < 16; l++) t[k][l] = from[l * lane];
    }
#pragma clang loop unroll(full)
    for (int k = 0; k < 3; k++) {
      LANES sum = (t[k] + t[6 + k]) * 0.5f, half = t[3 + k] * 0.5f;
      r[k] = t[k], r[3 + k] = sum + half, r[6 + k] = sum - half, r[9 + k] = t[6 + k];
    }
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
      LANES sum = (r[3 * j] + r[3 * j + 2]) * 0.5f, half = r[3 * j + 1] * 0.5f;
      float *to = u + 4 * j * plane + i * w->weights_row;
      *(LANES *)to = r[3 * j];
      *(LANES *)(to + plane) = sum + half;
      *(LANES *)(to + 2 * plane) = sum - half;
      *(LANES *)(to + 3 * plane) = r[3 * j + 2];
    }
  }
}

/// dw = G^T S G for sixteen outputs, S the sum of the parts [16][inputs][outputs], from `u` on.
static void WINOGRAD_NAME(gather_weights)(const winograd *w, const float *u, float *dw) {
  const int64_t plane = w->weights_plane, part = 16 * plane;
  for (int64_t i = 0; i < w->inputs; i++) {
    LANES s[16], r[12];
#pragma clang loop unroll(full)
    for (int j = 0; j < 16; j++) {
      const float *from = u + j * plane + i * w->weights_row;
      s[j] = *(const LANES *)from;
      for (int64_t p = 1; p < w->parts; p++) s[j] += *(const LANES *)(from + p * part);
    }
#pragma clang loop unroll(full)
    for (int j = 0; j < 4; j++) {
      LANES sum = (s[4 + j] + s[8 + j]) * 0.5f;
      r[j] = s[j] + sum, r[4 + j] = (s[4 + j] - s[8 + j]) * 0.5f, r[8 + j] = sum + s[12 + j];
    }
#pragma clang loop unroll(full)
    for (int k = 0; k < 3; k++) {
      LANES a = r[4 * k], b = r[4 * k + 1], c = r[4 * k + 2], d = r[4 * k + 3], sum = (b + c) * 0.5f;
      LANES row[3] = {a + sum, (b - c) * 0.5f, sum + d};
      for (int j = 0; j < 3; j++)
#pragma clang loop unroll(full)
        for (int l = 0; l < 16; l++) dw[(l * w->inputs + i) * 9 + 3 * k + j] = row[j][l];
    }
  }
}

static const winograd_loops WINOGRAD_NAME(loops) = {
    WINOGRAD_NAME(spread_inputs), WINOGRAD_NAME(gather_outputs), WINOGRAD_NAME(spread_slopes),
    WINOGRAD_NAME(spread_weights), WINOGRAD_NAME(gather_weights)};
#undef LANES
#undef ALWAYS
