/* context.c - opens and ends a device. */
#include "context/context.h"

#include <stdlib.h>
#include <string.h>

#include "context/error.h"

void ait_context_options_init(ait_context_options *options) {
  *options = (ait_context_options){.struct_size = sizeof *options, .device = "auto"};
}

static ait_status open_device(const ait_context_options *options, ait_device *device) {
  const char *name = options->device != NULL ? options->device : "auto";
  if (strcmp(name, "auto") == 0 || strcmp(name, "cpu") == 0) {
    return ait_device_open_cpu(options->threads, device);
  }
  if (strcmp(name, "cuda") == 0 || strncmp(name, "cuda:", 5) == 0) {
    return ait_fail(AIT_UNSUPPORTED, "device %s: this build has no CUDA device; use cpu or auto", name);
  }
  return ait_fail(AIT_INVALID_ARGUMENT, "device %s: expected auto, cpu, cuda or cuda:N", name);
}

ait_status ait_context_create(const ait_context_options *options, ait_context **context) {
  ait_context_options defaults;
  ait_context_options_init(&defaults);
  if (options == NULL) {
    options = &defaults;
  }
  if (options->struct_size != sizeof *options) {
    return ait_fail(AIT_INVALID_ARGUMENT, "context options were not set up by ait_context_options_init");
  }
  if (options->threads < 0) {
    return ait_fail(AIT_INVALID_ARGUMENT, "threads is %d; expected 0 (choose) or more", options->threads);
  }
  ait_context *made = calloc(1, sizeof *made);
  if (made == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a context");
  }
  ait_status status = open_device(options, &made->device);
  if (status != AIT_OK) {
    free(made);
    return status;
  }
  *context = made;
  return AIT_OK;
}

void ait_context_destroy(ait_context *context) {
  if (context == NULL) {
    return;
  }
  context->device.runtime->close(&context->device);
  free(context);
}

const char *ait_context_device(const ait_context *context) {
  return context->device.name;
}

const char *ait_context_description(const ait_context *context) {
  return context->device.description;
}

int32_t ait_context_threads(const ait_context *context) {
  return context->device.threads;
}

void *ait_context_stream(ait_context *context) {
  return context->device.stream;
}

ait_status ait_context_synchronize(ait_context *context) {
  return context->device.runtime->synchronize(&context->device);
}
