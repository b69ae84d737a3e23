// Rows of a block of scores for one instruction set.
#include "vector_math.h"

/// Adds the mask (where there is one) to scores[0 ..< n] and returns their maximum.
static float APUS_NAME(score_highest)(float *scores, const float *mask, int64_t n) {
  vf a = -INFINITY, b = a;
  int64_t i = 0;
  if (mask) {
    for (; i + 16 <= n; i += 16) {
      vf s = vf_load(scores + i) + vf_load(mask + i);
      vf_store(scores + i, s);
      a = vf_max(s, a);
    }
    for (; i < n; i++) scores[i] += mask[i];
    i = n & ~(int64_t)15;
  }
  for (; i + 32 <= n; i += 32) a = vf_max(vf_load(scores + i), a), b = vf_max(vf_load(scores + i + 16), b);
  float highest = vf_highest(vf_max(a, b));
  for (; i < n; i++) highest = scores[i] > highest || scores[i] != scores[i] ? scores[i] : highest;
  return highest;
}

/// scores = exp(scores - highest); returns their sum, whose order does not depend on n: hidden keys at the end change no
/// bit. Rows have room for whole vectors.
static float APUS_NAME(score_exponentials)(float *scores, int64_t n, float highest) {
  vf a = 0, b = 0;
  int64_t i = 0;
  for (; i + 32 <= n; i += 32) {
    vf x = vf_load(scores + i) - highest, y = vf_load(scores + i + 16) - highest;
    x = x < -87.0f ? 0.0f : vf_exp_softmax(x), y = y < -87.0f ? 0.0f : vf_exp_softmax(y);
    vf_store(scores + i, x), vf_store(scores + i + 16, y);
    a += x, b += y;
  }
  for (; i < n; i += 16) {
    vf x = vf_load_part(scores + i, n - i) - highest;
    x = x < -87.0f ? 0.0f : vf_exp_softmax(x);
    vf_store_part(scores + i, x, n - i);
    x = vf_load_part(scores + i, n - i);
    if (i & 16) b += x;
    else a += x;
  }
  return vf_sum(a + b);
}

/// row *= factor.
static void APUS_NAME(score_scale)(float *row, int64_t n, float factor) {
  for (int64_t i = 0; i < n; i++) row[i] *= factor;
}

/// scores becomes P = exp(scores + mask - lse), dp becomes dS = P (dP - d) scale.
static void APUS_NAME(score_gradients)(
    float *scores, float *dp, const float *mask, int64_t n, float lse, float d, float scale) {
  for (int64_t i = 0; i < n; i += 16) {
    int64_t count = n - i;
    vf s = vf_load_part(scores + i, count);
    if (mask) s += vf_load_part(mask + i, count);
    s -= lse;
    vf p = s < -87.0f ? 0.0f : vf_exp_softmax(s);
    vf_store_part(scores + i, p, count);
    vf_store_part(dp + i, p * (vf_load_part(dp + i, count) - d) * scale, count);
  }
}

static float APUS_NAME(score_dot)(const float *a, const float *b, int64_t n) {
  vf sum = 0;
  for (int64_t i = 0; i < n; i += 16) sum = vf_fma(vf_load_part(a + i, n - i), vf_load_part(b + i, n - i), sum);
  return vf_sum(sum);
}

static const score_functions APUS_NAME(score_table) = {
    APUS_NAME(score_highest), APUS_NAME(score_exponentials), APUS_NAME(score_scale), APUS_NAME(score_gradients),
    APUS_NAME(score_dot)};
