/* storage.h - how a run's trajectories are stored within --memory, for people and for files. */
#ifndef AIT_RUN_STORAGE_H
#define AIT_RUN_STORAGE_H

#include <cjson/cJSON.h>

#include "ait/solver.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { AIT_STORAGE_TEXT = 192 };

/* The plan of ait_solver_plan_trajectory for a batch of m parameters each. Errors: its own; where --memory is too
 * little the sentence names that option, what would do, and `shrinks`: the other options that would. */
ait_status ait_storage_plan(const ait_solver_options *options, int64_t batch, int64_t m, const char *shrinks,
                            ait_trajectory_plan *plan);

/* "trajectory: 1 state in 14 is kept, 27 are in memory at a time, 25.7 MiB; up to ..." */
void ait_storage_describe(const ait_trajectory_plan *plan, char text[AIT_STORAGE_TEXT]);

/* The plan as an object `trajectory`. */
void ait_storage_write(const ait_trajectory_plan *plan, cJSON *object);

#ifdef __cplusplus
}
#endif
#endif
