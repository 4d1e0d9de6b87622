/* device_cpu.c - opens and closes the CPU device. */
#include <cblas.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/cpu/data_pass.h"

enum { MOST_THREADS = 1024 };

/* The processor's name as the system tells it, or a general word. */
static void processor_name(size_t bytes, char *name) {
  snprintf(name, bytes, "processor");
  FILE *file = fopen("/proc/cpuinfo", "r");
  if (file == NULL) {
    return;
  }
  char line[256];
  while (fgets(line, sizeof line, file) != NULL) {
    const char *colon = strchr(line, ':');
    if (strncmp(line, "model name", 10) == 0 && colon != NULL) {
      snprintf(name, bytes, "%.*s", (int)strcspn(colon + 1, "\n"), colon + 1 + strspn(colon + 1, " "));
      name[strcspn(name, "\n")] = '\0';
      break;
    }
  }
  fclose(file);
}

ait_status ait_device_open_cpu(int32_t threads, ait_device *device) {
  if (threads < 0 || threads > MOST_THREADS) {
    return ait_fail(AIT_INVALID_ARGUMENT, "threads is %d; expected 0 (choose) to %d", threads, MOST_THREADS);
  }
  const ait_pass_kernel *kernel = NULL;
  AIT_TRY(ait_cpu_choose_kernel(&kernel));
  ait_cpu *state = malloc(sizeof *state);
  if (state == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a device");
  }
  *state = (ait_cpu){.kernel = kernel};
  *device = (ait_device){.runtime = &ait_cpu_runtime,
                         .vector = &ait_cpu_vector,
                         .model = &ait_cpu_model,
                         .state = state,
                         .threads = threads > 0 ? threads : omp_get_max_threads()};
  openblas_set_num_threads(1);
  char processor[128];
  processor_name(sizeof processor, processor);
  snprintf(device->name, sizeof device->name, "cpu");
  snprintf(device->description, sizeof device->description, "%s, %d threads, data pass %s", processor, device->threads,
           kernel->name);
  snprintf(device->arithmetic, sizeof device->arithmetic, "data pass %s, %s", kernel->name, openblas_get_config());
  return AIT_OK;
}
