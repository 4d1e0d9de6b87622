/* stored.cuh - a stored number as ait_real. */
#ifndef AIT_KERNELS_STORED_CUH
#define AIT_KERNELS_STORED_CUH

#include <string.h>

#include "device.cuh"
#include "device/device.h"

/* An IEEE half, by its bits. */
struct ait_half {
  uint16_t bits;
};

/* Exact for every half: subnormals by a product, the others by moving the fields; infinities and NaN
 * keep the largest exponent. */
__device__ inline float ait_half_value(ait_half half) {
  const uint32_t magnitude = half.bits & 0x7fffu, rebias = (127u - 15u) << 23;
  float value = (float)magnitude * 0x1p-24f;
  if (magnitude >= 0x0400u) {
    const uint32_t bits = (magnitude << 13) + rebias + (magnitude >= 0x7c00u ? rebias : 0u);
    memcpy(&value, &bits, sizeof value);
  }
  return half.bits & 0x8000u ? -value : value;
}

template <class Stored>
__device__ inline ait_real ait_value(Stored stored) {
  return (ait_real)stored;
}

template <>
__device__ inline ait_real ait_value(ait_half stored) {
  return (ait_real)ait_half_value(stored);
}

/* Calls launcher<Stored>(arguments...) for the type in which rows are stored. */
#define AIT_FOR_STORED(type, launcher, ...)              \
  ((type) == AIT_U8    ? launcher<uint8_t>(__VA_ARGS__)  \
   : (type) == AIT_I32 ? launcher<int32_t>(__VA_ARGS__)  \
   : (type) == AIT_I64 ? launcher<int64_t>(__VA_ARGS__)  \
   : (type) == AIT_F16 ? launcher<ait_half>(__VA_ARGS__) \
   : (type) == AIT_F32 ? launcher<float>(__VA_ARGS__)    \
                       : launcher<double>(__VA_ARGS__))

#endif
