#include "tile_table.h"

#define APUS_BODY "tile_operations_body.h"
#include "instruction_sets.h"

const tile_table *tile_current_table(void) { return APUS_DISPATCH(&tile_table); }

int apus_tiles_supports(apus_tile_operation operation, apus_lane lane) {
  if ((unsigned)operation >= APUS_TILE_OPERATION_COUNT || (unsigned)lane > APUS_LANE_I64) return 0;
  return tile_current_table()->operations[lane][operation] != 0;
}
