// Layer norm and RMS norm of rows; a template of reals.h. A row stays in the first cache for its two or three sweeps.

static void NAME(row_norm_statistics)(const apus_row_norm *p, const REAL *x, REAL *mean, REAL *rstd) {
  int64_t n = p->columns;
  REAL centre = 0;
  if (p->centred) {
    VECTOR a = 0, b = 0, c = 0, d = 0;
    int64_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES) {
      a += LOAD(x + i), b += LOAD(x + i + LANES), c += LOAD(x + i + 2 * LANES), d += LOAD(x + i + 3 * LANES);
    }
    for (; i < n; i += LANES) a += LOAD_PART(x + i, n - i);
    centre = SUM((a + b) + (c + d)) / (REAL)n;
  }
  VECTOR a = 0, b = 0, c = 0, d = 0;
  int64_t i = 0;
  for (; i + 4 * LANES <= n; i += 4 * LANES) {
    VECTOR p0 = LOAD(x + i) - centre, p1 = LOAD(x + i + LANES) - centre;
    VECTOR p2 = LOAD(x + i + 2 * LANES) - centre, p3 = LOAD(x + i + 3 * LANES) - centre;
    a = FMA(p0, p0, a), b = FMA(p1, p1, b), c = FMA(p2, p2, c), d = FMA(p3, p3, d);
  }
  for (; i < n; i += LANES) {
    VECTOR part = LOAD_FILL(x + i, n - i, centre) - centre;
    a = FMA(part, part, a);
  }
  *mean = centre;
  *rstd = (REAL)(1 / sqrt((double)SUM((a + b) + (c + d)) / (double)n + p->epsilon));
}

static void NAME(row_norm_chunk)(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const apus_row_norm *p = parameters;
  int64_t n = p->columns, rows = apus_items_per_chunk(n), last = apus_smaller(p->rows, (chunk + 1) * rows);
  int32_t next = 1;
  const REAL *weight = p->has_weight ? buffers[next++] : NULL, *bias = p->has_bias ? buffers[next++] : NULL;
  REAL *ys = buffers[next++], *means = p->centred ? buffers[next++] : NULL, *rstds = buffers[next];
  for (int64_t row = chunk * rows; row < last; row++) {
    const REAL *x = (const REAL *)buffers[0] + row * n;
    REAL *y = ys + row * n, mean, rstd;
    NAME(row_norm_statistics)(p, x, &mean, &rstd);
    if (means) means[row] = mean;
    rstds[row] = rstd;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
      VECTOR v = (LOAD(x + i) - mean) * rstd;
      if (weight) v *= LOAD(weight + i);
      if (bias) v += LOAD(bias + i);
      STORE(y + i, v);
    }
    for (; i < n; i++) y[i] = (x[i] - mean) * rstd * (weight ? weight[i] : 1) + (bias ? bias[i] : 0);
  }
}

/// One row: dx, and its part of dweight and dbias added to `dw` and `db`.
static void NAME(row_norm_gradient_row)(const apus_row_norm *p, const REAL *dy, const REAL *x, const REAL *weight,
                                        REAL mean, REAL rstd, REAL *dx, REAL *dw, REAL *db) {
  int64_t n = p->columns, i = 0, full = n - n % LANES;
  VECTOR s0 = 0, t0 = 0, s1 = 0, t1 = 0;
  for (; i + 2 * LANES <= n; i += 2 * LANES) {
    VECTOR g0 = LOAD(dy + i), g1 = LOAD(dy + i + LANES);
    VECTOR h0 = (LOAD(x + i) - mean) * rstd, h1 = (LOAD(x + i + LANES) - mean) * rstd;
    if (dw) STORE(dw + i, FMA(g0, h0, LOAD(dw + i))), STORE(dw + i + LANES, FMA(g1, h1, LOAD(dw + i + LANES)));
    if (db) STORE(db + i, LOAD(db + i) + g0), STORE(db + i + LANES, LOAD(db + i + LANES) + g1);
    if (weight) g0 *= LOAD(weight + i), g1 *= LOAD(weight + i + LANES);
    s0 += g0, t0 = FMA(g0, h0, t0), s1 += g1, t1 = FMA(g1, h1, t1);
  }
  for (; i < n; i += LANES) {
    VECTOR g0 = LOAD_PART(dy + i, n - i), h0 = (LOAD_FILL(x + i, n - i, mean) - mean) * rstd;
    if (dw) STORE_PART(dw + i, FMA(g0, h0, LOAD_PART(dw + i, n - i)), n - i);
    if (db) STORE_PART(db + i, LOAD_PART(db + i, n - i) + g0, n - i);
    if (weight) g0 *= LOAD_PART(weight + i, n - i);
    s0 += g0, t0 = FMA(g0, h0, t0);
  }
  REAL sum = p->centred ? SUM(s0 + s1) / (REAL)n : 0, product = SUM(t0 + t1) / (REAL)n;
  for (i = 0; i < full; i += LANES) {
    VECTOR g = LOAD(dy + i), h = (LOAD(x + i) - mean) * rstd;
    if (weight) g *= LOAD(weight + i);
    STORE(dx + i, (g - FMA(h, (VECTOR)product, (VECTOR)sum)) * rstd);
  }
  for (; i < n; i++) dx[i] = (dy[i] * (weight ? weight[i] : 1) - (sum + (x[i] - mean) * rstd * product)) * rstd;
}

static void NAME(row_norm_gradient_chunk)(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const row_norm_gradient *plan = parameters;
  const apus_row_norm *p = &plan->p;
  int64_t n = p->columns, last = apus_smaller(p->rows, (chunk + 1) * plan->rows);
  int32_t next = 2;
  const REAL *weight = p->has_weight ? buffers[next++] : NULL, *means = p->centred ? buffers[next++] : NULL;
  const REAL *rstds = buffers[next++];
  REAL *dx = buffers[next];
  REAL *sums = p->has_weight || p->has_bias ? (REAL *)buffers[plan->shared] + chunk * 2 * n : NULL;
  REAL *dw = p->has_weight ? sums : NULL, *db = p->has_bias ? sums + n : NULL;
  if (sums) memset(sums, 0, 2 * (size_t)n * sizeof(REAL));
  for (int64_t row = chunk * plan->rows; row < last; row++) {
    NAME(row_norm_gradient_row)(p, (const REAL *)buffers[0] + row * n, (const REAL *)buffers[1] + row * n, weight,
                                means ? means[row] : 0, rstds[row], dx + row * n, dw, db);
  }
}

/// Adds the partial sums of all chunks, in order, for some columns.
static void NAME(row_norm_sum_chunk)(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const row_norm_gradient *plan = parameters;
  const apus_row_norm *p = &plan->p;
  int64_t n = p->columns, last = apus_smaller(n, (chunk + 1) * APUS_SUM_COLUMNS);
  const REAL *sums = buffers[plan->shared];
  REAL *db = p->has_bias ? buffers[plan->shared - 1] : NULL;
  REAL *dw = p->has_weight ? buffers[plan->shared - 1 - p->has_bias] : NULL;
  for (int64_t start = chunk * APUS_SUM_COLUMNS; start < last; start += LANES) {
    int64_t count = last - start;
    VECTOR w = 0, b = 0;
    for (int64_t k = 0; k < plan->chunks; k++) {
      if (dw) w += LOAD_PART(sums + 2 * k * n + start, count);
      if (db) b += LOAD_PART(sums + (2 * k + 1) * n + start, count);
    }
    if (dw) STORE_PART(dw + start, w, count);
    if (db) STORE_PART(db + start, b, count);
  }
}
