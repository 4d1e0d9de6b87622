/* lanes.c - work on several slots at a time: every thread takes slots on a device of its own, a lane, whose
 * operations stay in that thread. */
#include <omp.h>
#include <stdio.h>
#include <string.h>

#include "device/cpu/data_pass.h"

/* Sums that are added up at once. */
enum { ADDED = 1024 };

/* The failure of the first slot that failed, whichever thread met it. */
typedef struct slot_failure {
  int64_t slot;
  ait_status status;
  char sentence[512];
} slot_failure;

static void note_failure(int64_t slot, ait_status status, slot_failure *failure) {
#pragma omp critical
  if (slot < failure->slot) {
    failure->slot = slot;
    failure->status = status;
    snprintf(failure->sentence, sizeof failure->sentence, "%s", ait_last_error());
  }
}

ait_status ait_cpu_for_slots(ait_device *device, int64_t slots, ait_slot_work work, void *context) {
  slot_failure failure = {.slot = slots};
#pragma omp parallel num_threads(device->threads)
  {
    ait_device lane = *device;
    lane.model = &ait_cpu_lane_model;
    lane.threads = 1;
#pragma omp for schedule(dynamic)
    for (int64_t slot = 0; slot < slots; ++slot) {
      const ait_status status = work(&lane, slot, omp_get_thread_num(), context);
      if (status != AIT_OK) {
        note_failure(slot, status, &failure);
      }
    }
  }
  return failure.slot < slots ? ait_fail(failure.status, "%s", failure.sentence) : AIT_OK;
}

ait_status ait_cpu_add_slots(ait_device *device, int64_t slots, int64_t stride, int64_t n, double *sum) {
  const ait_pass_kernel *kernel = ait_cpu_kernel(device);
#pragma omp parallel for num_threads(device->threads) if (n > ADDED)
  for (int64_t j = 0; j < n; j += ADDED) {
    double total[ADDED];
    const int64_t count = ait_min64(ADDED, n - j);
    kernel->add_slots(slots, stride, count, sum + j, total);
    memcpy(sum + j, total, (size_t)count * sizeof *sum);
  }
  return AIT_OK;
}
