/* context.c - opens and ends a device. */
#include "context/context.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context/error.h"

void ait_context_options_init(ait_context_options *options) {
  *options = (ait_context_options){.struct_size = sizeof *options, .device = "auto"};
}

/* N of "cuda:N", 0 of "cuda"; false where it is no such name. */
static int parse_cuda(const char *name, int32_t *index) {
  *index = 0;
  if (strcmp(name, "cuda") == 0) {
    return 1;
  }
  if (strncmp(name, "cuda:", 5) != 0 || name[5] == '\0') {
    return 0;
  }
  for (const char *digit = name + 5; *digit != '\0'; digit++) {
    if (*digit < '0' || *digit > '9' || *index > (INT32_MAX - (*digit - '0')) / 10) {
      return 0;
    }
    *index = 10 * *index + (*digit - '0');
  }
  return 1;
}

static ait_status check_math(ait_math math) {
  if (math != AIT_MATH_FLOAT32 && math != AIT_MATH_TF32) {
    return ait_fail(AIT_INVALID_ARGUMENT, "math %d: expected float32 or tf32", (int)math);
  }
  if (math == AIT_MATH_TF32 && sizeof(ait_real) != sizeof(float)) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "math tf32: this is the library in double precision; use float32 here, or the float library");
  }
  return AIT_OK;
}

static ait_status open_cpu(const ait_context_options *options, const char *note, ait_device *device) {
  if (options->math == AIT_MATH_TF32) {
    return ait_fail(AIT_INVALID_ARGUMENT,
                    "math tf32: only a CUDA device has it, and the device is cpu%s%s%s; use float32",
                    note[0] != '\0' ? " (" : "", note, note[0] != '\0' ? ")" : "");
  }
  return ait_device_open_cpu(options->threads, device);
}

/* The first CUDA device that opens; where none does, *note says why the first did not. */
static ait_status open_any_cuda(const ait_context_options *options, ait_device *device, char *note, size_t size) {
  int32_t count = 0;
  ait_status status = ait_device_count_cuda(&count);
  if (status != AIT_OK) {
    snprintf(note, size, "no CUDA device: %s", ait_last_error());
    return status;
  }
  for (int32_t index = 0; index < count; index++) {
    status = ait_device_open_cuda(index, options->threads, options->math, device);
    if (status == AIT_OK) {
      note[0] = '\0';
      return AIT_OK;
    }
    if (index == 0) {
      snprintf(note, size, "no CUDA device: %s", ait_last_error());
    }
  }
  return status;
}

static ait_status open_device(const ait_context_options *options, ait_context *context) {
  const char *name = options->device != NULL ? options->device : "auto";
  ait_device *device = &context->device;
  int32_t index;
  AIT_TRY(check_math(options->math));
  if (strcmp(name, "auto") == 0) {
    return open_any_cuda(options, device, context->note, sizeof context->note) == AIT_OK
               ? AIT_OK
               : open_cpu(options, context->note, device);
  }
  if (strcmp(name, "cpu") == 0) {
    return open_cpu(options, "", device);
  }
  if (parse_cuda(name, &index)) {
    return ait_device_open_cuda(index, options->threads, options->math, device);
  }
  return ait_fail(AIT_INVALID_ARGUMENT, "device %s: expected auto, cpu, cuda or cuda:N with a number N", name);
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
  ait_status status = open_device(options, made);
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

const char *ait_context_note(const ait_context *context) {
  return context->note;
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
