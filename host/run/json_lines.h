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

/* {"event": "note", "text": ...} */
void ait_json_line_note(const char *text);

/* {"event": "summary", "folder": ..., "document": ...}: the document (run.json or sweep.json) that stands in the
 * folder, digit for digit. Errors: AIT_IO_ERROR, AIT_OUT_OF_MEMORY. */
ait_status ait_json_line_summary(const char *folder, const char *document);

#ifdef __cplusplus
}
#endif
#endif
