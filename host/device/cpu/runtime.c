/* runtime.c - memory of the CPU device. Device memory is host memory, and every operation runs at
 * once. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#include "context/random.h"
#include "device/cpu/cpu.h"

/* From 2 MiB on, memory is aligned to and asked for in pages of 2 MiB: fewer TLB misses, and the second-level cache
 * holds more of it than of scattered small pages. */
enum { ALIGNMENT = 256, HUGE_PAGE = 2 << 20, HUGE_FROM = 2 << 20 };

static void close_device(ait_device *device) {
  free(device->state);
  *device = (ait_device){.runtime = NULL};
}

static ait_status memory(ait_device *device, size_t *free_bytes, size_t *total_bytes) {
  (void)device;
  struct sysinfo info;
  if (sysinfo(&info) != 0) {
    return ait_fail(AIT_DEVICE_ERROR, "the system does not say how much memory it has");
  }
  *free_bytes = ((size_t)info.freeram + info.bufferram) * info.mem_unit;
  *total_bytes = (size_t)info.totalram * info.mem_unit;
  return AIT_OK;
}

/* Whether the machine, swap included, could ever hold that many bytes. */
static int could_ever_fit(size_t bytes) {
  struct sysinfo info;
  return sysinfo(&info) != 0 || bytes / info.mem_unit <= (size_t)info.totalram + info.totalswap;
}

static ait_status allocate(ait_device *device, size_t bytes, void **made) {
  (void)device;
  *made = NULL;
  if (bytes == 0) {
    return AIT_OK;
  }
  size_t alignment = bytes >= HUGE_FROM ? HUGE_PAGE : ALIGNMENT;
  size_t whole = bytes / alignment + (bytes % alignment != 0);
  if (could_ever_fit(bytes) && whole <= SIZE_MAX / alignment) {
    *made = aligned_alloc(alignment, whole * alignment);
  }
  if (*made == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "device cpu: %zu bytes of memory could not be allocated", bytes);
  }
  if (alignment == HUGE_PAGE) {
    (void)madvise(*made, whole * alignment, MADV_HUGEPAGE); /* advice: its failure costs time only */
  }
  return AIT_OK;
}

static void release(ait_device *device, void *made) {
  (void)device;
  free(made);
}

static ait_status copy_in(ait_device *device, size_t bytes, const void *host, void *target) {
  (void)device;
  if (bytes > 0) {
    memcpy(target, host, bytes);
  }
  return AIT_OK;
}

static ait_status copy_out(ait_device *device, size_t bytes, const void *source, void *host) {
  (void)device;
  if (bytes > 0) {
    memcpy(host, source, bytes);
  }
  return AIT_OK;
}

static ait_status fill(ait_device *device, size_t bytes, int value, void *target) {
  (void)device;
  if (bytes > 0) {
    memset(target, value, bytes);
  }
  return AIT_OK;
}

static ait_status synchronize(ait_device *device) {
  (void)device;
  return AIT_OK;
}

/* Bytes 8 i .. 8 i + 7 are number i of the seed's sequence, lowest byte first. */
static ait_status random_bytes(ait_device *device, uint64_t seed, size_t bytes, void *target) {
  enum { WORD = sizeof(uint64_t) };
  const int64_t words = (int64_t)(bytes / WORD + (bytes % WORD != 0));
#pragma omp parallel for num_threads(device->threads) if (bytes > AIT_CPU_SERIAL)
  for (int64_t i = 0; i < words; ++i) {
    uint64_t bits = ait_random_bits(seed, AIT_STREAM_BYTES, (uint64_t)i);
    unsigned char *out = (unsigned char *)target + i * WORD;
    const size_t left = bytes - (size_t)i * WORD;
    for (size_t b = 0; b < (left < WORD ? left : WORD); ++b, bits >>= 8) {
      out[b] = (unsigned char)bits;
    }
  }
  return AIT_OK;
}

const ait_runtime_ops ait_cpu_runtime = {
    .kind = "cpu",
    .host_memory = 1,
    .close = close_device,
    .allocate = allocate,
    .release = release,
    .allocate_host = allocate,
    .release_host = release,
    .copy_in = copy_in,
    .copy_out = copy_out,
    .fill = fill,
    .synchronize = synchronize,
    .memory = memory,
    .random_bytes = random_bytes,
};
