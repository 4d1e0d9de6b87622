/* gnuplot.h - drawings by gnuplot, a program of its own. */
#ifndef AIT_REPORT_GNUPLOT_H
#define AIT_REPORT_GNUPLOT_H

#include <stdio.h>

#include "ait/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Has gnuplot work through a script, which is read from the start of a temporary file, and hands over what it writes to
 * its standard output: *text is the caller's to free. No shell takes part, and no start-up file of the user's.
 * Errors: AIT_NOT_FOUND (gnuplot is not there; the sentence says what to install), AIT_UNSUPPORTED (it complains),
 * AIT_IO_ERROR, AIT_OUT_OF_MEMORY. */
ait_status ait_gnuplot_run(FILE *script, char **text);

#ifdef __cplusplus
}
#endif
#endif
