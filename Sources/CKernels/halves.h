// 16-bit floats to float32 and back, one at a time and for every processor.
#ifndef APUS_HALVES_H
#define APUS_HALVES_H

#include <stdint.h>
#include <string.h>

static inline float apus_float_of_bits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

static inline uint32_t apus_bits_of_float(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return bits;
}

static inline float apus_bfloat_to_float(uint16_t half) { return apus_float_of_bits((uint32_t)half << 16); }

static inline float apus_half_to_float(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000) << 16, magnitude = half & 0x7fff;
  // 2^112 moves the exponent, denormals included.
  uint32_t bits = magnitude >= 0x7c00 ? magnitude << 13 | 0x7f800000u
                                      : apus_bits_of_float(apus_float_of_bits(magnitude << 13) * 0x1p112f);
  return apus_float_of_bits(sign | bits);
}

/// Rounds to nearest, ties to even.
static inline uint16_t apus_float_to_bfloat(float value) {
  uint32_t bits = apus_bits_of_float(value);
  if (value != value) return (uint16_t)(bits >> 16 | 0x40);
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/// Rounds to nearest, ties to even.
static inline uint16_t apus_float_to_half(float value) {
  uint32_t bits = apus_bits_of_float(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return (uint16_t)(sign | 0x7e00);
  if (magnitude >= 0x477ff000) return (uint16_t)(sign | 0x7c00);
  if (magnitude < 0x38800000)  // denormal: adding 1/2 rounds at 2^-24
    return (uint16_t)(sign | (apus_bits_of_float(apus_float_of_bits(magnitude) + 0.5f) - 0x3f000000));
  return (uint16_t)(sign | (magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13);
}

#endif
