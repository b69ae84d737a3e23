// Radix sort of (key, position) pairs, least significant byte first: stable, and digits that all keys share cost nothing.
// Where only the first few are asked for, one histogram of leading digits leaves few candidates to sort.
#include "include/sort.h"

#include "prepare.h"

#define LEADING_BITS 11

static inline uint64_t key_of_float(const void *x, int64_t i) {
  float value = ((const float *)x)[i];
  uint32_t bits;
  value += 0.0f;  // -0 becomes 0
  memcpy(&bits, &value, 4);
  if (value != value) return UINT32_MAX;
  return bits >> 31 ? ~bits : bits | 0x80000000u;
}

static inline uint64_t key_of_double(const void *x, int64_t i) {
  double value = ((const double *)x)[i];
  uint64_t bits;
  value += 0.0;
  memcpy(&bits, &value, 8);
  if (value != value) return UINT64_MAX;
  return bits >> 63 ? ~bits : bits | 1ull << 63;
}

static inline uint64_t key_of_int32(const void *x, int64_t i) {
  return ((const uint32_t *)x)[i] ^ 0x80000000u;
}

static inline uint64_t key_of_int64(const void *x, int64_t i) { return ((const uint64_t *)x)[i] ^ 1ull << 63; }

typedef struct entry {
  uint64_t key;
  int32_t position;
} entry;

static void insertion_sort(entry *entries, int64_t n) {
  for (int64_t i = 1; i < n; i++) {
    entry moving = entries[i];
    int64_t k = i;
    for (; k > 0 && entries[k - 1].key > moving.key; k--) entries[k] = entries[k - 1];
    entries[k] = moving;
  }
}

/// Sorts `n` entries whose keys have `bytes` bytes; the result lies in `entries` or in `other`.
static entry *radix_sort(entry *entries, entry *other, int64_t n, int32_t bytes) {
  if (n <= 32) {
    insertion_sort(entries, n);
    return entries;
  }
  for (int32_t byte = 0; byte < bytes; byte++) {
    int64_t starts[257] = {0};
    for (int64_t i = 0; i < n; i++) starts[(entries[i].key >> 8 * byte & 255) + 1]++;
    if (starts[(entries[0].key >> 8 * byte & 255) + 1] == n) continue;
    for (int32_t d = 0; d < 256; d++) starts[d + 1] += starts[d];
    for (int64_t i = 0; i < n; i++) other[starts[entries[i].key >> 8 * byte & 255]++] = entries[i];
    entry *sorted = other;
    other = entries;
    entries = sorted;
  }
  return entries;
}

/// Keeps, in order, the entries that may be among the `limit` first.
static int64_t keep_leading(entry *entries, int64_t n, int64_t limit, int32_t bytes) {
  int64_t counts[1 << LEADING_BITS] = {0};
  int32_t shift = 8 * bytes - LEADING_BITS;
  for (int64_t i = 0; i < n; i++) counts[entries[i].key >> shift]++;
  uint64_t last = 0;
  for (int64_t seen = counts[0]; seen < limit;) seen += counts[++last];
  int64_t kept = 0;
  for (int64_t i = 0; i < n; i++)
    if (entries[i].key >> shift <= last) entries[kept++] = entries[i];
  return kept;
}

#define LOAD_KEYS(name, mask) \
  for (int64_t i = 0; i < n; i++) entries[i] = (entry){key_of_##name(x, i) ^ (mask), (int32_t)i};

static void load_entries(entry *entries, const void *x, int64_t n, int32_t type, int32_t descending) {
  switch (type) {
    case APUS_FLOAT32: LOAD_KEYS(float, descending ? UINT32_MAX : 0) break;
    case APUS_FLOAT64: LOAD_KEYS(double, descending ? UINT64_MAX : 0) break;
    case APUS_INT32: LOAD_KEYS(int32, descending ? UINT32_MAX : 0) break;
    default: LOAD_KEYS(int64, descending ? UINT64_MAX : 0) break;
  }
}

static void sort_row(const apus_sort *p, void *const *buffers, int64_t row, entry *scratch) {
  int64_t n = p->columns;
  int32_t bytes = (int32_t)apus_type_size(p->type);
  const char *x = (const char *)buffers[0] + row * n * bytes;
  load_entries(scratch, x, n, p->type, p->descending);
  if (p->limit < n / 2) n = keep_leading(scratch, n, p->limit, bytes);
  const entry *sorted = radix_sort(scratch, scratch + p->columns, n, bytes);
  char *values = (char *)buffers[1] + row * p->limit * bytes;
  int32_t *positions = (int32_t *)buffers[2] + row * p->limit;
  for (int64_t i = 0; i < p->limit; i++) {
    positions[i] = sorted[i].position;
    if (bytes == 4) ((uint32_t *)values)[i] = ((const uint32_t *)x)[sorted[i].position];
    else ((uint64_t *)values)[i] = ((const uint64_t *)x)[sorted[i].position];
  }
}

static int64_t rows_per_chunk(const apus_sort *p) { return apus_items_per_chunk(8 * p->columns); }

static void sort_chunk(const void *parameters, void *const *buffers, int64_t chunk, void *scratch) {
  const apus_sort *p = parameters;
  int64_t rows = rows_per_chunk(p), last = apus_smaller(p->rows, (chunk + 1) * rows);
  for (int64_t row = chunk * rows; row < last; row++) sort_row(p, buffers, row, scratch);
}

int apus_sort_prepare(const apus_sort *p, apus_kernel *kernel) {
  if (p->rows < 0 || p->columns < 0 || p->columns > INT32_MAX || p->limit < 0 || p->limit > p->columns) return -1;
  if (p->type != APUS_FLOAT32 && p->type != APUS_FLOAT64 && p->type != APUS_INT32 && p->type != APUS_INT64) return -1;
  if (apus_kernel_begin(kernel, p, sizeof *p)) return -1;
  int64_t rows = p->limit == 0 ? 0 : p->rows;
  apus_kernel_phase(
      kernel, sort_chunk, apus_divide_up(rows, rows_per_chunk(p)), 2 * p->columns * (int64_t)sizeof(entry));
  return 0;
}
