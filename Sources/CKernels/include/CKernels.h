// Everything the Swift side sees of the kernels.
#ifndef APUS_CKERNELS_H
#define APUS_CKERNELS_H

#include "attention.h"
#include "copy.h"
#include "cumulate.h"
#include "gather.h"
#include "kernel.h"
#include "matmul.h"
#include "normalize.h"
#include "pool.h"
#include "pooling.h"
#include "random.h"
#include "reduce.h"
#include "softmax.h"
#include "sort.h"
#include "tiles.h"

#endif
