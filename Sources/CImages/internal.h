#ifndef APUS_CIMAGES_INTERNAL_H
#define APUS_CIMAGES_INTERNAL_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CImages.h"

static inline apus_status apus_failure(apus_status status, char *error, const char *message) {
  snprintf(error, APUS_ERROR_LENGTH, "%s", message);
  return status;
}
#endif
