// libpng reports errors by longjmp: every call of it stays inside the functions of this file.
#include <png.h>
#include <setjmp.h>

#include "internal.h"

typedef struct {
  const uint8_t *bytes;
  size_t count, offset;
  apus_status status;
  char *error;
} reader;

typedef struct {
  uint8_t *bytes;
  size_t count, capacity;
} writer;

static void fail(png_structp png, png_const_charp message) {
  reader *source = png_get_error_ptr(png);
  if (source->status == APUS_OK) source->status = APUS_MALFORMED;
  snprintf(source->error, APUS_ERROR_LENGTH, "%s", message);
  longjmp(png_jmpbuf(png), 1);
}

static void ignore(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static void read_bytes(png_structp png, png_bytep output, size_t count) {
  reader *source = png_get_io_ptr(png);
  if (count > source->count - source->offset) {
    source->status = APUS_TRUNCATED;
    png_error(png, "the file ends too early");
  }
  memcpy(output, source->bytes + source->offset, count);
  source->offset += count;
}

// Reads everything before the pixels and asks for 8-bit gray, RGB or RGBA. Returns the number of
// passes over the rows, and the bytes of a row as stored.
static int read_header(png_structp png, png_infop info, apus_picture *picture, size_t *stored) {
  png_read_info(png, info);
  *stored = png_get_rowbytes(png, info);
  int colour = png_get_color_type(png, info);
  int transparent = png_get_valid(png, info, PNG_INFO_tRNS) != 0;
  png_set_expand(png);
  png_set_strip_16(png);
  if (colour == PNG_COLOR_TYPE_GRAY_ALPHA || (colour == PNG_COLOR_TYPE_GRAY && transparent))
    png_set_gray_to_rgb(png);
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  picture->width = png_get_image_width(png, info);
  picture->height = png_get_image_height(png, info);
  picture->channels = png_get_channels(png, info);
  return passes;
}

// With `pixels` decodes, without it stops after the header.
static apus_status read_png(const uint8_t *bytes, size_t count, apus_picture *picture,
                            uint8_t *pixels, char *error) {
  reader source = {bytes, count, 0, APUS_OK, error};
  png_infop info = NULL;
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, fail, ignore);
  if (png != NULL) info = png_create_info_struct(png);
  if (info == NULL) {
    png_destroy_read_struct(&png, NULL, NULL);
    return apus_failure(APUS_NO_MEMORY, error, "no memory for the PNG reader");
  }
  if (setjmp(png_jmpbuf(png))) {
    png_destroy_read_struct(&png, &info, NULL);
    return source.status;
  }
  png_set_read_fn(png, &source, read_bytes);
  apus_picture found;
  size_t stored;
  int passes = read_header(png, info, &found, &stored);
  // Deflate cannot expand by more than 1032: a larger claim is a lie, refused before allocation.
  if (found.height * ((uint64_t)stored + 1) / 1032 > count) {
    source.status = APUS_TRUNCATED;
    png_error(png, "the file is too short for the size in its header");
  }
  if (pixels == NULL) {
    *picture = found;
  } else {
    size_t row_bytes = (size_t)found.width * found.channels;
    if (found.width != picture->width || found.height != picture->height ||
        found.channels != picture->channels || png_get_rowbytes(png, info) != row_bytes)
      png_error(png, "the header changed while reading");
    for (int pass = 0; pass < passes; pass++)
      for (uint32_t y = 0; y < found.height; y++)
        png_read_row(png, pixels + y * row_bytes, NULL);
    png_read_end(png, NULL);
  }
  png_destroy_read_struct(&png, &info, NULL);
  return APUS_OK;
}

apus_status apus_png_header(const uint8_t *bytes, size_t count, apus_picture *picture, char *error) {
  return read_png(bytes, count, picture, NULL, error);
}

apus_status apus_png_decode(const uint8_t *bytes, size_t count, const apus_picture *picture,
                            uint8_t *pixels, char *error) {
  apus_picture expected = *picture;
  return read_png(bytes, count, &expected, pixels, error);
}

static void write_bytes(png_structp png, png_bytep bytes, size_t count) {
  writer *sink = png_get_io_ptr(png);
  if (sink->capacity - sink->count < count) {
    size_t capacity = 2 * sink->capacity + count + 4096;
    uint8_t *grown = realloc(sink->bytes, capacity);
    if (grown == NULL) png_error(png, "no memory for the PNG");
    sink->bytes = grown;
    sink->capacity = capacity;
  }
  memcpy(sink->bytes + sink->count, bytes, count);
  sink->count += count;
}

static void flush(png_structp png) { (void)png; }

static int is_ascii(const char *text) {
  for (; *text != 0; text++)
    if ((unsigned char)*text >= 0x80) return 0;
  return 1;
}

static void write_text(png_structp png, png_infop info, const char *const *text, size_t pairs) {
  for (size_t i = 0; i < pairs; i++) {
    png_text entry = {0};
    entry.key = (png_charp)text[2 * i];
    entry.text = (png_charp)text[2 * i + 1];
    if (is_ascii(entry.text)) {
      entry.compression = PNG_TEXT_COMPRESSION_NONE;
      entry.text_length = strlen(entry.text);
    } else {
      entry.compression = PNG_ITXT_COMPRESSION_NONE;
      entry.itxt_length = strlen(entry.text);
    }
    png_set_text(png, info, &entry, 1);
  }
}

apus_status apus_png_encode(const uint8_t *pixels, const apus_picture *picture,
                            const char *const *text, size_t pairs, uint8_t **output,
                            size_t *output_count, char *error) {
  reader status = {NULL, 0, 0, APUS_OK, error};
  writer sink = {NULL, 0, 0};
  png_infop info = NULL;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &status, fail, ignore);
  if (png != NULL) info = png_create_info_struct(png);
  if (info == NULL) {
    png_destroy_write_struct(&png, NULL);
    return apus_failure(APUS_NO_MEMORY, error, "no memory for the PNG writer");
  }
  if (setjmp(png_jmpbuf(png))) {
    png_destroy_write_struct(&png, &info);
    // `sink` lives in memory because its address was given away, so its fields are current here.
    free(((volatile writer *)&sink)->bytes);
    return status.status;
  }
  png_set_write_fn(png, &sink, write_bytes, flush);
  int colour = picture->channels == 1   ? PNG_COLOR_TYPE_GRAY
               : picture->channels == 3 ? PNG_COLOR_TYPE_RGB
                                        : PNG_COLOR_TYPE_RGB_ALPHA;
  png_set_IHDR(png, info, picture->width, picture->height, 8, colour, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  write_text(png, info, text, pairs);
  png_write_info(png, info);
  size_t row_bytes = (size_t)picture->width * picture->channels;
  for (uint32_t y = 0; y < picture->height; y++) png_write_row(png, pixels + y * row_bytes);
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  *output = sink.bytes;
  *output_count = sink.count;
  return APUS_OK;
}
