/* context.h - a device and the threads that drive it.
 *
 * A context is used by one thread at a time. Several contexts, of the same or of different devices,
 * may live side by side. Problems and solvers hold a reference to their context's device, so a
 * context must outlive them. */
#ifndef AIT_CONTEXT_H
#define AIT_CONTEXT_H

#include "ait/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ait_context ait_context;

/* How a CUDA device multiplies float matrices (cuBLAS): in float32, or in TF32, which is several times
 * faster on large products and keeps 10 bits of each factor's mantissa. */
typedef enum ait_math { AIT_MATH_FLOAT32, AIT_MATH_TF32 } ait_math;

typedef struct ait_context_options {
  size_t struct_size; /* set by ait_context_options_init */
  const char *device; /* "auto" (default), "cpu", "cuda" or "cuda:N" */
  int32_t threads;    /* CPU threads, at most 1024; 0 (default): OMP_NUM_THREADS, else all the process may use */
  ait_math math;      /* default AIT_MATH_FLOAT32; AIT_MATH_TF32 needs a CUDA device and libait */
} ait_context_options;

AIT_API void ait_context_options_init(ait_context_options *options);

/* Opens a device. `options` may be NULL (defaults). The strings are copied. On success *context is
 * owned by the caller, who ends it with ait_context_destroy. The results of a computation do not
 * depend on the number of threads.
 * "cuda" is cuda:0; "auto" is the first CUDA device that opens, else the CPU (see ait_context_note).
 * Calls on a CUDA context leave its device the calling thread's current one.
 * The CPU device sets OpenBLAS to one thread for the whole process: its GEMMs run inside our own
 * parallel regions.
 * Errors: AIT_INVALID_ARGUMENT (unknown device name, no CUDA device of that number, negative threads,
 * AIT_MATH_TF32 on the CPU or in libait64), AIT_UNSUPPORTED (this build or this machine has no such
 * device, or it is too old), AIT_OUT_OF_MEMORY, AIT_DEVICE_ERROR. */
AIT_API ait_status ait_context_create(const ait_context_options *options, ait_context **context);

/* Ends a context; NULL is allowed. Its problems, solvers and predictors must have been destroyed before. */
AIT_API void ait_context_destroy(ait_context *context);

/* The device in use: "cpu" or "cuda:N"; owned by the context. */
AIT_API const char *ait_context_device(const ait_context *context);

/* One line for people about the device (model, instruction set, threads); owned by the context. */
AIT_API const char *ait_context_description(const ait_context *context);

/* Where "auto" came to the CPU: why, in one line ("no CUDA device: ..."); else empty. Owned by the
 * context. */
AIT_API const char *ait_context_note(const ait_context *context);

/* CPU threads in use. */
AIT_API int32_t ait_context_threads(const ait_context *context);

/* The stream that every operation of this context is enqueued on: a cudaStream_t on a CUDA device,
 * NULL on the CPU, where operations run at once. Owned by the context. */
AIT_API void *ait_context_stream(ait_context *context);

/* Waits until everything enqueued so far has run. Errors: AIT_DEVICE_ERROR. */
AIT_API ait_status ait_context_synchronize(ait_context *context);

#ifdef __cplusplus
}
#endif
#endif
