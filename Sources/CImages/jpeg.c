#include <turbojpeg.h>

#include "internal.h"

static apus_status jpeg_failure(tjhandle handle, char *error) {
  const char *message = tjGetErrorStr2(handle);
  int early = strstr(message, "remature end") != NULL || strstr(message, "ended prematurely") != NULL;
  return apus_failure(early ? APUS_TRUNCATED : APUS_MALFORMED, error, message);
}

static apus_status jpeg_header(tjhandle handle, const uint8_t *bytes, size_t count,
                               apus_picture *picture, int *colours, char *error) {
  int width = 0, height = 0, sampling = 0;
  if (tjDecompressHeader3(handle, bytes, count, &width, &height, &sampling, colours) != 0)
    return jpeg_failure(handle, error);
  if (width <= 0 || height <= 0) return apus_failure(APUS_MALFORMED, error, "an empty picture");
  // A block of 64 samples takes at least a bit: a larger claim is a lie, refused before allocation.
  if ((uint64_t)width * (uint64_t)height / 1024 > (uint64_t)count + 64)
    return apus_failure(APUS_TRUNCATED, error, "the file is too short for the size in its header");
  picture->width = (uint32_t)width;
  picture->height = (uint32_t)height;
  picture->channels = *colours == TJCS_GRAY ? 1 : 3;
  return APUS_OK;
}

apus_status apus_jpeg_header(const uint8_t *bytes, size_t count, apus_picture *picture,
                             char *error) {
  tjhandle handle = tjInitDecompress();
  if (handle == NULL) return apus_failure(APUS_NO_MEMORY, error, "no memory for the JPEG reader");
  int colours = 0;
  apus_status status = jpeg_header(handle, bytes, count, picture, &colours, error);
  tjDestroy(handle);
  return status;
}

// Files of this kind store cyan, magenta, yellow and black inverted, as Photoshop does.
static void rgb_from_inverted_cmyk(const uint8_t *cmyk, uint8_t *rgb, size_t pixels) {
  for (size_t i = 0; i < pixels; i++) {
    int black = cmyk[4 * i + 3];
    for (int c = 0; c < 3; c++) {
      int value = black - (black * (255 - cmyk[4 * i + (size_t)c]) + 127) / 255;
      rgb[3 * i + (size_t)c] = (uint8_t)(value < 0 ? 0 : value);
    }
  }
}

apus_status apus_jpeg_decode(const uint8_t *bytes, size_t count, const apus_picture *picture,
                             uint8_t *pixels, char *error) {
  tjhandle handle = tjInitDecompress();
  if (handle == NULL) return apus_failure(APUS_NO_MEMORY, error, "no memory for the JPEG reader");
  apus_picture found;
  int colours = 0;
  uint8_t *cmyk = NULL;
  apus_status status = jpeg_header(handle, bytes, count, &found, &colours, error);
  if (status != APUS_OK) goto end;
  if (found.width != picture->width || found.height != picture->height ||
      found.channels != picture->channels) {
    status = apus_failure(APUS_MALFORMED, error, "the header changed while reading");
    goto end;
  }
  size_t area = (size_t)found.width * found.height;
  int format = colours == TJCS_GRAY ? TJPF_GRAY : TJPF_RGB;
  if (colours == TJCS_CMYK || colours == TJCS_YCCK) {
    format = TJPF_CMYK;
    cmyk = malloc(4 * area);
    if (cmyk == NULL) {
      status = apus_failure(APUS_NO_MEMORY, error, "no memory for the picture");
      goto end;
    }
  }
  // The number of scans is limited: each costs a pass over the picture, however short it is.
  if (tjDecompress2(handle, bytes, count, cmyk != NULL ? cmyk : pixels, (int)found.width, 0,
                    (int)found.height, format, TJFLAG_LIMITSCANS) != 0) {
    apus_status failure = jpeg_failure(handle, error);
    // A warning leaves a whole picture (stray bytes between markers are common), unless it ends.
    if (tjGetErrorCode(handle) != TJERR_WARNING || failure == APUS_TRUNCATED) status = failure;
  }
  if (status == APUS_OK && cmyk != NULL) rgb_from_inverted_cmyk(cmyk, pixels, area);
end:
  free(cmyk);
  tjDestroy(handle);
  return status;
}
