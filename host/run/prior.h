/* prior.h - solvers with the prior that --prior names. */
#ifndef AIT_RUN_PRIOR_H
#define AIT_RUN_PRIOR_H

#include "ait/ait.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ait_solver_create with z drawn, where the method has a prior, to `prior`: "initial" (z0; or NULL), "zero", or the
 * path of an .npy file of m numbers, to which every LL problem of a batch is drawn. Errors: those of ait_solver_create
 * and of ait_matrix_open_npy; AIT_BAD_DATA (not m numbers, or one that is not finite: the sentence names the file). */
ait_status ait_prior_create_solver(ait_problem *problem, const ait_solver_options *options, const char *prior,
                                   const ait_real *x0, const ait_real *z0, ait_solver **solver);

#ifdef __cplusplus
}
#endif
#endif
