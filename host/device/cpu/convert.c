/* convert.c - stored numbers of any type as ait_real. */
#include <string.h>

#include "device/cpu/cpu.h"

/* The value of an IEEE half: a normal number is rebiased by 112 exponents, twice for infinities and
 * NaN; a subnormal one is its mantissa times 2^-24. Exact. No branch, so that loops become vectors. */
static inline float half_value(uint16_t half) {
  uint32_t magnitude = (uint32_t)(half & 0x7fff) << 13;
  uint32_t exponent = magnitude & 0x0f800000;
  uint32_t bits = magnitude + (112u << 23) + (exponent == 0x0f800000 ? 112u << 23 : 0);
  float subnormal = (float)(int32_t)(half & 0x3ff) * 0x1p-24f;
  uint32_t subnormal_bits;
  memcpy(&subnormal_bits, &subnormal, sizeof subnormal);
  bits = (exponent == 0 ? subnormal_bits : bits) | (uint32_t)(half & 0x8000) << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

#define CONVERT_LOOP(source_type)                         \
  do {                                                    \
    const source_type *stored = (const source_type *)row; \
    for (int64_t j = 0; j < n; ++j) {                     \
      target[j] = (ait_real)stored[j];                    \
    }                                                     \
  } while (0)

void ait_cpu_convert(ait_type type, int64_t n, const void *row, ait_real *restrict target) {
  switch (type) {
    case AIT_U8:
      CONVERT_LOOP(uint8_t);
      break;
    case AIT_I32:
      CONVERT_LOOP(int32_t);
      break;
    case AIT_I64:
      CONVERT_LOOP(int64_t);
      break;
    case AIT_F16:
      for (int64_t j = 0; j < n; ++j) {
        target[j] = (ait_real)half_value(((const uint16_t *)row)[j]);
      }
      break;
    case AIT_F64:
      CONVERT_LOOP(double);
      break;
    default:
      CONVERT_LOOP(float);
      break;
  }
}
