// device_cpu.cc - the suites that hold for every device run on the CPU.
#include "solver_support.h"

const char *const kTestDevice = "cpu";
