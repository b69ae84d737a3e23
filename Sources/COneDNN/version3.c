// oneDNN 3.x: no operation descriptors, memory descriptors as handles.
#include "operation.h"

#if DNNL_VERSION_MAJOR >= 3

dnnl_status_t dnn_layout_create(dnn_layout *layout, int rank, const int64_t *sizes, dnnl_data_type_t type,
                                const int64_t *strides) {
  return strides ? dnnl_memory_desc_create_with_strides(layout, rank, sizes, type, strides)
                 : dnnl_memory_desc_create_with_tag(layout, rank, sizes, type, dnnl_format_tag_any);
}

dnnl_status_t dnn_layout_copy(dnn_layout *layout, dnn_layout_view view) {
  return dnnl_memory_desc_clone(layout, view);
}

dnnl_status_t dnn_layout_part(dnn_layout *layout, int64_t *offset, dnn_layout_view view, const int64_t *sizes,
                              const int64_t *offsets) {
  // The part's own offset cannot be taken away, so it is read from one part and the layout made at the beginning.
  const dnnl_dims_t origin = {0};
  dnnl_memory_desc_t placed = NULL;
  dnnl_status_t status = dnnl_memory_desc_create_submemory(&placed, view, sizes, offsets);
  if (status == dnnl_success) status = dnnl_memory_desc_query(placed, dnnl_query_submemory_offset_s64, offset);
  if (placed) dnnl_memory_desc_destroy(placed);
  return status == dnnl_success ? dnnl_memory_desc_create_submemory(layout, view, sizes, origin) : status;
}

void dnn_layout_destroy(dnn_layout layout) { dnnl_memory_desc_destroy(layout); }

dnnl_status_t dnn_attributes(dnnl_primitive_attr_t *attributes, dnn_tail tail, dnnl_data_type_t destination) {
  dnnl_post_ops_t operations = NULL;
  dnnl_status_t status = dnnl_primitive_attr_create(attributes);
  if (status == dnnl_success) status = dnnl_primitive_attr_set_scratchpad_mode(*attributes, dnnl_scratchpad_mode_user);
  if (status == dnnl_success) status = dnnl_post_ops_create(&operations);
  if (status == dnnl_success && tail.scale != 1)
    status = dnnl_post_ops_append_eltwise(operations, dnnl_eltwise_linear, tail.scale, 0);
  if (status == dnnl_success && tail.accumulate) status = dnnl_post_ops_append_sum(operations, 1, 0, destination);
  if (status == dnnl_success && tail.relu) status = dnnl_post_ops_append_eltwise(operations, dnnl_eltwise_relu, 0, 0);
  if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(*attributes, operations);
  if (operations) dnnl_post_ops_destroy(operations);
  return status;
}

dnnl_status_t dnn_matmul_describe(dnnl_primitive_desc_t *description, dnn_layout_view a, dnn_layout_view b,
                                  dnn_layout_view bias, dnn_layout_view c, const_dnnl_primitive_attr_t attributes) {
  return dnnl_matmul_primitive_desc_create(description, dnn_engine(), a, b, bias, c, attributes);
}

static dnnl_status_t describe_forward(dnnl_primitive_desc_t *description, dnn_layout_view x, dnn_layout_view w,
                                      dnn_layout_view bias, dnn_layout_view y, const dnn_window *window,
                                      const_dnnl_primitive_attr_t attributes) {
  return dnnl_convolution_forward_primitive_desc_create(
      description, dnn_engine(), dnnl_forward_training, dnnl_convolution_direct, x, w, bias, y, window->stride,
      window->dilation, window->low, window->high, attributes);
}

dnnl_status_t dnn_convolution_describe(dnnl_primitive_desc_t *description, apus_direction direction, dnn_layout_view x,
                                       dnn_layout_view w, dnn_layout_view bias, dnn_layout_view y,
                                       const dnn_window *window, const_dnnl_primitive_attr_t attributes) {
  if (direction == APUS_FORWARD) return describe_forward(description, x, w, bias, y, window, attributes);
  dnnl_primitive_desc_t hint = NULL;
  dnnl_status_t status = describe_forward(&hint, x, w, NULL, y, window, NULL);
  if (status != dnnl_success) return status;
  if (direction == APUS_BACKWARD_DATA)
    status = dnnl_convolution_backward_data_primitive_desc_create(
        description, dnn_engine(), dnnl_convolution_direct, x, w, y, window->stride, window->dilation, window->low,
        window->high, hint, attributes);
  else
    status = dnnl_convolution_backward_weights_primitive_desc_create(
        description, dnn_engine(), dnnl_convolution_direct, x, w, NULL, y, window->stride, window->dilation,
        window->low, window->high, hint, attributes);
  dnnl_primitive_desc_destroy(hint);
  return status;
}

#endif
