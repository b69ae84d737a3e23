#include "CPJRT.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A function of the table. Those that destroy and those that read messages return nothing.
typedef apus_pjrt_error *(*function)(void *arguments);

struct apus_pjrt {
  size_t struct_size;
  void *extension;
  struct {
    size_t struct_size;
    void *extension;
    int32_t major, minor;
  } version;
  function functions[];
};

_Static_assert(offsetof(struct apus_pjrt, functions) == 40, "the table's functions begin at 40");
_Static_assert(offsetof(struct apus_pjrt, version.major) == 32, "the version is at 32");

enum {
  ERROR_DESTROY = 0, ERROR_MESSAGE = 1, ERROR_CODE = 2, INITIALIZE = 3, ATTRIBUTES = 4,
  EVENT_AWAIT = 8, CLIENT_CREATE = 10, CLIENT_DEVICES = 16, CLIENT_COMPILE = 20, UPLOAD = 22,
  DESCRIPTION_ID = 23, DESCRIPTION_KIND = 26, DEVICE_DESCRIPTION = 29, INNER_DESTROY = 40,
  OUTPUT_COUNT = 44, SERIALIZE = 49, INNER = 51, EXECUTE = 55, LOAD = 56, IS_DELETED = 68,
  DOWNLOAD = 70, LAST = DOWNLOAD
};

// Every struct of arguments begins with its own size. A plugin takes larger ones than it knows, with zeros for what it does
// not know, and refuses smaller ones: so each is declared with the newest fields known.
#define HEAD                                                                                       \
  size_t struct_size;                                                                              \
  void *extension;

typedef struct { HEAD const void *object; } one;
typedef struct { HEAD const void *object; void *out; } object_out;
typedef struct { HEAD const void *object; int64_t out; } number_out;
typedef struct { HEAD const void *object; const char *characters; size_t count; } text_out;
typedef struct { HEAD const void *object; const void *list; size_t count; } list_out;

#define CALL(slot, arguments)                                                                      \
  ((arguments).struct_size = sizeof(arguments), api->functions[slot](&(arguments)))

apus_pjrt_opening apus_pjrt_open(const char *path, const apus_pjrt **api, char *message,
                                 size_t capacity) {
  setenv("TF_CPP_MIN_LOG_LEVEL", "3", 0);
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *why = dlerror();
    snprintf(message, capacity, "%s", why ? why : "no reason is given");
    return APUS_PJRT_NO_LIBRARY;
  }
  const apus_pjrt *(*get)(void) = (const apus_pjrt *(*)(void))dlsym(library, "GetPjrtApi");
  if (!get) {
    dlclose(library);
    return APUS_PJRT_NO_FUNCTION;
  }
  *api = get();
  return *api ? APUS_PJRT_OPENED : APUS_PJRT_NO_TABLE;
}

void apus_pjrt_version(const apus_pjrt *api, int *major, int *minor) {
  *major = api->version.major;
  *minor = api->version.minor;
}

bool apus_pjrt_is_complete(const apus_pjrt *api) {
  return api->struct_size >= offsetof(struct apus_pjrt, functions) + (LAST + 1) * sizeof(function);
}

apus_pjrt_error *apus_pjrt_initialize(const apus_pjrt *api) {
  struct { HEAD } a = {0};
  return CALL(INITIALIZE, a);
}

_Static_assert(sizeof(apus_pjrt_value) == 56, "a named value has 56 bytes");

apus_pjrt_error *apus_pjrt_attributes(const apus_pjrt *api, const apus_pjrt_value **values,
                                      size_t *count) {
  struct { HEAD const apus_pjrt_value *values; size_t count; } a = {0};
  apus_pjrt_error *error = CALL(ATTRIBUTES, a);
  *values = a.values;
  *count = error ? 0 : a.count;
  return error;
}

int apus_pjrt_error_code(const apus_pjrt *api, const apus_pjrt_error *error) {
  struct { HEAD const void *object; int32_t code; } a = {.object = error};
  apus_pjrt_error *second = CALL(ERROR_CODE, a);
  if (!second) return a.code;
  apus_pjrt_error_destroy(api, second);
  return 2;
}

void apus_pjrt_error_message(const apus_pjrt *api, const apus_pjrt_error *error,
                             const char **characters, size_t *count) {
  text_out a = {.object = error};
  CALL(ERROR_MESSAGE, a);
  *characters = a.characters;
  *count = a.count;
}

void apus_pjrt_error_destroy(const apus_pjrt *api, apus_pjrt_error *error) {
  one a = {.object = error};
  CALL(ERROR_DESTROY, a);
}

// Nothing is left to do about an object that cannot be destroyed.
static void drop(const apus_pjrt *api, int slot, void *object) {
  one a = {.object = object};
  apus_pjrt_error *error = CALL(slot, a);
  if (error) apus_pjrt_error_destroy(api, error);
}

void apus_pjrt_destroy(const apus_pjrt *api, apus_pjrt_handle kind, apus_pjrt_object *object) {
  drop(api, kind, object);
}

// MARK: Clients and devices

apus_pjrt_error *apus_pjrt_client_create(const apus_pjrt *api, const char *option,
                                         apus_pjrt_kind kind, int64_t value,
                                         apus_pjrt_object **client) {
  apus_pjrt_value options = {.struct_size = sizeof(options), .name = option,
                             .name_size = option ? strlen(option) : 0, .kind = kind, .count = 1};
  if (kind == APUS_PJRT_BOOL) {
    options.value.flag = value != 0;
  } else {
    options.value.integer = value;
  }
  struct {
    HEAD
    const apus_pjrt_value *options;
    size_t count;
    void *key_value_get[4];
    apus_pjrt_object *client;
    void *key_value_try_get[2];
  } a = {.options = &options, .count = option ? 1 : 0};
  _Static_assert(offsetof(__typeof__(a), client) == 64 && sizeof(a) == 88, "Client_Create");
  apus_pjrt_error *error = CALL(CLIENT_CREATE, a);
  *client = a.client;
  return error;
}

static apus_pjrt_error *text(const apus_pjrt *api, int slot, const void *object,
                             const char **characters, size_t *count) {
  text_out a = {.object = object};
  apus_pjrt_error *error = CALL(slot, a);
  *characters = a.characters;
  *count = error ? 0 : a.count;
  return error;
}

apus_pjrt_error *apus_pjrt_client_text(const apus_pjrt *api, apus_pjrt_text what,
                                       apus_pjrt_object *client, const char **characters,
                                       size_t *count) {
  return text(api, what, client, characters, count);
}

apus_pjrt_error *apus_pjrt_client_devices(const apus_pjrt *api, apus_pjrt_object *client,
                                          apus_pjrt_object *const **devices, size_t *count) {
  list_out a = {.object = client};
  apus_pjrt_error *error = CALL(CLIENT_DEVICES, a);
  *devices = a.list;
  *count = error ? 0 : a.count;
  return error;
}

apus_pjrt_error *apus_pjrt_device(const apus_pjrt *api, apus_pjrt_object *device, int *id,
                                  const char **kind, size_t *kind_size) {
  object_out a = {.object = device};
  apus_pjrt_error *error = CALL(DEVICE_DESCRIPTION, a);
  if (error) return error;
  struct { HEAD const void *object; int32_t id; } b = {.object = a.out};
  error = CALL(DESCRIPTION_ID, b);
  *id = b.id;
  return error ? error : text(api, DESCRIPTION_KIND, a.out, kind, kind_size);
}

// MARK: Executables

apus_pjrt_error *apus_pjrt_compile(const apus_pjrt *api, apus_pjrt_object *client,
                                   const char *code, size_t code_size, const char *options,
                                   size_t options_size, apus_pjrt_object **executable) {
  struct {
    HEAD
    const char *code;
    size_t code_size;
    const char *format;
    size_t format_size;
  } program = {.struct_size = sizeof(program), .code = code, .code_size = code_size,
               .format = "mlir", .format_size = 4};
  struct {
    HEAD
    const void *client, *program;
    const char *options;
    size_t options_size;
    apus_pjrt_object *executable;
  } a = {.client = client, .program = &program, .options = options, .options_size = options_size};
  _Static_assert(sizeof(program) == 48 && sizeof(a) == 56, "Client_Compile");
  apus_pjrt_error *error = CALL(CLIENT_COMPILE, a);
  *executable = a.executable;
  return error;
}

// The part of a loaded executable that knows its results; destroyed by the caller.
static apus_pjrt_error *inner(const apus_pjrt *api, apus_pjrt_object *executable, void **out) {
  object_out a = {.object = executable};
  apus_pjrt_error *error = CALL(INNER, a);
  *out = a.out;
  return error;
}

apus_pjrt_error *apus_pjrt_output_count(const apus_pjrt *api, apus_pjrt_object *executable,
                                        size_t *count) {
  void *part;
  apus_pjrt_error *error = inner(api, executable, &part);
  if (error) return error;
  number_out a = {.object = part};
  error = CALL(OUTPUT_COUNT, a);
  *count = (size_t)a.out;
  drop(api, INNER_DESTROY, part);
  return error;
}

apus_pjrt_error *apus_pjrt_serialize(const apus_pjrt *api, apus_pjrt_object *executable,
                                     char **bytes, size_t *count) {
  void *part;
  apus_pjrt_error *error = inner(api, executable, &part);
  if (error) return error;
  struct {
    HEAD
    const void *executable;
    const char *bytes;
    size_t count;
    void *handle;
    void (*destroy)(void *);
  } a = {.executable = part};
  _Static_assert(sizeof(a) == 56, "Executable_Serialize");
  error = CALL(SERIALIZE, a);
  if (!error) {
    *bytes = malloc(a.count ? a.count : 1);
    *count = *bytes ? a.count : 0;
    if (*bytes) memcpy(*bytes, a.bytes, a.count);
    if (a.destroy) a.destroy(a.handle);
  }
  drop(api, INNER_DESTROY, part);
  return error;
}

apus_pjrt_error *apus_pjrt_load(const apus_pjrt *api, apus_pjrt_object *client, const char *bytes,
                                size_t count, apus_pjrt_object **executable) {
  struct {
    HEAD
    const void *client;
    const char *bytes;
    size_t count;
    apus_pjrt_object *executable;
    void *options[2];
  } a = {.client = client, .bytes = bytes, .count = count};
  _Static_assert(sizeof(a) == 64, "DeserializeAndLoad");
  apus_pjrt_error *error = CALL(LOAD, a);
  *executable = a.executable;
  return error;
}

// MARK: Buffers

apus_pjrt_error *apus_pjrt_await(const apus_pjrt *api, apus_pjrt_object *event) {
  one a = {.object = event};
  return CALL(EVENT_AWAIT, a);
}

apus_pjrt_error *apus_pjrt_upload(const apus_pjrt *api, apus_pjrt_object *client, const void *data,
                                  int32_t type, const int64_t *sizes, size_t rank,
                                  apus_pjrt_object *device, apus_pjrt_object **buffer) {
  struct {
    HEAD
    const void *client, *data;
    int32_t type;
    const int64_t *sizes;
    size_t rank;
    const int64_t *strides;
    size_t stride_count;
    int32_t semantics;  // 0: the memory is read during the call only
    const void *device, *memory, *layout;
    apus_pjrt_object *event, *buffer;
  } a = {.client = client, .data = data, .type = type, .sizes = sizes, .rank = rank,
         .device = device};
  _Static_assert(offsetof(__typeof__(a), semantics) == 72 && sizeof(a) == 120, "upload");
  apus_pjrt_error *error = CALL(UPLOAD, a);
  *buffer = a.buffer;
  if (!error && a.event) apus_pjrt_destroy(api, APUS_PJRT_EVENT, a.event);
  return error;
}

apus_pjrt_error *apus_pjrt_download(const apus_pjrt *api, apus_pjrt_object *buffer, size_t rank,
                                    void *memory, size_t count) {
  // Devices keep their own order of axes; the host's is row-major.
  int64_t order[32];
  if (rank > 32) rank = 32;
  for (size_t i = 0; i < rank; i++) order[i] = (int64_t)(rank - 1 - i);
  struct {
    HEAD
    struct {
      HEAD
      const int64_t *order;
      size_t count;
      const void *tiles[2];
      size_t tile_count;
    } tiled;
    int32_t kind;
    int32_t padding;
  } layout = {.tiled = {.struct_size = 56, .order = order, .count = rank}};
  _Static_assert(sizeof(layout.tiled) == 56 && offsetof(__typeof__(layout), kind) == 72, "layout");
  layout.struct_size = sizeof(layout);
  struct {
    HEAD
    const void *buffer, *layout;
    void *memory;
    size_t count;
    apus_pjrt_object *event;
  } a = {.buffer = buffer, .layout = rank > 0 ? &layout : NULL, .memory = memory, .count = count};
  _Static_assert(sizeof(a) == 56, "download");
  apus_pjrt_error *error = CALL(DOWNLOAD, a);
  if (error || !a.event) return error;
  error = apus_pjrt_await(api, a.event);
  apus_pjrt_destroy(api, APUS_PJRT_EVENT, a.event);
  return error;
}

apus_pjrt_error *apus_pjrt_is_deleted(const apus_pjrt *api, apus_pjrt_object *buffer,
                                      bool *is_deleted) {
  struct { HEAD const void *object; bool out; } a = {.object = buffer};
  apus_pjrt_error *error = CALL(IS_DELETED, a);
  *is_deleted = a.out;
  return error;
}

apus_pjrt_error *apus_pjrt_execute(const apus_pjrt *api, apus_pjrt_object *executable,
                                   size_t devices, apus_pjrt_object *const *arguments,
                                   size_t count, const int64_t *kept, size_t kept_count,
                                   apus_pjrt_object **results, size_t result_count,
                                   apus_pjrt_object **events) {
  apus_pjrt_object *const *argument_lists[devices];
  apus_pjrt_object **result_lists[devices];
  for (size_t i = 0; i < devices; i++) {
    argument_lists[i] = arguments + i * count;
    result_lists[i] = results + i * result_count;
  }
  struct {
    HEAD
    void *callbacks[2];
    size_t callback_counts[2];
    int32_t launch;
    const int64_t *kept;
    size_t kept_count;
    void *later[8];
  } options = {.struct_size = sizeof(options), .kept = kept, .kept_count = kept_count};
  _Static_assert(offsetof(__typeof__(options), kept) == 56 && sizeof(options) == 136, "options");
  struct {
    HEAD
    const void *executable;
    void *options;
    apus_pjrt_object *const *const *arguments;
    size_t devices, count;
    apus_pjrt_object **const *results;
    apus_pjrt_object **events;
    const void *device;
  } a = {.executable = executable, .options = &options, .arguments = argument_lists,
         .devices = devices, .count = count, .results = result_lists, .events = events};
  _Static_assert(sizeof(a) == 80, "Execute");
  return CALL(EXECUTE, a);
}
