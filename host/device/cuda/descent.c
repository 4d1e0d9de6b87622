/* descent.c - whole rollouts and reverse sweeps of the CUDA device, each one cooperative launch, where its kernels take
 * the rows and layers. */
#include "device/cuda/cuda.h"

size_t ait_cuda_descent_workspace(ait_device *device, const ait_descent *descent) {
  return ait_kernel_plan_descent(descent, &ait_cuda_state(device)->limits).workspace_bytes;
}

typedef cudaError_t (*launcher)(cudaStream_t stream, const ait_descent *descent, const ait_descent_plan *plan,
                                void *workspace);

static ait_status run(ait_device *device, const ait_descent *descent, void *workspace, launcher launch,
                      const char *doing) {
  const ait_descent_plan plan = ait_kernel_plan_descent(descent, &ait_cuda_state(device)->limits);
  if (plan.workspace_bytes == 0) {
    return ait_fail(AIT_UNSUPPORTED, "device %s: %s in one piece is not possible for these rows and layers",
                    device->name, doing);
  }
  AIT_TRY(ait_cuda_enter(device));
  return ait_cuda_launched(device, launch(ait_cuda_state(device)->stream, descent, &plan, workspace), doing);
}

/* Accelerated steps are taken one by one. */
ait_status ait_cuda_rollout(ait_device *device, const ait_descent *descent, void *workspace) {
  if (descent->beta != NULL) {
    return AIT_UNSUPPORTED;
  }
  return run(device, descent, workspace, ait_kernel_rollout, "rolling out");
}

ait_status ait_cuda_reverse(ait_device *device, const ait_descent *descent, void *workspace) {
  return run(device, descent, workspace, ait_kernel_reverse, "sweeping back");
}
