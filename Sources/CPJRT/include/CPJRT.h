// The calls of XLA's plugins (the PJRT C interface) that Apus makes. A plugin is a shared library with one function that
// returns a table of functions; each takes one pointer to a struct of arguments. The structs stay in `calls.c`.
//
// Every function returns NULL, or an error that the caller reads and destroys. Handles are owned by the caller and
// destroyed once with `apus_pjrt_destroy`; devices belong to their client.
#ifndef APUS_CPJRT_H
#define APUS_CPJRT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A plugin's table.
typedef struct apus_pjrt apus_pjrt;
typedef struct apus_pjrt_error apus_pjrt_error;
// Any other object of the plugin: client, device, executable, buffer, event.
typedef struct apus_pjrt_object apus_pjrt_object;

typedef enum {
  APUS_PJRT_OPENED = 0,
  APUS_PJRT_NO_LIBRARY = 1,   // the file cannot be loaded; `message` says why
  APUS_PJRT_NO_FUNCTION = 2,  // the library has no GetPjrtApi
  APUS_PJRT_NO_TABLE = 3      // GetPjrtApi gives nothing
} apus_pjrt_opening;

// Loads the library at `path`, which stays loaded until the process ends: plugins have threads. Their logs of errors that
// are handled here are silenced, unless TF_CPP_MIN_LOG_LEVEL is set.
apus_pjrt_opening apus_pjrt_open(const char *path, const apus_pjrt **api, char *message,
                                 size_t capacity);
void apus_pjrt_version(const apus_pjrt *api, int *major, int *minor);
// Whether the table has all functions that are called here.
bool apus_pjrt_is_complete(const apus_pjrt *api);
apus_pjrt_error *apus_pjrt_initialize(const apus_pjrt *api);

typedef enum { APUS_PJRT_STRING = 0, APUS_PJRT_INTEGER = 1, APUS_PJRT_INTEGERS = 2,
               APUS_PJRT_FLOAT = 3, APUS_PJRT_BOOL = 4 } apus_pjrt_kind;

// A named value: an option of a client or an attribute of a plugin.
typedef struct {
  size_t struct_size;
  void *extension;
  const char *name;
  size_t name_size;
  int32_t kind;
  union {
    const char *string;
    const int64_t *integers;
    int64_t integer;
    float real;
    bool flag;
  } value;
  size_t count;  // characters or integers; 1 for single values
} apus_pjrt_value;

apus_pjrt_error *apus_pjrt_attributes(const apus_pjrt *api, const apus_pjrt_value **values,
                                      size_t *count);

int apus_pjrt_error_code(const apus_pjrt *api, const apus_pjrt_error *error);
void apus_pjrt_error_message(const apus_pjrt *api, const apus_pjrt_error *error,
                             const char **characters, size_t *count);
void apus_pjrt_error_destroy(const apus_pjrt *api, apus_pjrt_error *error);

// What a handle is: the number of the function that destroys it.
typedef enum { APUS_PJRT_EVENT = 5, APUS_PJRT_CLIENT = 11, APUS_PJRT_EXECUTABLE = 50,
               APUS_PJRT_BUFFER = 58 } apus_pjrt_handle;
void apus_pjrt_destroy(const apus_pjrt *api, apus_pjrt_handle kind, apus_pjrt_object *object);

// Opens the devices, with one option (a whole number or a truth value) unless `option` is NULL.
apus_pjrt_error *apus_pjrt_client_create(const apus_pjrt *api, const char *option,
                                         apus_pjrt_kind kind, int64_t value,
                                         apus_pjrt_object **client);
typedef enum { APUS_PJRT_PLATFORM_NAME = 12, APUS_PJRT_PLATFORM_VERSION = 14 } apus_pjrt_text;
apus_pjrt_error *apus_pjrt_client_text(const apus_pjrt *api, apus_pjrt_text what,
                                       apus_pjrt_object *client, const char **characters,
                                       size_t *count);
// The devices that this process drives.
apus_pjrt_error *apus_pjrt_client_devices(const apus_pjrt *api, apus_pjrt_object *client,
                                          apus_pjrt_object *const **devices, size_t *count);
// The number of a device among all, and what it is, such as "NVIDIA H100 80GB HBM3".
apus_pjrt_error *apus_pjrt_device(const apus_pjrt *api, apus_pjrt_object *device, int *id,
                                  const char **kind, size_t *kind_size);

// Compiles StableHLO text; `options` is a serialised CompileOptionsProto.
apus_pjrt_error *apus_pjrt_compile(const apus_pjrt *api, apus_pjrt_object *client,
                                   const char *code, size_t code_size, const char *options,
                                   size_t options_size, apus_pjrt_object **executable);
apus_pjrt_error *apus_pjrt_output_count(const apus_pjrt *api, apus_pjrt_object *executable,
                                        size_t *count);

// The machine code of an executable; the caller frees `*bytes` with free().
apus_pjrt_error *apus_pjrt_serialize(const apus_pjrt *api, apus_pjrt_object *executable,
                                     char **bytes, size_t *count);
apus_pjrt_error *apus_pjrt_load(const apus_pjrt *api, apus_pjrt_object *client, const char *bytes,
                                size_t count, apus_pjrt_object **executable);

// Copies row-major host memory to a device; the memory is not read after the call.
apus_pjrt_error *apus_pjrt_upload(const apus_pjrt *api, apus_pjrt_object *client, const void *data,
                                  int32_t type, const int64_t *sizes, size_t rank,
                                  apus_pjrt_object *device, apus_pjrt_object **buffer);
// Copies a buffer to row-major host memory of `count` bytes and waits until it is there.
apus_pjrt_error *apus_pjrt_download(const apus_pjrt *api, apus_pjrt_object *buffer, size_t rank,
                                    void *memory, size_t count);
// Whether a buffer's memory was given away.
apus_pjrt_error *apus_pjrt_is_deleted(const apus_pjrt *api, apus_pjrt_object *buffer,
                                      bool *is_deleted);

// Launches an executable on `devices` devices. `arguments`, `results` and `events` hold the places of one device after
// those of another. Arguments whose numbers are in `kept` are never given away.
apus_pjrt_error *apus_pjrt_execute(const apus_pjrt *api, apus_pjrt_object *executable,
                                   size_t devices, apus_pjrt_object *const *arguments,
                                   size_t count, const int64_t *kept, size_t kept_count,
                                   apus_pjrt_object **results, size_t result_count,
                                   apus_pjrt_object **events);
// Waits for an event; its error, where there is one.
apus_pjrt_error *apus_pjrt_await(const apus_pjrt *api, apus_pjrt_object *event);

#endif
