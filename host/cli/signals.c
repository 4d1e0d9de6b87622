/* signals.c - how a signal ends a long command. */
#include "cli/signals.h"

#include <errno.h>
#include <unistd.h>

volatile sig_atomic_t ait_stop_asked = 0;

static int32_t quiet_signals = 0;

static void ask_to_stop(int signal_number) {
  static const char said[] = "\nstopping as soon as what is under way has ended; a second Ctrl-C ends at once\n";
  (void)signal_number;
  ait_stop_asked = 1;
  if (!quiet_signals) {
    int kept = errno;
    ssize_t written = write(STDERR_FILENO, said, sizeof said - 1);
    (void)written;
    errno = kept;
  }
}

/* Ctrl-C, a polite end, a closed terminal. */
static const int stopping[] = {SIGINT, SIGTERM, SIGHUP};

void ait_signals_catch(int32_t quiet) {
  quiet_signals = quiet;
  struct sigaction action = {.sa_handler = ask_to_stop, .sa_flags = (int)SA_RESETHAND};
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < sizeof stopping / sizeof *stopping; i++) {
    sigaction(stopping[i], &action, NULL);
  }
  signal(SIGPIPE, SIG_IGN); /* a reader that has gone shows as a write error, not as a death */
}

void ait_signals_hold(sigset_t *before) {
  sigset_t held;
  sigemptyset(&held);
  for (size_t i = 0; i < sizeof stopping / sizeof *stopping; i++) {
    sigaddset(&held, stopping[i]);
  }
  sigprocmask(SIG_BLOCK, &held, before);
}

void ait_signals_release(const sigset_t *before) {
  sigprocmask(SIG_SETMASK, before, NULL);
}
