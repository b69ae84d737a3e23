#include <zlib.h>

#include "internal.h"

static int window_bits(apus_container container) {
  return container == APUS_RAW ? -MAX_WBITS : container == APUS_ZLIB ? MAX_WBITS : MAX_WBITS + 16;
}

// Makes room for more output; at most one byte over `limit`, which shows that there is too much.
static int grow(uint8_t **output, size_t *capacity, size_t limit) {
  size_t wanted = *capacity < limit / 2 ? 2 * *capacity : limit + 1;
  uint8_t *grown = realloc(*output, wanted);
  if (grown == NULL) return 0;
  *output = grown;
  *capacity = wanted;
  return 1;
}

static apus_status inflate_all(z_stream *stream, size_t count, apus_container container,
                               size_t limit, int ignore_rest, uint8_t **output,
                               size_t *output_count, char *error) {
  size_t left = count, capacity = *output_count;
  *output_count = 0;
  for (;;) {
    if (*output_count == capacity && !grow(output, &capacity, limit))
      return apus_failure(APUS_NO_MEMORY, error, "no memory for the inflated bytes");
    // zlib counts in 32 bits: feed it pieces.
    uInt input = left > (1u << 30) ? 1u << 30 : (uInt)left;
    size_t room = capacity - *output_count;
    uInt space = room > (1u << 30) ? 1u << 30 : (uInt)room;
    stream->avail_in = input;
    stream->next_out = *output + *output_count;
    stream->avail_out = space;
    int code = inflate(stream, Z_NO_FLUSH);
    left -= input - stream->avail_in;
    *output_count += space - stream->avail_out;
    if (*output_count > limit)
      return apus_failure(APUS_TOO_LARGE, error, "it inflates to more bytes than allowed");
    if (code == Z_STREAM_END) {
      if (left == 0 || ignore_rest) return APUS_OK;
      if (container != APUS_GZIP)
        return apus_failure(APUS_MALFORMED, error, "bytes after the end of the stream");
      inflateReset(stream);
    } else if (code == Z_BUF_ERROR || (code == Z_OK && left == 0 && stream->avail_out != 0)) {
      return apus_failure(APUS_TRUNCATED, error, "the compressed stream ends too early");
    } else if (code != Z_OK) {
      return apus_failure(code == Z_MEM_ERROR ? APUS_NO_MEMORY : APUS_MALFORMED, error,
                          stream->msg != NULL ? stream->msg : "a damaged stream");
    }
  }
}

apus_status apus_inflate(const uint8_t *bytes, size_t count, apus_container container, size_t limit,
                         int ignore_rest, uint8_t **output, size_t *output_count, char *error) {
  z_stream stream = {0};
  *output = NULL;
  *output_count = 0;
  if (limit > SIZE_MAX / 2) limit = SIZE_MAX / 2;
  if (inflateInit2(&stream, window_bits(container)) != Z_OK)
    return apus_failure(APUS_NO_MEMORY, error, "no memory to inflate");
  size_t first = count < SIZE_MAX / 8 ? 4 * count + 256 : count;
  if (first > limit) first = limit + 1;
  *output = malloc(first);
  if (*output == NULL) {
    inflateEnd(&stream);
    return apus_failure(APUS_NO_MEMORY, error, "no memory for the inflated bytes");
  }
  *output_count = first;
  stream.next_in = (Bytef *)bytes;
  apus_status status =
      inflate_all(&stream, count, container, limit, ignore_rest, output, output_count, error);
  inflateEnd(&stream);
  return status;
}

apus_status apus_deflate(const uint8_t *bytes, size_t count, apus_container container, int level,
                         uint8_t **output, size_t *output_count, char *error) {
  z_stream stream = {0};
  *output = NULL;
  *output_count = 0;
  if (deflateInit2(&stream, level, Z_DEFLATED, window_bits(container), 8, Z_DEFAULT_STRATEGY) != Z_OK)
    return apus_failure(APUS_NO_MEMORY, error, "deflate refused the level, or has no memory");
  size_t capacity = deflateBound(&stream, count), left = count;
  *output = malloc(capacity);
  if (*output == NULL) {
    deflateEnd(&stream);
    return apus_failure(APUS_NO_MEMORY, error, "no memory for the deflated bytes");
  }
  stream.next_in = (Bytef *)bytes;
  int code = Z_OK;
  while (code == Z_OK) {
    uInt input = left > (1u << 30) ? 1u << 30 : (uInt)left;
    size_t room = capacity - *output_count;
    uInt space = room > (1u << 30) ? 1u << 30 : (uInt)room;
    stream.avail_in = input;
    stream.next_out = *output + *output_count;
    stream.avail_out = space;
    code = deflate(&stream, input == left ? Z_FINISH : Z_NO_FLUSH);
    left -= input - stream.avail_in;
    *output_count += space - stream.avail_out;
  }
  deflateEnd(&stream);
  if (code == Z_STREAM_END) return APUS_OK;
  return apus_failure(APUS_NO_MEMORY, error, "deflate did not finish");
}

uint32_t apus_crc32(uint32_t start, const uint8_t *bytes, size_t count) {
  return (uint32_t)crc32_z(start, bytes, count);
}

void apus_free(void *memory) { free(memory); }
