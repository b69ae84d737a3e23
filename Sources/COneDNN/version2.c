// oneDNN 2.6 and 2.7: operation descriptors, memory descriptors as plain structs.
#include "operation.h"

#if DNNL_VERSION_MAJOR < 3

#include <stdlib.h>

static dnnl_status_t keep(dnn_layout *layout, const dnnl_memory_desc_t *value) {
  *layout = malloc(sizeof **layout);
  if (!*layout) return dnnl_out_of_memory;
  **layout = *value;
  return dnnl_success;
}

dnnl_status_t dnn_layout_create(dnn_layout *layout, int rank, const int64_t *sizes, dnnl_data_type_t type,
                                const int64_t *strides) {
  dnnl_memory_desc_t value;
  dnnl_status_t status = strides ? dnnl_memory_desc_init_by_strides(&value, rank, sizes, type, strides)
                                 : dnnl_memory_desc_init_by_tag(&value, rank, sizes, type, dnnl_format_tag_any);
  return status == dnnl_success ? keep(layout, &value) : status;
}

dnnl_status_t dnn_layout_copy(dnn_layout *layout, dnn_layout_view view) { return keep(layout, view); }

dnnl_status_t dnn_layout_part(dnn_layout *layout, int64_t *offset, dnn_layout_view view, const int64_t *sizes,
                              const int64_t *offsets) {
  dnnl_memory_desc_t value;
  dnnl_status_t status = dnnl_memory_desc_init_submemory(&value, view, sizes, offsets);
  if (status != dnnl_success) return status;
  *offset = value.offset0;
  value.offset0 = 0;
  return keep(layout, &value);
}

void dnn_layout_destroy(dnn_layout layout) { free(layout); }

dnnl_status_t dnn_attributes(dnnl_primitive_attr_t *attributes, dnn_tail tail, dnnl_data_type_t destination) {
  (void)destination;
  dnnl_post_ops_t operations = NULL;
  dnnl_status_t status = dnnl_primitive_attr_create(attributes);
  if (status == dnnl_success) status = dnnl_primitive_attr_set_scratchpad_mode(*attributes, dnnl_scratchpad_mode_user);
  if (status == dnnl_success) status = dnnl_post_ops_create(&operations);
  if (status == dnnl_success && tail.scale != 1)
    status = dnnl_post_ops_append_eltwise(operations, 1, dnnl_eltwise_linear, tail.scale, 0);
  if (status == dnnl_success && tail.accumulate) status = dnnl_post_ops_append_sum(operations, 1);
  if (status == dnnl_success && tail.relu)
    status = dnnl_post_ops_append_eltwise(operations, 1, dnnl_eltwise_relu, 0, 0);
  if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(*attributes, operations);
  if (operations) dnnl_post_ops_destroy(operations);
  return status;
}

dnnl_status_t dnn_matmul_describe(dnnl_primitive_desc_t *description, dnn_layout_view a, dnn_layout_view b,
                                  dnn_layout_view bias, dnn_layout_view c, const_dnnl_primitive_attr_t attributes) {
  dnnl_matmul_desc_t operation;
  dnnl_status_t status = dnnl_matmul_desc_init(&operation, a, b, bias, c);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(description, &operation, attributes, dnn_engine(), NULL);
}

static dnnl_status_t describe_forward(dnnl_primitive_desc_t *description, dnn_layout_view x, dnn_layout_view w,
                                      dnn_layout_view bias, dnn_layout_view y, const dnn_window *window,
                                      const_dnnl_primitive_attr_t attributes) {
  dnnl_convolution_desc_t operation;
  dnnl_status_t status = dnnl_dilated_convolution_forward_desc_init(
      &operation, dnnl_forward_training, dnnl_convolution_direct, x, w, bias, y, window->stride, window->dilation,
      window->low, window->high);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(description, &operation, attributes, dnn_engine(), NULL);
}

dnnl_status_t dnn_convolution_describe(dnnl_primitive_desc_t *description, apus_direction direction, dnn_layout_view x,
                                       dnn_layout_view w, dnn_layout_view bias, dnn_layout_view y,
                                       const dnn_window *window, const_dnnl_primitive_attr_t attributes) {
  if (direction == APUS_FORWARD) return describe_forward(description, x, w, bias, y, window, attributes);
  dnnl_primitive_desc_t hint = NULL;
  dnnl_status_t status = describe_forward(&hint, x, w, NULL, y, window, NULL);
  if (status != dnnl_success) return status;
  dnnl_convolution_desc_t operation;
  if (direction == APUS_BACKWARD_DATA)
    status = dnnl_dilated_convolution_backward_data_desc_init(&operation, dnnl_convolution_direct, x, w, y,
                                                              window->stride, window->dilation, window->low,
                                                              window->high);
  else
    status = dnnl_dilated_convolution_backward_weights_desc_init(&operation, dnnl_convolution_direct, x, w, NULL, y,
                                                                 window->stride, window->dilation, window->low,
                                                                 window->high);
  if (status == dnnl_success)
    status = dnnl_primitive_desc_create(description, &operation, attributes, dnn_engine(), hint);
  dnnl_primitive_desc_destroy(hint);
  return status;
}

#endif
