// Pictures, compressed bytes and glyphs through the system's libraries. Nothing here traps or jumps
// out: every function that can fail returns a status and writes a sentence into `error`, a buffer of
// APUS_ERROR_LENGTH bytes. A PNG or JPEG too short for the size it claims is refused before anything is
// allocated for its pixels; WebP allows any size in a few bytes, so callers set a limit.
#ifndef APUS_CImages_H
#define APUS_CImages_H

#include <stddef.h>
#include <stdint.h>

#define APUS_ERROR_LENGTH 256

typedef enum {
  APUS_OK = 0,
  APUS_TRUNCATED = 1,   // the bytes end too early
  APUS_MALFORMED = 2,   // the bytes break the rules of their format, or use a feature not supported
  APUS_TOO_LARGE = 3,   // the result would exceed the caller's limit
  APUS_NO_MEMORY = 4
} apus_status;

// Size of a decoded picture: 8-bit samples, row-major, interleaved; 1 (gray), 3 (RGB) or 4 (RGBA).
typedef struct {
  uint32_t width, height, channels;
} apus_picture;

// Each format: read the header alone, check the size, then decode into width·height·channels bytes.
apus_status apus_png_header(const uint8_t *bytes, size_t count, apus_picture *picture, char *error);
apus_status apus_png_decode(const uint8_t *bytes, size_t count, const apus_picture *picture,
                            uint8_t *pixels, char *error);
apus_status apus_jpeg_header(const uint8_t *bytes, size_t count, apus_picture *picture, char *error);
apus_status apus_jpeg_decode(const uint8_t *bytes, size_t count, const apus_picture *picture,
                             uint8_t *pixels, char *error);
apus_status apus_webp_header(const uint8_t *bytes, size_t count, apus_picture *picture, char *error);
apus_status apus_webp_decode(const uint8_t *bytes, size_t count, const apus_picture *picture,
                             uint8_t *pixels, char *error);

// Writes a PNG to memory. `text` holds `pairs` keys and values in turn, UTF-8, ended by zeros.
// The caller frees `*output` with apus_free.
apus_status apus_png_encode(const uint8_t *pixels, const apus_picture *picture,
                            const char *const *text, size_t pairs, uint8_t **output,
                            size_t *output_count, char *error);

typedef enum { APUS_RAW = 0, APUS_ZLIB = 1, APUS_GZIP = 2 } apus_container;

// Inflates `bytes` (for gzip: all members) into at most `limit` bytes. Other bytes after the stream
// are an error, unless `ignore_rest`.
// The caller frees `*output` with apus_free, whatever is returned.
apus_status apus_inflate(const uint8_t *bytes, size_t count, apus_container container, size_t limit,
                         int ignore_rest, uint8_t **output, size_t *output_count, char *error);
// Deflates at `level` 1...9 into memory that the caller frees with apus_free.
apus_status apus_deflate(const uint8_t *bytes, size_t count, apus_container container, int level,
                         uint8_t **output, size_t *output_count, char *error);
// CRC-32 of zip, gzip and PNG; `start` is 0 or the value of what came before.
uint32_t apus_crc32(uint32_t start, const uint8_t *bytes, size_t count);

// A font whose glyphs are colour bitmaps, opened at its first strike. NULL on failure.
typedef struct apus_font apus_font;
apus_font *apus_font_open(const char *path, char *error);
void apus_font_close(apus_font *font);
// Loads the colour bitmap of one code point. 1: found, its size is in width and height;
// 0: the font has no colour bitmap for it.
int apus_font_load(apus_font *font, uint32_t code_point, uint32_t *width, uint32_t *height);
// Copies the loaded bitmap, width·height·4 bytes: blue, green, red, alpha, premultiplied.
void apus_font_copy(const apus_font *font, uint8_t *pixels);

void apus_free(void *memory);

#define APUS_IMAGE_LIBRARIES 5
typedef struct {
  char name[32];
  char version[32];
} apus_library_version;
// The names and versions of the libraries in use; the array is zeroed before. A version that the
// library does not tell stays empty.
void apus_image_library_versions(apus_library_version versions[APUS_IMAGE_LIBRARIES]);

#endif
