/* targets.h - the targets by their names: X(NAME) for every tests/fuzz/targets/NAME.c. */
#ifndef AIT_TESTS_FUZZ_TARGETS_H
#define AIT_TESTS_FUZZ_TARGETS_H

#include <stddef.h>
#include <stdint.h>

#define FUZZ_TARGETS(X) \
  X(case_file)          \
  X(checkpoint)         \
  X(cifar)              \
  X(gzip)               \
  X(idx)                \
  X(noise_models)       \
  X(npy)                \
  X(options)            \
  X(own_data)           \
  X(report)             \
  X(table)

#define FUZZ_DECLARE(name) int fuzz_##name(const uint8_t *data, size_t size);
FUZZ_TARGETS(FUZZ_DECLARE)
#undef FUZZ_DECLARE

#endif
