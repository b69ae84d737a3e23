// A tile program as prepared: accesses classified, registers assigned, tile and chunks chosen.
#ifndef APUS_TILE_PLAN_H
#define APUS_TILE_PLAN_H

#include "tile_table.h"

/// How an input comes into a tile.
typedef enum tile_mode {
  TILE_SCALAR,      // one value, filled into a register once per chunk
  TILE_ROW_VECTOR,  // the same for every row of a tile of several rows: repeated once per chunk
  TILE_FLAT,        // the tile's values lie one after another in memory
  TILE_COLUMN,      // one value a row
  TILE_ROWS,        // every row lies somewhere else
  TILE_INDEX,       // computed
} tile_mode;

/// An input or literal.
typedef struct tile_input {
  apus_access access;
  int32_t mode, lane, size;  // size of a value in memory
  int32_t direct;            // instructions may read memory itself
  int64_t offset;            // of its register in the scratch
  apus_tile_literal literal;
} tile_input;

typedef struct tile_step {
  tile_function function;
  uint16_t destination, a, b, c;  // values
  double immediate[2];
} tile_step;

typedef struct tile_result {
  apus_access access;
  int32_t store, source, lane, size;  // source: a value
  int32_t flat;                       // as TILE_FLAT
  int32_t direct;                     // the instruction writes memory itself
} tile_result;

/// Values are numbered: inputs, literals, then one for every instruction.
typedef struct tile_plan {
  const tile_table *table;
  int64_t rows, columns;
  int64_t tile_rows, tile_columns;          // of a tile
  int64_t chunk_rows, segments, segment;    // a chunk is some rows, or one segment of columns of one row
  int32_t input_count, literal_count, step_count, result_count, value_count;
  int32_t widest;                           // bytes of the widest lane of any value
  int32_t shared_buffer;                    // where segments leave their partial results
  int64_t tails, pointers, partials, staging, scratch_bytes;  // offsets in the scratch; registers come first
  tile_input *inputs;                       // and literals
  tile_step *steps;
  tile_result *results;
  int64_t *value_offsets;                   // registers of the values
  int32_t *value_lanes;
} tile_plan;

/// Runs a chunk; `apus_body`s.
void tile_run_chunk(const void *plan, void *const *buffers, int64_t chunk, void *scratch);
void tile_combine_segments(const void *plan, void *const *buffers, int64_t chunk, void *scratch);

#endif
