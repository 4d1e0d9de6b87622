/* case.h - reference cases: a problem, a point and the hyper-gradients expected there.
 *
 * A case is a folder with case.json and .npy arrays: x, z, the data of the problem, and for every
 * method METHOD_F (F at y_0 .. y_K; at y_K alone for an implicit one), METHOD_gx, METHOD_gz and METHOD_y (y at kbar).
 */
#ifndef AIT_RUN_CASE_H
#define AIT_RUN_CASE_H

#include "ait/context.h"
#include "run/rounding.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ait_case ait_case;

enum { AIT_CASE_MAX_BATCH = 64 };

/* What one method gave. Errors are relative, in the 2-norm (absolute where the expected array is 0);
 * error_F is over the whole trajectory. */
typedef struct ait_case_result {
  char name[32];   /* the method as the case calls it */
  int32_t skipped; /* nonzero: not computed; `reason` says why, and nothing below is set */
  char reason[96];
  int32_t kbar_equal; /* nonzero: kbar is the expected one in every entry of the batch */
  int32_t kbar[AIT_CASE_MAX_BATCH], expected_kbar[AIT_CASE_MAX_BATCH];
  int32_t batch;
  double error_F, error_gx, error_gz, error_y;
  ait_rounding_effect rounding; /* measured in float where an error is above the tolerance; else 0 */
  double gap_F;                 /* largest relative gap between the expected F at kbar and at the expected kbar */
} ait_case_result;

/* Opens a case. The context must outlive it. Errors: AIT_NOT_FOUND, AIT_BAD_DATA (the sentence names
 * the file), AIT_IO_ERROR, AIT_OUT_OF_MEMORY. */
ait_status ait_case_open(ait_context *context, const char *directory, ait_case **opened);

/* The number of methods that the case holds. */
int32_t ait_case_methods(const ait_case *opened);

/* The tolerance of this build's precision: 1e-9 (double), 2e-5 (float). */
double ait_case_tolerance(void);

/* What a result means. */
typedef enum ait_case_verdict {
  AIT_CASE_PASSED,
  AIT_CASE_FAILED,
  AIT_CASE_BEYOND_FLOAT /* over the tolerance, but no float computation can be within it */
} ait_case_verdict;

/* Passed: kbar equal, and F, gx, gz and y within `tolerance`. In float a different kbar is excused
 * where the gap in F is below the tolerance; only F is then compared. Beyond float: an error is above
 * the tolerance, rounding x and z to float alone already moves the result by more than an eighth of
 * it, and no error is above eight times such a move (the states are rounded K times more). */
ait_case_verdict ait_case_judge(const ait_case_result *result, double tolerance);

/* Computes method 0 .. methods - 1 and compares. Errors: whatever the solver returns; AIT_BAD_DATA. */
ait_status ait_case_run(ait_case *opened, int32_t method, ait_case_result *result);

void ait_case_close(ait_case *opened); /* NULL is allowed */

#ifdef __cplusplus
}
#endif
#endif
