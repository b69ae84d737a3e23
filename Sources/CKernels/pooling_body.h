// Pooling; a template of reals.h. Loops over channels are plain and vectorised by the compiler.

static void NAME(max_window)(const pool_plan *plan, const REAL *x, const pool_window *w, REAL *restrict y,
                             int32_t *restrict places) {
  int64_t channels = plan->p.channels;
  for (int64_t c = 0; c < channels; c++) y[c] = -(REAL)INFINITY, places[c] = -1;
  const apus_pool_axis *a = plan->p.axes;
  for (int64_t i = w[0].first; i < w[0].last; i++)
    for (int64_t j = w[1].first; j < w[1].last; j++)
      for (int64_t k = w[2].first; k < w[2].last; k++) {
        int64_t place = ((w[0].start + i * a[0].dilation) * a[1].input + w[1].start + j * a[1].dilation) * a[2].input +
                        w[2].start + k * a[2].dilation;
        const REAL *restrict v = x + place * channels;
        int32_t here = (int32_t)place;
        for (int64_t c = 0; c < channels; c++) {
          int better = (v[c] > y[c]) | (v[c] != v[c]) | (places[c] < 0);
          y[c] = better ? v[c] : y[c];
          places[c] = better ? here : places[c];
        }
      }
}

static void NAME(average_window)(const pool_plan *plan, const REAL *x, const pool_window *w, REAL *restrict y) {
  int64_t channels = plan->p.channels;
  const apus_pool_axis *a = plan->p.axes;
  for (int64_t c = 0; c < channels; c++) y[c] = 0;
  for (int64_t i = w[0].first; i < w[0].last; i++)
    for (int64_t j = w[1].first; j < w[1].last; j++)
      for (int64_t k = w[2].first; k < w[2].last; k++) {
        int64_t place = ((w[0].start + i) * a[1].input + w[1].start + j) * a[2].input + w[2].start + k;
        const REAL *restrict v = x + place * channels;
        for (int64_t c = 0; c < channels; c++) y[c] += v[c];
      }
  REAL factor = (REAL)window_factor(plan, w);
  for (int64_t c = 0; c < channels; c++) y[c] *= factor;
}

static void NAME(pool_chunk)(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const pool_plan *plan = parameters;
  int64_t channels = plan->p.channels, last = apus_smaller(plan->outputs, (chunk + 1) * plan->per_chunk);
  for (int64_t at = chunk * plan->per_chunk; at < last; at++) {
    pool_window w[3];
    const REAL *x = (const REAL *)buffers[0] + windows_of(plan, at, w) * plan->image * channels;
    REAL *y = (REAL *)buffers[1] + at * channels;
    if (plan->is_maximum) NAME(max_window)(plan, x, w, y, (int32_t *)buffers[2] + at * channels);
    else NAME(average_window)(plan, x, w, y);
  }
}

/// A gradient gathers: one task owns an input and adds what every window that holds it sends, in order.
static void NAME(pool_gradient_chunk)(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const pool_plan *plan = parameters;
  const apus_pool_axis *a = plan->p.axes;
  int64_t channels = plan->p.channels, last = apus_smaller(plan->inputs, (chunk + 1) * plan->per_chunk);
  REAL *outputs = buffers[plan->is_maximum ? 2 : 1];
  for (int64_t at = chunk * plan->per_chunk; at < last; at++) {
    pool_window o[3];
    int64_t image = outputs_of(plan, at, o);
    int32_t place = (int32_t)(at % plan->image);
    REAL *restrict dx = outputs + at * channels;
    for (int64_t c = 0; c < channels; c++) dx[c] = 0;
    for (int64_t i = o[0].first; i < o[0].last; i++)
      for (int64_t j = o[1].first; j < o[1].last; j++)
        for (int64_t k = o[2].first; k < o[2].last; k++) {
          int64_t from = ((image * a[0].output + i) * a[1].output + j) * a[2].output + k;
          const REAL *restrict dy = (const REAL *)buffers[0] + from * channels;
          if (plan->is_maximum) {
            const int32_t *restrict places = (const int32_t *)buffers[1] + from * channels;
            for (int64_t c = 0; c < channels; c++) dx[c] += places[c] == place ? dy[c] : 0;
          } else {
            pool_window w[3] = {window_of(a, i), window_of(a + 1, j), window_of(a + 2, k)};
            REAL factor = (REAL)window_factor(plan, w);
            for (int64_t c = 0; c < channels; c++) dx[c] += dy[c] * factor;
          }
        }
  }
}
