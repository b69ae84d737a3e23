#include "include/pooling.h"

#include "prepare.h"

typedef struct pool_plan {
  apus_pool p;
  int32_t is_maximum;
  int64_t image, outputs, inputs;  // places of an input image, of all outputs, of all inputs
  int64_t per_chunk;
} pool_plan;

/// A window on one axis: the places start + j · dilation for first <= j < last lie in the input; `counted` of them are
/// what an average divides by.
typedef struct pool_window {
  int64_t start, first, last, counted;
} pool_window;

static inline pool_window window_of(const apus_pool_axis *a, int64_t o) {
  pool_window w = {.start = o * a->stride - a->low};
  w.first = w.start >= 0 ? 0 : apus_divide_up(-w.start, a->dilation);
  w.last = apus_larger(w.first, apus_smaller(a->kernel, apus_divide_up(apus_larger(0, a->input - w.start), a->dilation)));
  w.counted = apus_smaller(w.start + a->kernel, a->input + a->high) - w.start;
  return w;
}

/// One over the divisor of an average.
static inline double window_factor(const pool_plan *plan, const pool_window *w) {
  int64_t inside = 1, counted = 1;
  for (int axis = 0; axis < 3; axis++) inside *= w[axis].last - w[axis].first, counted *= w[axis].counted;
  if (inside == 0) return 0;
  return 1 / (double)(plan->p.counts_padding ? counted : inside);
}

/// The windows of output number `at`; the result is its image.
static inline int64_t windows_of(const pool_plan *plan, int64_t at, pool_window *w) {
  for (int axis = 2; axis >= 0; axis--) {
    w[axis] = window_of(plan->p.axes + axis, at % plan->p.axes[axis].output);
    at /= plan->p.axes[axis].output;
  }
  return at;
}

/// The outputs, first ..< last on every axis, whose windows may hold input number `at`; the result is its image. A
/// dilated window holds it only where the distance fits, which an average never asks and a maximum reads off its place.
static inline int64_t outputs_of(const pool_plan *plan, int64_t at, pool_window *o) {
  for (int axis = 2; axis >= 0; axis--) {
    const apus_pool_axis *a = plan->p.axes + axis;
    int64_t padded = at % a->input + a->low, reach = (a->kernel - 1) * a->dilation;
    o[axis].first = padded <= reach ? 0 : apus_divide_up(padded - reach, a->stride);
    o[axis].last = apus_larger(o[axis].first, apus_smaller(a->output, padded / a->stride + 1));
    at /= a->input;
  }
  return at;
}

#define APUS_TEMPLATE "pooling_body.h"
#define APUS_BODY "reals.h"
#include "instruction_sets.h"

static int prepare(const apus_pool *p, apus_kernel *kernel, int32_t is_maximum, int is_gradient) {
  if (p->batch < 0 || p->channels < 0 || !APUS_IS_REAL(p->type)) return -1;
  pool_plan plan = {.p = *p, .is_maximum = is_maximum, .image = 1, .outputs = p->batch};
  int64_t window = 1, overlap = 1;
  for (int axis = 0; axis < 3; axis++) {
    const apus_pool_axis *a = p->axes + axis;
    if (a->input < 0 || a->output < 0 || a->kernel < 1 || a->stride < 1 || a->dilation < 1 || a->low < 0 || a->high < 0)
      return -1;
    if (!is_maximum && a->dilation != 1) return -1;
    plan.image *= a->input, plan.outputs *= a->output;
    window *= a->kernel, overlap *= apus_divide_up((a->kernel - 1) * a->dilation + 1, a->stride);
  }
  if (plan.image > INT32_MAX) return -1;
  plan.inputs = p->batch * plan.image;
  plan.per_chunk = apus_items_per_chunk(p->channels * (is_gradient ? overlap : window));
  if (apus_kernel_begin(kernel, &plan, sizeof plan)) return -1;
  int64_t items = p->channels == 0 ? 0 : is_gradient ? plan.inputs : plan.outputs;
  apus_body forward = APUS_DISPATCH_REAL(pool_chunk, p->type), backward = APUS_DISPATCH_REAL(pool_gradient_chunk, p->type);
  apus_kernel_phase(kernel, is_gradient ? backward : forward, apus_divide_up(items, plan.per_chunk), 0);
  return 0;
}

int apus_max_pool_prepare(const apus_pool *p, apus_kernel *kernel) { return prepare(p, kernel, 1, 0); }
int apus_max_pool_gradient_prepare(const apus_pool *p, apus_kernel *kernel) { return prepare(p, kernel, 1, 1); }
int apus_average_pool_prepare(const apus_pool *p, apus_kernel *kernel) { return prepare(p, kernel, 0, 0); }
int apus_average_pool_gradient_prepare(const apus_pool *p, apus_kernel *kernel) { return prepare(p, kernel, 0, 1); }
