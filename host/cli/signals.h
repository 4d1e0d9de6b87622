/* signals.h - how a signal ends a long command: the first asks it to stop, a second one ends the program at once. */
#ifndef AIT_CLI_SIGNALS_H
#define AIT_CLI_SIGNALS_H

#include <signal.h>
#include <stdint.h>

/* Nonzero once a signal has asked to stop. */
extern volatile sig_atomic_t ait_stop_asked;

/* From here on Ctrl-C, a polite end and a closed terminal ask to stop; `quiet` commands say nothing about it. */
void ait_signals_catch(int32_t quiet);

/* Holds the same signals back while files are written; `before` is what ait_signals_release wants. */
void ait_signals_hold(sigset_t *before);
void ait_signals_release(const sigset_t *before);

#endif
