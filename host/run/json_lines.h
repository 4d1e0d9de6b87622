/* json_lines.h - how far a run is, for scripts: one JSON object a line on standard output. */
#ifndef AIT_RUN_JSON_LINES_H
#define AIT_RUN_JSON_LINES_H

#include "run/history.h"
#include "run/settings.h"

#ifdef __cplusplus
extern "C" {
#endif

/* {"event": "iteration", "seed": ..., "noise": ..., and the columns of history.csv and seconds.csv}: what the run with
 * these settings was at a UL iteration. Figures that were not taken are null. */
void ait_json_line_iteration(const ait_clean_settings *settings, const ait_history_row *row);

/* Figures by name. */
typedef struct ait_json_figures {
  int32_t count;
  const char *const *names;
  const double *values;
} ait_json_figures;

/* {"event": "iteration", "seed": ..., "noise": ..., "arm": ..., "t": ..., "seconds": ..., and the figures}: the t-th UL
 * iteration of a noise model. */
void ait_json_line_arm(const ait_clean_settings *settings, const char *arm, int64_t t, double seconds,
                       const ait_json_figures *figures);

/* {"event": "note", "text": ...} */
void ait_json_line_note(const char *text);

/* {"event": "summary", "folder": ..., "document": ...}: the document (run.json or sweep.json) that stands in the
 * folder, digit for digit. Errors: AIT_IO_ERROR, AIT_OUT_OF_MEMORY (for this line, or for one before, which is not
 * there). */
ait_status ait_json_line_summary(const char *folder, const char *document);

/* errno of the first line that could not be written, or 0. */
int ait_json_line_error(void);

#ifdef __cplusplus
}
#endif
#endif
