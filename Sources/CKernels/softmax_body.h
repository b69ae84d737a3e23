// Softmax of rows; a template of reals.h. Rows fit the first caches, so the sweeps over a row cost little.

/// Values after which a sum in vector lanes moves to float64.
#ifndef APUS_SOFTMAX_BLOCK
#define APUS_SOFTMAX_BLOCK 4096
#endif

static REAL NAME(row_highest)(const REAL *x, int64_t n) {
  VECTOR a = -(REAL)INFINITY, b = a, c = a, d = a;
  int64_t i = 0;
  for (; i + 4 * LANES <= n; i += 4 * LANES) {
    a = HIGHER(LOAD(x + i), a), b = HIGHER(LOAD(x + i + LANES), b);
    c = HIGHER(LOAD(x + i + 2 * LANES), c), d = HIGHER(LOAD(x + i + 3 * LANES), d);
  }
  for (; i < n; i += LANES) a = HIGHER(LOAD_FILL(x + i, n - i, -(REAL)INFINITY), a);
  return HIGHEST(HIGHER(HIGHER(a, b), HIGHER(c, d)));
}

/// Σ exp(x - highest); the terms go to `y` unless it is null.
static double NAME(row_exponentials)(const REAL *x, REAL *y, int64_t n, REAL highest) {
  double total = 0;
  for (int64_t start = 0; start < n; start += APUS_SOFTMAX_BLOCK) {
    int64_t end = apus_smaller(n, start + APUS_SOFTMAX_BLOCK), i = start;
    VECTOR a = 0, b = 0;
    for (; i + 2 * LANES <= end; i += 2 * LANES) {
      VECTOR p = EXP(LOAD(x + i) - highest), q = EXP(LOAD(x + i + LANES) - highest);
      if (y) STORE(y + i, p), STORE(y + i + LANES, q);
      a += p, b += q;
    }
    for (; i < end; i += LANES) {
      VECTOR p = EXP(LOAD_FILL(x + i, end - i, -(REAL)INFINITY) - highest);
      if (y) STORE_PART(y + i, p, end - i);
      a += p;
    }
    total += SUM(a + b);
  }
  return total;
}

/// Σ a·b, or Σ b where `a` is null.
static double NAME(row_product)(const REAL *a, const REAL *b, int64_t n) {
  double total = 0;
  for (int64_t start = 0; start < n; start += APUS_SOFTMAX_BLOCK) {
    int64_t end = apus_smaller(n, start + APUS_SOFTMAX_BLOCK), i = start;
    VECTOR s = 0, t = 0;
    for (; i + 2 * LANES <= end; i += 2 * LANES) {
      VECTOR p = LOAD(b + i), q = LOAD(b + i + LANES);
      if (a) p *= LOAD(a + i), q *= LOAD(a + i + LANES);
      s += p, t += q;
    }
    for (; i < end; i += LANES) {
      VECTOR p = LOAD_PART(b + i, end - i);
      if (a) p *= LOAD_PART(a + i, end - i);
      s += p;
    }
    total += SUM(s + t);
  }
  return total;
}

#define EACH(input, expression)                                       \
  {                                                                   \
    int64_t i = 0;                                                    \
    for (; i + LANES <= n; i += LANES) {                              \
      VECTOR v = LOAD(input + i);                                     \
      STORE(y + i, expression(LOAD));                                 \
    }                                                                 \
    if (i < n) {                                                      \
      VECTOR v = LOAD_PART(input + i, n - i);                         \
      STORE_PART(y + i, expression(PART), n - i);                     \
    }                                                                 \
  }
#define PART(p) LOAD_PART(p, n - i)

static void NAME(fill_row)(REAL *y, int64_t n, REAL value) {
  for (int64_t i = 0; i < n; i++) y[i] = value;
}

static void NAME(softmax_row)(const REAL *x, REAL *y, int64_t n) {
  REAL highest = NAME(row_highest)(x, n);
  if (highest == -(REAL)INFINITY) {
    NAME(fill_row)(y, n, 0);
    return;
  }
  REAL scale = (REAL)(1 / NAME(row_exponentials)(x, y, n, highest));
#define SCALED(load) v * scale
  EACH(y, SCALED)
#undef SCALED
}

static void NAME(log_softmax_row)(const REAL *x, REAL *y, int64_t n) {
  REAL highest = NAME(row_highest)(x, n);
  if (highest == -(REAL)INFINITY) {
    NAME(fill_row)(y, n, -(REAL)INFINITY);
    return;
  }
  REAL rest = (REAL)log(NAME(row_exponentials)(x, NULL, n, highest));
#define SHIFTED(load) (v - highest) - rest
  EACH(x, SHIFTED)
#undef SHIFTED
}

static void NAME(softmax_gradient_row)(const REAL *p, const REAL *dy, REAL *y, int64_t n) {
  REAL sum = (REAL)NAME(row_product)(p, dy, n);
#define WEIGHTED(load) load(p + i) * (v - sum)
  EACH(dy, WEIGHTED)
#undef WEIGHTED
}

static void NAME(log_softmax_gradient_row)(const REAL *l, const REAL *dy, REAL *y, int64_t n) {
  REAL sum = (REAL)NAME(row_product)(NULL, dy, n);
#define WEIGHTED(load) v - EXP(load(l + i)) * sum
  EACH(dy, WEIGHTED)
#undef WEIGHTED
}

static void NAME(softmax_chunk)(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  (void)scratch;
  const apus_softmax *p = parameters;
  int64_t n = p->columns, rows = apus_items_per_chunk(n), last = apus_smaller(p->rows, (chunk + 1) * rows);
  for (int64_t row = chunk * rows; row < last; row++) {
    const REAL *a = (const REAL *)buffers[0] + row * n, *b = (const REAL *)buffers[1] + row * n;
    REAL *b_out = (REAL *)buffers[1] + row * n;
    switch (p->operation) {
      case APUS_SOFTMAX: NAME(softmax_row)(a, b_out, n); break;
      case APUS_LOG_SOFTMAX: NAME(log_softmax_row)(a, b_out, n); break;
      case APUS_LOG_SUM_EXP: {
        REAL highest = NAME(row_highest)(a, n);
        double sum = highest == -(REAL)INFINITY ? 1 : NAME(row_exponentials)(a, NULL, n, highest);
        ((REAL *)buffers[1])[row] = (REAL)(highest + log(sum));
        break;
      }
      case APUS_SOFTMAX_GRADIENT: NAME(softmax_gradient_row)(a, b, (REAL *)buffers[2] + row * n, n); break;
      default: NAME(log_softmax_gradient_row)(a, b, (REAL *)buffers[2] + row * n, n); break;
    }
  }
}

#undef EACH
#undef PART
