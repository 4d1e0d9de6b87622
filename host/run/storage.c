/* storage.c - how a run's trajectories are stored within --memory, for people and for files. */
#include "run/storage.h"

#include <stdio.h>

#include "context/error.h"

ait_status ait_storage_plan(const ait_solver_options *options, int64_t batch, int64_t m, const char *shrinks,
                            ait_trajectory_plan *plan) {
  *plan = (ait_trajectory_plan){0};
  const ait_status status = ait_solver_plan_trajectory(options, batch, m, plan);
  if (status != AIT_INVALID_ARGUMENT || plan->bytes <= options->trajectory_bytes) {
    return status;
  }
  char runs[48] = "";
  if (batch > 1) {
    snprintf(runs, sizeof runs, "%lld runs with ", (long long)batch);
  }
  return ait_fail(AIT_INVALID_ARGUMENT,
                  "--memory %lld: the trajectory of %s%lld LL steps of %lld variables takes at least %lld bytes; "
                  "give --memory as much, or lower %s",
                  (long long)options->trajectory_bytes, runs, (long long)options->ll_steps, (long long)m,
                  (long long)plan->bytes, shrinks);
}

/* "25.7 MiB" */
static const char *write_bytes(int64_t bytes, char text[32]) {
  static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  double value = (double)bytes;
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < sizeof units / sizeof *units; unit++) {
    value /= 1024;
  }
  snprintf(text, 32, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
  return text;
}

void ait_storage_describe(const ait_trajectory_plan *plan, char text[AIT_STORAGE_TEXT]) {
  char bytes[32];
  write_bytes(plan->bytes, bytes);
  if (plan->every == 0) {
    snprintf(text, AIT_STORAGE_TEXT,
             "no trajectory is stored: the hyper-gradient looks at y_K alone (%lld states at a time, %s)",
             (long long)plan->states, bytes);
  } else if (plan->recomputed_steps == 0) {
    snprintf(text, AIT_STORAGE_TEXT, "trajectory: every state is stored, %lld of them, %s; no LL step is taken twice",
             (long long)plan->states, bytes);
  } else {
    snprintf(
        text, AIT_STORAGE_TEXT,
        "trajectory: 1 state in %lld is kept, %lld are in memory at a time, %s; up to %lld LL steps a UL iteration are "
        "taken twice",
        (long long)plan->every, (long long)plan->states, bytes, (long long)plan->recomputed_steps);
  }
}

void ait_storage_write(const ait_trajectory_plan *plan, cJSON *object) {
  cJSON *trajectory = cJSON_AddObjectToObject(object, "trajectory");
  if (plan->every > 0) {
    cJSON_AddNumberToObject(trajectory, "every", (double)plan->every);
  } else {
    cJSON_AddNullToObject(trajectory, "every");
  }
  cJSON_AddNumberToObject(trajectory, "states", (double)plan->states);
  cJSON_AddNumberToObject(trajectory, "recomputed_steps", (double)plan->recomputed_steps);
  cJSON_AddNumberToObject(trajectory, "bytes", (double)plan->bytes);
}
