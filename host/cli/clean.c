#include "cli/options.h"
int ait_command_clean(int argc, char **argv) {
  (void)argc;
  (void)argv;
  return 2;
}
