// Everything the Swift side sees of the kernels.
#ifndef APUS_CKERNELS_H
#define APUS_CKERNELS_H

#include "kernel.h"
#include "pool.h"
#include "tiles.h"

#endif
