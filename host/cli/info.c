/* info.c - ait info: version, devices, libraries, build. */
#include <cblas.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <zlib.h>

#include "ait/ait.h"
#include "cli/options.h"
#include "context/error.h"

static error_t parse(int key, char *argument, struct argp_state *state) {
  (void)argument;
  if (key == ARGP_KEY_ARG) {
    argp_usage(state);
  }
  return ARGP_ERR_UNKNOWN;
}

static ait_status print_devices(void) {
  ait_context *context;
  AIT_TRY(ait_context_create(NULL, &context));
  printf("Devices\n");
  printf("  %-10s%s\n", ait_context_device(context), ait_context_description(context));
  ait_context_destroy(context);
  return AIT_OK;
}

static void print_libraries(void) {
  printf("Libraries\n");
  printf("  OpenBLAS  %s\n", openblas_get_config());
  printf("  zlib      %s\n", zlibVersion());
  printf("  cJSON     %s\n", cJSON_Version());
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
