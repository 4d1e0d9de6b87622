/* random.c - counter-based random numbers: Philox 4x32-10 from Random123 (docs/derivation.md#random-numbers).
 *
 * The key is the seed; the counter's four words are (counter low, counter high, stream, attempt), so
 * that a number which is rejected and drawn again touches no other number. */
#include "context/random.h"

#include <Random123/philox.h>

static uint64_t draw(uint64_t seed, uint32_t stream, uint64_t counter, uint32_t attempt) {
  philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
  philox4x32_ctr_t position = {{(uint32_t)counter, (uint32_t)(counter >> 32), stream, attempt}};
  philox4x32_ctr_t out = philox4x32(position, key);
  return (uint64_t)out.v[1] << 32 | out.v[0];
}

uint64_t ait_random_bits(uint64_t seed, uint32_t stream, uint64_t counter) {
  return draw(seed, stream, counter, 0);
}

/* Lemire's method: the high half of bits * bound is the number. Each number then stands for
 * floor(2^64 / bound) or one more values of bits; the 2^64 mod bound products whose low half is the
 * smallest are the surplus, and are drawn again. */
uint64_t ait_random_below(uint64_t seed, uint32_t stream, uint64_t counter, uint64_t bound) {
  for (uint32_t attempt = 0;; ++attempt) {
    unsigned __int128 product = (unsigned __int128)draw(seed, stream, counter, attempt) * bound;
    uint64_t low = (uint64_t)product;
    if (low >= bound || low >= (0 - bound) % bound) {
      return (uint64_t)(product >> 64);
    }
  }
}

double ait_random_uniform(uint64_t seed, uint32_t stream, uint64_t counter) {
  return (double)(draw(seed, stream, counter, 0) >> 40) * 0x1p-24;
}

/* Forward Fisher-Yates: entry i is settled by draw i alone, so a shorter `count` gives a prefix. */
void ait_random_permutation(uint64_t seed, uint32_t stream, int64_t rows, int64_t count, int64_t *permutation) {
  for (int64_t i = 0; i < rows; ++i) {
    permutation[i] = i;
  }
  for (int64_t i = 0; i < count; ++i) {
    int64_t j = i + (int64_t)ait_random_below(seed, stream, (uint64_t)i, (uint64_t)(rows - i));
    int64_t chosen = permutation[j];
    permutation[j] = permutation[i];
    permutation[i] = chosen;
  }
}
