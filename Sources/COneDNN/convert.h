// Narrow floating-point numbers, without instructions or library calls that some processors lack.
#ifndef APUS_CONVERT_H
#define APUS_CONVERT_H

#include <stdint.h>
#include <string.h>

static inline float convert_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline uint32_t convert_to_bits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static inline float convert_from_bfloat16(uint16_t value) { return convert_bits((uint32_t)value << 16); }

/// To the nearest even; NaN stays NaN.
static inline uint16_t convert_to_bfloat16(float value) {
  uint32_t bits = convert_to_bits(value);
  uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  return (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? (bits >> 16) | 0x40 : rounded);
}

/// Exact: the exponent is moved by a multiplication, which also makes denormals normal.
static inline float convert_from_float16(uint16_t value) {
  uint32_t magnitude = (uint32_t)(value & 0x7fff) << 13;
  uint32_t finite = convert_to_bits(convert_bits(magnitude) * 0x1p112f);
  uint32_t bits = magnitude >= 0x0f800000 ? magnitude | 0x7f800000 : finite;
  return convert_bits(bits | (uint32_t)(value & 0x8000) << 16);
}

/// To the nearest even; too large becomes infinite; NaN stays NaN.
static inline uint16_t convert_to_float16(float value) {
  uint32_t bits = convert_to_bits(value), sign = bits >> 16 & 0x8000;
  uint32_t magnitude = bits & 0x7fffffff;
  uint32_t normal = (magnitude + 0xfff + (magnitude >> 13 & 1) - 0x38000000) >> 13;
  // Adding 1/2 leaves a denormal's rounded mantissa in the last bits of the sum.
  uint32_t small = convert_to_bits(convert_bits(magnitude) + 0.5f) - 0x3f000000;
  uint32_t result = magnitude < 0x38800000 ? small : normal;
  result = magnitude >= 0x477ff000 ? 0x7c00 : result;
  result = magnitude > 0x7f800000 ? 0x7e00 : result;
  return (uint16_t)(result | sign);
}

#endif
