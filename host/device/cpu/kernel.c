/* kernel.c - which build of the data pass's kernels runs. */
#include <stdlib.h>
#include <string.h>

#include "device/cpu/data_pass.h"

#ifdef AIT_AMX
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#ifdef __x86_64__
/* The instructions of the psABI's levels that a compiler would use in our loops. */
static int has_v2(void) {
  return __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
}

static int has_v3(void) {
  return has_v2() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("bmi2");
}

static int has_v4(void) {
  return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

#ifdef AIT_AMX
/* Tiles of bytes, and the system's leave to use them: their registers are saved only for processes that
 * have asked. The leave holds for all threads; asking again changes nothing. */
static int has_amx(void) {
  enum { FEATURES = 7, AMX_TILE = 1 << 24, AMX_INT8 = 1 << 25 };
  enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 }; /* of Linux's arch_prctl */
  unsigned a, b, c, d = 0;
  return has_v4() && __get_cpuid_count(FEATURES, 0, &a, &b, &c, &d) && (d & AMX_TILE) != 0 && (d & AMX_INT8) != 0 &&
         syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}
#endif
#endif

static int always(void) {
  return 1;
}

/* What AIT_CPU_KERNEL may say, from the best to the plainest. */
static const struct choice {
  const char *word;
  const ait_pass_kernel *kernel;
  int (*supported)(void);
} choices[] = {
#ifdef AIT_AMX
    {"amx", &ait_pass_kernel_amx, has_amx},
#endif
#ifdef __x86_64__
    {"v4", &ait_pass_kernel_v4, has_v4},
    {"v3", &ait_pass_kernel_v3, has_v3},
    {"v2", &ait_pass_kernel_v2, has_v2},
#endif
    {"baseline", &ait_pass_kernel_baseline, always},
};

enum { CHOICES = sizeof choices / sizeof choices[0] };

ait_status ait_cpu_choose_kernel(const ait_pass_kernel **kernel) {
  const char *word = getenv("AIT_CPU_KERNEL");
  for (int i = 0; i < CHOICES; ++i) {
    if (word != NULL && *word != '\0' && strcmp(word, choices[i].word) != 0) {
      continue;
    }
    if (choices[i].supported()) {
      *kernel = choices[i].kernel;
      return AIT_OK;
    }
    if (word != NULL && *word != '\0') {
      return ait_fail(AIT_INVALID_ARGUMENT, "AIT_CPU_KERNEL is %s, whose instructions this processor or system lacks",
                      word);
    }
  }
  char names[64] = "";
  for (int i = 0; i < CHOICES; ++i) {
    strcat(strcat(names, i > 0 ? ", " : ""), choices[i].word);
  }
  return ait_fail(AIT_INVALID_ARGUMENT, "AIT_CPU_KERNEL is \"%s\"; this build has %s", word, names);
}
