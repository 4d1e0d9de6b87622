/* replay.c - work that every UL iteration repeats, recorded once where the device can record it (a
 * CUDA graph) and replayed from then on.
 *
 * Everything that changes from one iteration to the next stands in device memory in a fixed place
 * (blocks.c), so that a recording is never stale. Work is recorded at its second use, when libraries have
 * loaded what they need. A problem that is not AIT_CAPTURABLE, or that wants host pointers, is never
 * recorded. */
#include <stdlib.h>

#include "context/error.h"
#include "solver/solver_state.h"

ait_status ait_recordings_create(ait_solver *solver) {
  const uint32_t flags = solver->problem->oracles.flags;
  ait_recordings *recordings = &solver->recordings;
  if (solver->device->runtime->begin_recording == NULL || !(flags & AIT_CAPTURABLE) || (flags & AIT_HOST_POINTERS)) {
    return AIT_OK;
  }
  recordings->steps = ait_is_implicit(&solver->options.method) ? 1 : solver->K;
  recordings->reverse = calloc(2 * (size_t)recordings->steps, sizeof *recordings->reverse);
  if (recordings->reverse == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the recordings of %lld steps", (long long)recordings->steps);
  }
  if (solver->trajectory.segments > 1) {
    recordings->again = calloc((size_t)recordings->steps, sizeof *recordings->again);
    if (recordings->again == NULL) {
      return ait_fail(AIT_OUT_OF_MEMORY, "no memory for the recordings of %lld steps", (long long)recordings->steps);
    }
  }
  recordings->wanted = 1;
  return AIT_OK;
}

void ait_recordings_release(ait_solver *solver) {
  const ait_runtime_ops *runtime = solver->device->runtime;
  ait_recordings *recordings = &solver->recordings;
  if (recordings->reverse == NULL) {
    return;
  }
  runtime->release_recording(solver->device, recordings->rollout);
  for (int64_t i = 0; i < 2 * solver->recordings.steps; i++) {
    runtime->release_recording(solver->device, recordings->reverse[i]);
  }
  for (int64_t i = 0; recordings->again != NULL && i < recordings->steps; i++) {
    runtime->release_recording(solver->device, recordings->again[i]);
  }
  free(recordings->reverse);
  free(recordings->again);
}

static ait_status record(ait_solver *solver, ait_recording **recording, ait_status (*work)(ait_solver *, int64_t),
                         int64_t k) {
  const ait_runtime_ops *runtime = solver->device->runtime;
  AIT_TRY(runtime->begin_recording(solver->device));
  const ait_status status = work(solver, k);
  if (status != AIT_OK) {
    runtime->end_recording(solver->device, NULL);
    return status;
  }
  return runtime->end_recording(solver->device, recording);
}

/* Whether work could not be recorded only because there is too much of it. */
static int32_t is_too_long(ait_status status) {
  return status == AIT_UNSUPPORTED || status == AIT_OUT_OF_MEMORY;
}

/* What is too long to record gains nothing from it either: then, and from then on, work just runs. */
ait_status ait_replay(ait_solver *solver, ait_recording **recording, ait_status (*work)(ait_solver *, int64_t),
                      int64_t k) {
  if (recording != NULL && solver->recordings.wanted && *recording == NULL) {
    const ait_status status = record(solver, recording, work, k);
    if (status != AIT_OK && !is_too_long(status)) {
      return status;
    }
    solver->recordings.wanted = status == AIT_OK;
  }
  if (recording == NULL || !solver->recordings.wanted) {
    return work(solver, k);
  }
  return solver->device->runtime->replay(solver->device, *recording);
}
