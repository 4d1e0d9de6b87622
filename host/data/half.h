/* half.h (internal) - IEEE 754 half precision to float, without help from the hardware. */
#ifndef AIT_HALF_H
#define AIT_HALF_H

#include <stdint.h>
#include <string.h>

/* Exact for every half, subnormals, infinities and NaN too. Written as selections, so that a loop over
 * it vectorises, and without subnormal floats, so that flush-to-zero modes change nothing. */
static inline float ait_half_to_float(uint16_t half) {
  enum { REBIAS = (127 - 15) << 23, SMALLEST_NORMAL = 0x0400, INFINITE = 0x7c00 };
  uint32_t magnitude = half & 0x7fffu;
  float subnormal = (float)(int32_t)magnitude * 0x1p-24f;
  uint32_t subnormal_bits;
  memcpy(&subnormal_bits, &subnormal, sizeof subnormal_bits);
  uint32_t normal_bits = (magnitude << 13) + REBIAS + (magnitude >= INFINITE ? REBIAS : 0);
  uint32_t bits = magnitude < SMALLEST_NORMAL ? subnormal_bits : normal_bits;
  bits |= (uint32_t)(half & 0x8000u) << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

#endif
