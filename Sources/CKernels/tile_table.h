// What an instruction set provides to tile programs.
#ifndef APUS_TILE_TABLE_H
#define APUS_TILE_TABLE_H

#include "tiles.h"

/// One instruction over `count` values, a multiple of 16. Operands may be the destination.
typedef void (*tile_function)(
    void *destination, const void *a, const void *b, const void *c, int64_t count, const double *immediate);

/// Between memory of one type and lanes; exactly `count` values of memory are touched. A load fills up with zeros to a
/// multiple of 16 lanes.
typedef void (*tile_transfer)(void *destination, const void *source, int64_t count);

/// A partial result of a reduction: real for float lanes, integer for the others.
typedef union tile_partial {
  double real;
  int64_t integer;
} tile_partial;

/// Reduces `count` lanes in an order that depends on `count` alone.
typedef tile_partial (*tile_reduction)(const void *source, int64_t count);

typedef struct tile_table {
  tile_function operations[4][APUS_TILE_OPERATION_COUNT];  // by lane; NULL where there is none
  tile_transfer load[8], store[8];                         // by type in memory
  tile_reduction reductions[4][4];                         // by lane and apus_store
} tile_table;

/// The lanes that memory of `type` loads as.
static inline apus_lane tile_lane_of_type(int32_t type) {
  switch (type) {
    case APUS_FLOAT64: return APUS_LANE_F64;
    case APUS_INT64: return APUS_LANE_I64;
    case APUS_INT32: case APUS_UINT8: case APUS_BOOL: return APUS_LANE_I32;
    default: return APUS_LANE_F32;
  }
}

static inline int64_t tile_lane_size(int32_t lane) {
  return lane == APUS_LANE_F32 || lane == APUS_LANE_I32 ? 4 : 8;
}

/// The table of the instruction set in use.
const tile_table *tile_current_table(void);

#endif
