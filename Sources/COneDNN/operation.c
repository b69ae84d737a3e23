#include "operation.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local char error_text[512];
static char version_text[32];
static dnnl_engine_t shared_engine;

int dnn_fail(const char *format, ...) {
  va_list values;
  va_start(values, format);
  vsnprintf(error_text, sizeof error_text, format, values);
  va_end(values);
  return -1;
}

const char *apus_onednn_error(void) { return error_text; }

static void write_version(void) {
  const dnnl_version_t *version = dnnl_version();
  snprintf(version_text, sizeof version_text, "%d.%d.%d", version->major, version->minor, version->patch);
}

const char *apus_onednn_version(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, write_version);
  return version_text;
}

void dnn_use_one_thread(void) {
  static _Thread_local bool done;
  if (done) return;
  done = true;
  // Found at run time, since the library may be built with another OpenMP, or with none.
  void (*set_threads)(int) = (void (*)(int))dlsym(RTLD_DEFAULT, "omp_set_num_threads");
  if (set_threads) set_threads(1);
}

static void create_engine(void) {
  if (dnnl_engine_create(&shared_engine, dnnl_cpu, 0) != dnnl_success) shared_engine = NULL;
}

dnnl_engine_t dnn_engine(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  dnn_use_one_thread();
  pthread_once(&once, create_engine);
  return shared_engine;
}

dnnl_data_type_t dnn_type(int32_t type) {
  switch (type) {
    case APUS_FLOAT32: return dnnl_f32;
    case APUS_BFLOAT16: return dnnl_bf16;
    case APUS_FLOAT16: return dnnl_f16;
    default: return dnnl_data_type_undef;
  }
}

bool dnn_is_fast(const_dnnl_primitive_desc_t description) {
  const char *name = NULL;
  if (dnnl_primitive_desc_query(description, dnnl_query_impl_info_str, 0, &name) != dnnl_success) return true;
  return strncmp(name, "ref", 3) != 0 && strncmp(name, "gemm:ref", 8) != 0;
}

dnn_layout_view dnn_chosen_layout(const_dnnl_primitive_desc_t description, int32_t argument) {
  return dnnl_primitive_desc_query_md(description, dnnl_query_exec_arg_md, argument);
}

static void slot_destroy(dnn_slot *slot) {
  for (int32_t i = 0; i < DNN_MAX_ARGUMENTS; i++)
    if (slot->arguments[i].memory) dnnl_memory_destroy(slot->arguments[i].memory);
  if (slot->stream) dnnl_stream_destroy(slot->stream);
  free(slot);
}

static dnn_slot *slot_create(const dnn_operation *operation) {
  dnn_slot *slot = calloc(1, sizeof *slot);
  if (!slot) return NULL;
  atomic_flag_clear(&slot->busy);
  dnnl_status_t status = dnnl_stream_create(&slot->stream, dnn_engine(), dnnl_stream_default_flags);
  for (int32_t i = 0; i < operation->count && status == dnnl_success; i++) {
    slot->arguments[i].arg = operation->arguments[i];
    status = dnnl_memory_create(&slot->arguments[i].memory, operation->layouts[i], dnn_engine(), DNNL_MEMORY_NONE);
  }
  if (status == dnnl_success) return slot;
  slot_destroy(slot);
  return NULL;
}

/// Makes the slot at `index` unless another thread was faster.
static dnn_slot *slot_at(dnn_operation *operation, int32_t index) {
  dnn_slot *slot = atomic_load_explicit(&operation->slots[index], memory_order_acquire);
  if (slot) return slot;
  dnn_slot *made = slot_create(operation);
  if (!made) return NULL;
  if (atomic_compare_exchange_strong(&operation->slots[index], &slot, made)) return made;
  slot_destroy(made);
  return slot;
}

static dnnl_status_t fill(dnn_operation *operation, dnnl_primitive_desc_t description, int32_t count,
                          const int32_t *arguments) {
  dnnl_status_t status = dnnl_primitive_create(&operation->primitive, description);
  if (status != dnnl_success) return status;
  operation->count = count + 1;
  for (int32_t i = 0; i <= count; i++) {
    operation->arguments[i] = i < count ? arguments[i] : DNNL_ARG_SCRATCHPAD;
    dnn_layout_view view = dnn_chosen_layout(description, operation->arguments[i]);
    if (i == count) {
      operation->scratch_bytes = (int64_t)dnnl_memory_desc_get_size(view);
      if (operation->scratch_bytes == 0) operation->count = count;
    }
    if (i < operation->count) status = dnn_layout_copy(&operation->layouts[i], view);
    if (status != dnnl_success) return status;
  }
  // Enough for every thread of today's pool, so that no run allocates; more threads later make their own once.
  for (int32_t i = 0; i < dnn_minimum(apus_threads(), DNN_SLOTS); i++)
    if (!slot_at(operation, i)) return dnnl_out_of_memory;
  return dnnl_success;
}

dnnl_status_t dnn_operation_create(dnn_operation **result, dnnl_primitive_desc_t description, int32_t count,
                                   const int32_t *arguments) {
  dnn_operation *operation = calloc(1, sizeof *operation);
  dnnl_status_t status = operation ? fill(operation, description, count, arguments) : dnnl_out_of_memory;
  dnnl_primitive_desc_destroy(description);
  if (status != dnnl_success) {
    dnn_operation_destroy(operation);
    operation = NULL;
  }
  *result = operation;
  return status;
}

dnnl_status_t dnn_reorder_create(dnn_operation **operation, dnn_layout_view from, dnn_layout_view to) {
  *operation = NULL;
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_primitive_desc_t description = NULL;
  dnnl_status_t status = dnn_attributes(&attributes, (dnn_tail){.scale = 1}, dnnl_f32);
  if (status == dnnl_success)
    status = dnnl_reorder_primitive_desc_create(&description, from, dnn_engine(), to, dnn_engine(), attributes);
  if (attributes) dnnl_primitive_attr_destroy(attributes);
  if (status != dnnl_success) return status;
  return dnn_operation_create(operation, description, 2, (int32_t[]){DNNL_ARG_FROM, DNNL_ARG_TO});
}

void dnn_operation_destroy(dnn_operation *operation) {
  if (!operation) return;
  for (int32_t i = 0; i < DNN_SLOTS; i++) {
    dnn_slot *slot = atomic_load(&operation->slots[i]);
    if (slot) slot_destroy(slot);
  }
  for (int32_t i = 0; i < DNN_MAX_ARGUMENTS; i++)
    if (operation->layouts[i]) dnn_layout_destroy(operation->layouts[i]);
  if (operation->primitive) dnnl_primitive_destroy(operation->primitive);
  free(operation);
}

/// A slot that nobody else uses. The thread's own number is only where the search begins: two threads may have the same
/// number when both run chunks outside the pool.
static dnn_slot *slot_claim(dnn_operation *operation) {
  int32_t first = apus_thread_index();
  for (int32_t i = 0;; i++) {
    dnn_slot *slot = slot_at(operation, (int32_t)((uint32_t)(first + i) % DNN_SLOTS));
    if (slot && !atomic_flag_test_and_set_explicit(&slot->busy, memory_order_acquire)) return slot;
  }
}

void dnn_operation_run(dnn_operation *operation, void *const *pointers, void *scratch) {
  dnn_use_one_thread();
  dnn_slot *slot = slot_claim(operation);
  for (int32_t i = 0; i < operation->count; i++) {
    void *pointer = operation->arguments[i] == DNNL_ARG_SCRATCHPAD ? scratch : pointers[i];
    dnnl_memory_set_data_handle(slot->arguments[i].memory, pointer);
  }
  dnnl_status_t status = dnnl_primitive_execute(operation->primitive, slot->stream, operation->count, slot->arguments);
  atomic_flag_clear_explicit(&slot->busy, memory_order_release);
  if (status == dnnl_success) return;
  fprintf(stderr, "apus: oneDNN %s could not run a prepared kernel (status %d): out of memory?\n",
          apus_onednn_version(), (int)status);
  abort();
}
