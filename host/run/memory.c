/* memory.c - how much host memory a piece of work took at most. */
#include "run/memory.h"

#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A line "NAME:  123 kB" of /proc/self/status, in bytes; NaN where there is none. */
static double read_status(const char *name) {
  FILE *file = fopen("/proc/self/status", "r");
  double bytes = NAN;
  char line[128];
  while (file != NULL && isnan(bytes) && fgets(line, sizeof line, file) != NULL) {
    double kilobytes;
    if (strncmp(line, name, strlen(name)) == 0 && sscanf(line + strlen(name), ": %lf kB", &kilobytes) == 1) {
      bytes = 1024 * kilobytes;
    }
  }
  if (file != NULL) {
    fclose(file);
  }
  return bytes;
}

/* Sets the peak to what is resident now. */
static int reset_peak(void) {
  FILE *file = fopen("/proc/self/clear_refs", "w");
  if (file == NULL) {
    return 0;
  }
  const int written = fputs("5", file) >= 0;
  return fclose(file) == 0 && written;
}

double ait_memory_begin(void) {
  malloc_trim(0);
  return reset_peak() ? read_status("VmRSS") : NAN;
}

double ait_memory_peak(double begun) {
  return read_status("VmHWM") - begun;
}
