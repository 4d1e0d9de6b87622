/* signals.c - how a signal ends a long command. */
#include "cli/signals.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "cli/options.h"

volatile sig_atomic_t ait_stop_asked = 0;

static int32_t quiet_signals = 0;

/* Exit statuses: what shells say of a program that a signal ended, and what timeout(1) says. */
enum { SIGNAL_STATUS = 128, LIMIT_STATUS = 124 };

static void say(const char *text, size_t length) {
  int kept = errno;
  ssize_t written = quiet_signals ? 0 : write(STDERR_FILENO, text, length);
  (void)written;
  errno = kept;
}

static void ask_to_stop(int signal_number) {
  static const char said[] = "\nstopping as soon as what is under way has ended; a second Ctrl-C ends at once\n";
  static volatile sig_atomic_t asked_before = 0;
  if (asked_before) {
    signal(signal_number, SIG_DFL);
    raise(signal_number);
    return;
  }
  asked_before = 1;
  ait_stop_asked = signal_number;
  say(said, sizeof said - 1);
}

static void end_of_time(int signal_number) {
  static const char said[] = "\nthe time limit is over: stopping as soon as what is under way has ended\n";
  if (!ait_stop_asked) {
    ait_stop_asked = signal_number;
    say(said, sizeof said - 1);
  }
}

/* There is no going on without the rows; a checkpoint stays as it is. */
static void rows_are_gone(int signal_number) {
  static const char said[] = AIT_PROGRAM
      ": a data file that is mapped into memory can no longer be read: it was shortened while the command "
      "worked, or its disk failed\n";
  const ssize_t written = write(STDERR_FILENO, said, sizeof said - 1);
  (void)written, (void)signal_number;
  _exit(EXIT_FAILURE);
}

/* Ctrl-C, a polite end, a closed terminal. */
static const int stopping[] = {SIGINT, SIGTERM, SIGHUP};

void ait_signals_catch(int32_t quiet) {
  quiet_signals = quiet;
  struct sigaction action = {.sa_handler = ask_to_stop, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < sizeof stopping / sizeof *stopping; i++) {
    struct sigaction inherited;
    if (sigaction(stopping[i], NULL, &inherited) == 0 && inherited.sa_handler != SIG_IGN) {
      sigaction(stopping[i], &action, NULL); /* what nohup has the program ignore stays ignored */
    }
  }
  signal(SIGBUS, rows_are_gone);
  signal(SIGPIPE, SIG_IGN); /* a reader that has gone shows as a write error, not as a death */
  signal(SIGXFSZ, SIG_IGN); /* and so does a file that grows too large */
}

void ait_signals_limit(double seconds) {
  const struct sigaction action = {.sa_handler = end_of_time, .sa_flags = SA_RESTART};
  const double least = 1e-3, most = 1e9, left = fmin(most, fmax(least, seconds));
  const struct itimerval once = {
      .it_value = {.tv_sec = (time_t)left, .tv_usec = (suseconds_t)(1e6 * (left - floor(left)))}};
  sigaction(SIGALRM, &action, NULL);
  setitimer(ITIMER_REAL, &once, NULL);
}

int ait_stop_status(void) {
  return ait_stop_asked == SIGALRM ? LIMIT_STATUS : SIGNAL_STATUS + (int)ait_stop_asked;
}

const char *ait_stop_reason(void) {
  switch (ait_stop_asked) {
    case SIGALRM:
      return "stopped at the end of its time limit";
    case SIGINT:
      return "stopped by SIGINT";
    case SIGTERM:
      return "stopped by SIGTERM";
    default:
      return "stopped by SIGHUP";
  }
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
