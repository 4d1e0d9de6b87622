/* resume.h - the options of runs that are saved, stopped and gone on with. */
#ifndef AIT_CLI_RESUME_H
#define AIT_CLI_RESUME_H

#include <argp.h>

#include "ait/status.h"
#include "run/checkpoint.h"

#define AIT_DEFAULT_CHECKPOINT_SECONDS 60

typedef struct ait_resume_options {
  const char *resume; /* the folder, borrowed; NULL: a new run */
  int32_t every_given;
  int64_t every_iterations;
  double every_seconds;
  double time_limit; /* 0: none */
} ait_resume_options;

/* Its input is an ait_resume_options of zeros. */
extern const struct argp ait_resume_argp;

/* Looks whether these arguments, NULL-terminated, leave a run what it is.
 * Errors: AIT_INVALID_ARGUMENT (the sentence names the first that does not). */
ait_status ait_resume_check_arguments(char *const *arguments);

#endif
