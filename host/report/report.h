/* report.h - a page about runs: one HTML file that needs no other. */
#ifndef AIT_REPORT_REPORT_H
#define AIT_REPORT_REPORT_H

#include <stddef.h>

#include "report/source.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the page to `path`. An older file there gives way where a report has written it. Where gnuplot draws nothing
 * the page says so in place of every curve, and `missing` (size bytes) gets the reason; else it becomes empty. Errors:
 * AIT_IO_ERROR (another file is there, or it cannot be written), AIT_OUT_OF_MEMORY. On failure what was there stays. */
ait_status ait_report_write(const ait_report_source *source, const char *path, char *missing, size_t size);

#ifdef __cplusplus
}
#endif
#endif
