/* transition_history.c - the UL iterations of transition cleaning, for scripts and in a file. */
#include <math.h>

#include "context/error.h"
#include "data/file.h"
#include "run/document.h"
#include "run/json_lines.h"
#include "run/run.h"
#include "run/transition_parts.h"

/* What they call the numbers of a point. */
static const char *const words[AIT_POINT_NUMBERS] = {"F",           "log_lambda",   "logit_e", "gradient_norm",
                                                     "ll_residual", "ll_iterations"};

void ait_transition_print_iteration(const ait_transition_run *run, int32_t kind) {
  const ait_transition_arm *arm = &run->arms[kind];
  if (run->settings->json) {
    const ait_json_figures figures = {.count = AIT_POINT_NUMBERS, .names = words, .values = arm->path[arm->points - 1]};
    ait_json_line_arm(run->settings, ait_transition_arm_words[kind], arm->iterations, ait_run_clock() - run->began,
                      &figures);
  }
}

/* The points that a UL iteration started from; the others are means of such points. */
static void write_arm(const ait_transition_run *run, int32_t kind, FILE *stream) {
  const ait_transition_arm *arm = &run->arms[kind];
  int64_t t = 0;
  for (int64_t i = 0; i < arm->points; i++) {
    if (isnan(arm->path[i][AIT_POINT_GRADIENT_NORM])) {
      continue;
    }
    fprintf(stream, "%s,%lld", ait_transition_arm_words[kind], (long long)++t);
    for (int32_t k = 0; k < AIT_POINT_NUMBERS; k++) {
      ait_document_csv(stream, arm->path[i][k]);
    }
    fputc('\n', stream);
  }
}

ait_status ait_transition_write_history(const ait_transition_run *run, const ait_folder *folder) {
  char path[PATH_MAX];
  ait_file file;
  AIT_TRY(ait_folder_path(folder, "history.csv", path));
  AIT_TRY(ait_file_begin(&file, path));
  fprintf(file.stream, "arm,t");
  for (int32_t k = 0; k < AIT_POINT_NUMBERS; k++) {
    fprintf(file.stream, ",%s", words[k]);
  }
  fputc('\n', file.stream);
  for (int32_t kind = 0; kind < AIT_ARM_MODELS; kind++) {
    write_arm(run, kind, file.stream);
  }
  return ait_file_commit(&file);
}
