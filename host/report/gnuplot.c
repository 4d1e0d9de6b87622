/* gnuplot.c - drawings by gnuplot, a program of its own. */
#include "report/gnuplot.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "context/error.h"

extern char **environ;

/* A whole temporary file as a string. */
static ait_status read_back(FILE *file, char **text) {
  const long length = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
  if (length < 0) {
    return ait_fail(AIT_IO_ERROR, "what gnuplot wrote cannot be read: %s", strerror(errno));
  }
  rewind(file);
  *text = malloc((size_t)length + 1);
  if (*text == NULL) {
    return ait_fail(AIT_OUT_OF_MEMORY, "no memory for a drawing of %ld bytes", length);
  }
  (*text)[fread(*text, 1, (size_t)length, file)] = '\0';
  return AIT_OK;
}

/* Starts gnuplot on three files and waits; *exit_status is 127 where a system finds out only then that it is not there.
 */
static ait_status start_and_wait(FILE *script, FILE *output, FILE *complaints, int *exit_status) {
  char *const arguments[] = {"gnuplot", "-d", "-", NULL};
  FILE *const files[] = {script, output, complaints};
  posix_spawn_file_actions_t actions;
  pid_t child;
  int state = 0, error = posix_spawn_file_actions_init(&actions);
  for (int i = 0; i < 3 && error == 0; i++) {
    error = posix_spawn_file_actions_adddup2(&actions, fileno(files[i]), i);
  }
  if (error == 0) {
    error = posix_spawnp(&child, "gnuplot", &actions, NULL, arguments, environ);
  }
  posix_spawn_file_actions_destroy(&actions);
  *exit_status = 127;
  if (error == ENOENT) {
    return AIT_OK;
  }
  if (error != 0) {
    return ait_fail(AIT_IO_ERROR, "gnuplot cannot be started: %s", strerror(error));
  }
  while (waitpid(child, &state, 0) < 0) {
    if (errno != EINTR) {
      return ait_fail(AIT_IO_ERROR, "gnuplot cannot be waited for: %s", strerror(errno));
    }
  }
  *exit_status = WIFEXITED(state) ? WEXITSTATUS(state) : 1;
  return AIT_OK;
}

/* The first line of what gnuplot complains of that says anything; it prints its input line and a mark before. */
static ait_status complain(FILE *complaints) {
  char *text;
  AIT_TRY(read_back(complaints, &text));
  const char *line = strstr(text, "line ");
  line = line != NULL ? line : text;
  const ait_status status = ait_fail(AIT_UNSUPPORTED, "gnuplot drew nothing: %.*s", (int)strcspn(line, "\n"), line);
  free(text);
  return status;
}

static ait_status run(FILE *script, FILE *output, FILE *complaints, char **text) {
  int exit_status;
  if (fflush(script) != 0 || lseek(fileno(script), 0, SEEK_SET) != 0) {
    return ait_fail(AIT_IO_ERROR, "a script for gnuplot cannot be written: %s", strerror(errno));
  }
  AIT_TRY(start_and_wait(script, output, complaints, &exit_status));
  if (exit_status == 127) {
    return ait_fail(AIT_NOT_FOUND,
                    "gnuplot, which draws the curves, is not installed: install Debian's package "
                    "gnuplot-nox, or gnuplot from its site, and make the report again");
  }
  return exit_status == 0 ? read_back(output, text) : complain(complaints);
}

ait_status ait_gnuplot_run(FILE *script, char **text) {
  FILE *output = tmpfile(), *complaints = tmpfile();
  ait_status status = output != NULL && complaints != NULL
                          ? run(script, output, complaints, text)
                          : ait_fail(AIT_IO_ERROR, "no temporary file for gnuplot: %s", strerror(errno));
  if (output != NULL) {
    fclose(output);
  }
  if (complaints != NULL) {
    fclose(complaints);
  }
  return status;
}
