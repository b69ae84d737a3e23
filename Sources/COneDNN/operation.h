// oneDNN's primitives without the differences between 2.6 and 3.x: what the kernels of this target are built from.
#ifndef APUS_OPERATION_H
#define APUS_OPERATION_H

#include "COneDNN.h"

#include <dnnl.h>
#include <stdatomic.h>
#include <stdbool.h>

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t dnn_layout;
typedef const_dnnl_memory_desc_t dnn_layout_view;
#else
typedef dnnl_memory_desc_t *dnn_layout;
typedef const dnnl_memory_desc_t *dnn_layout_view;
#endif

#define DNN_MAX_ARGUMENTS 5  // the scratchpad included
#define DNN_SLOTS 256

/// Where an element-wise tail of a primitive stands: relu(scale * product + bias + old destination).
typedef struct dnn_tail {
  float scale;
  bool accumulate, relu;
} dnn_tail;

/// Memory objects and a stream for one execution at a time.
typedef struct dnn_slot {
  atomic_flag busy;
  dnnl_stream_t stream;
  dnnl_exec_arg_t arguments[DNN_MAX_ARGUMENTS];
} dnn_slot;

/// A primitive that any number of threads may run at once.
typedef struct dnn_operation {
  dnnl_primitive_t primitive;
  int64_t scratch_bytes;
  int32_t count;
  int32_t arguments[DNN_MAX_ARGUMENTS];
  dnn_layout layouts[DNN_MAX_ARGUMENTS];
  _Atomic(dnn_slot *) slots[DNN_SLOTS];
} dnn_operation;

/// Writes the sentence of `apus_onednn_error` and returns -1.
int dnn_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/// oneDNN must not start a team of threads inside our chunks. Call it before anything else of the library.
void dnn_use_one_thread(void);

dnnl_engine_t dnn_engine(void);

/// The library's name of an element type; `dnnl_data_type_undef` where it has none.
dnnl_data_type_t dnn_type(int32_t type);

// One of the two version files defines these. A layout without strides is the library's to choose.
dnnl_status_t dnn_layout_create(dnn_layout *layout, int rank, const int64_t *sizes, dnnl_data_type_t type,
                                const int64_t *strides);
dnnl_status_t dnn_layout_copy(dnn_layout *layout, dnn_layout_view view);
/// The layout of a part of `view` as if it began at 0, and the element at which it really begins.
dnnl_status_t dnn_layout_part(dnn_layout *layout, int64_t *offset, dnn_layout_view view, const int64_t *sizes,
                              const int64_t *offsets);
void dnn_layout_destroy(dnn_layout layout);
dnnl_status_t dnn_attributes(dnnl_primitive_attr_t *attributes, dnn_tail tail, dnnl_data_type_t destination);
dnnl_status_t dnn_matmul_describe(dnnl_primitive_desc_t *description, dnn_layout_view a, dnn_layout_view b,
                                  dnn_layout_view bias, dnn_layout_view c, const_dnnl_primitive_attr_t attributes);

typedef struct dnn_window {
  dnnl_dims_t stride, dilation, low, high;  // dilation 0: dense
} dnn_window;

/// `x`, `w`, `y` are the gradients' layouts where the direction computes one; `bias` is NULL but for forward.
dnnl_status_t dnn_convolution_describe(dnnl_primitive_desc_t *description, apus_direction direction, dnn_layout_view x,
                                       dnn_layout_view w, dnn_layout_view bias, dnn_layout_view y,
                                       const dnn_window *window, const_dnnl_primitive_attr_t attributes);

/// Makes the primitive of `description` (which it releases). `arguments` are DNNL_ARG_… without the scratchpad.
dnnl_status_t dnn_operation_create(dnn_operation **operation, dnnl_primitive_desc_t description, int32_t count,
                                   const int32_t *arguments);
dnnl_status_t dnn_reorder_create(dnn_operation **operation, dnn_layout_view from, dnn_layout_view to);
void dnn_operation_destroy(dnn_operation *operation);

/// Runs on the calling thread; `pointers` in the order of the arguments, `scratch` of at least `scratch_bytes`.
void dnn_operation_run(dnn_operation *operation, void *const *pointers, void *scratch);

/// Whether the library has a compiled algorithm, not only its slow reference.
bool dnn_is_fast(const_dnnl_primitive_desc_t description);

/// The layout that the library chose for an argument.
dnn_layout_view dnn_chosen_layout(const_dnnl_primitive_desc_t description, int32_t argument);

static inline int64_t dnn_minimum(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t dnn_maximum(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t dnn_ceiling(int64_t a, int64_t b) { return (a + b - 1) / b; }
static inline int64_t dnn_round_up(int64_t a, int64_t b) { return dnn_ceiling(a, b) * b; }

#endif
