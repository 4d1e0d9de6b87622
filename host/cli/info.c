/* info.c - ait info: version, devices, libraries, build. */
#include <cblas.h>
#include <cjson/cJSON.h>
#include <png.h>
#include <stdio.h>
#include <zlib.h>

#include "ait/ait.h"
#include "cli/options.h"
#include "context/error.h"
#include "device/device.h"

static error_t parse(int key, char *argument, struct argp_state *state) {
  (void)state;
  return key == ARGP_KEY_ARG ? ait_option_superfluous("info", argument) : ARGP_ERR_UNKNOWN;
}

/* Every CUDA device, or why there is none. */
static ait_status print_cuda_devices(void) {
  int32_t count = 0;
  if (ait_device_count_cuda(&count) != AIT_OK) {
    printf("  %-10snone: %s\n", "cuda", ait_last_error());
    return AIT_OK;
  }
  for (int32_t index = 0; index < count; index++) {
    char name[24], line[256];
    AIT_TRY(ait_device_describe_cuda(index, sizeof line, line));
    snprintf(name, sizeof name, "cuda:%d", index);
    printf("  %-10s%s\n", name, line);
  }
  return AIT_OK;
}

static ait_status print_devices(void) {
  ait_context *context;
  AIT_TRY(ait_open_device("cpu", 0, AIT_MATH_FLOAT32, &context));
  printf("Devices\n");
  printf("  %-10s%s\n", ait_context_device(context), ait_context_description(context));
  ait_context_destroy(context);
  return print_cuda_devices();
}

static void print_libraries(void) {
  printf("Libraries\n");
  printf("  OpenBLAS  %s\n", openblas_get_config());
  printf("  zlib      %s\n", zlibVersion());
  printf("  cJSON     %s\n", cJSON_Version());
  printf("  libpng    %s\n", png_get_libpng_ver(NULL));
#ifdef AIT_CUDA_VERSION
  printf("  CUDA      %s\n", AIT_CUDA_VERSION);
  printf("  cuBLAS    %s\n", AIT_CUBLAS_VERSION);
#endif
}

static void print_build(void) {
  printf("Build\n");
#if defined(__clang__)
  printf("  compiler  clang %s\n", __clang_version__);
#else
  printf("  compiler  gcc %s\n", __VERSION__);
#endif
#ifdef __OPTIMIZE__
  printf("  optimised yes\n");
#else
  printf("  optimised no\n");
#endif
#ifdef __SANITIZE_ADDRESS__
  printf("  sanitizer address, undefined behaviour\n");
#endif
#ifdef _OPENMP
  printf("  OpenMP    %d\n", _OPENMP);
#endif
}

int ait_command_info(int argc, char **argv) {
  const struct argp argp = {.parser = parse, .doc = "Show the version, the devices, the libraries and the build."};
  ait_status status = ait_parse_options(&argp, argc, argv, "info", NULL);
  if (status != AIT_OK) {
    return ait_exit_status(status);
  }
  printf("%s %s, %s precision\n", AIT_PROGRAM, ait_version(), AIT_PRECISION);
  status = print_devices();
  print_libraries();
  print_build();
  return ait_exit_status(status);
}
