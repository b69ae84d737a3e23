#include <webp/decode.h>

#include "internal.h"

static apus_status webp_failure(VP8StatusCode code, char *error) {
  if (code == VP8_STATUS_NOT_ENOUGH_DATA)
    return apus_failure(APUS_TRUNCATED, error, "the file ends too early");
  if (code == VP8_STATUS_OUT_OF_MEMORY)
    return apus_failure(APUS_NO_MEMORY, error, "no memory for the picture");
  if (code == VP8_STATUS_UNSUPPORTED_FEATURE)
    return apus_failure(APUS_MALFORMED, error, "a feature that libwebp does not support");
  return apus_failure(APUS_MALFORMED, error, "a damaged WebP stream");
}

apus_status apus_webp_header(const uint8_t *bytes, size_t count, apus_picture *picture,
                             char *error) {
  WebPBitstreamFeatures features;
  VP8StatusCode code = WebPGetFeatures(bytes, count, &features);
  if (code != VP8_STATUS_OK) return webp_failure(code, error);
  if (features.has_animation)
    return apus_failure(APUS_MALFORMED, error, "an animation; only still pictures are read");
  if (features.width <= 0 || features.height <= 0)
    return apus_failure(APUS_MALFORMED, error, "an empty picture");
  picture->width = (uint32_t)features.width;
  picture->height = (uint32_t)features.height;
  picture->channels = features.has_alpha ? 4 : 3;
  return APUS_OK;
}

apus_status apus_webp_decode(const uint8_t *bytes, size_t count, const apus_picture *picture,
                             uint8_t *pixels, char *error) {
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config))
    return apus_failure(APUS_MALFORMED, error, "another version of libwebp than at build time");
  size_t row_bytes = (size_t)picture->width * picture->channels;
  config.output.colorspace = picture->channels == 4 ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = pixels;
  config.output.u.RGBA.stride = (int)row_bytes;
  config.output.u.RGBA.size = row_bytes * picture->height;
  VP8StatusCode code = WebPDecode(bytes, count, &config);
  return code == VP8_STATUS_OK ? APUS_OK : webp_failure(code, error);
}
