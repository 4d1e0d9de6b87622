/* signals.h - how a signal ends a long command: the first asks it to stop, a second one ends the program at once. The
 * end of a time limit asks as well. */
#ifndef AIT_CLI_SIGNALS_H
#define AIT_CLI_SIGNALS_H

#include <signal.h>
#include <stdint.h>

/* The signal that has asked to stop, or 0. */
extern volatile sig_atomic_t ait_stop_asked;

/* From here on Ctrl-C, a polite end and a closed terminal ask to stop; `quiet` commands say nothing about it. A data
 * file that another program shortens ends the program with a sentence. */
void ait_signals_catch(int32_t quiet);

/* Asks to stop in so many seconds; signals are caught. */
void ait_signals_limit(double seconds);

/* Of a command that was asked to stop: its exit status, 128 + the signal or, after a time limit, 124; and why, such as
 * "stopped by SIGTERM". */
int ait_stop_status(void);
const char *ait_stop_reason(void);

/* Holds the same signals back while files are written; `before` is what ait_signals_release wants. */
void ait_signals_hold(sigset_t *before);
void ait_signals_release(const sigset_t *before);

#endif
