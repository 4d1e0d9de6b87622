/* real.h - the number type of the library, and how its two builds are told apart.
 *
 * `ait_real` is float in libait and double in libait64. Both libraries are built from the same
 * sources. Define AIT_DOUBLE (the pkg-config file and the CMake package of ait64 do it) to use
 * libait64: every public function `ait_...` is then renamed `ait64_...`, so that a forgotten flag
 * fails at link time and one program may link both libraries. */
#ifndef AIT_REAL_H
#define AIT_REAL_H

#include <stddef.h>
#include <stdint.h>

#ifdef AIT_DOUBLE
typedef double ait_real;
#include "ait/rename64.h"
#else
typedef float ait_real;
#endif

#if defined(__GNUC__)
#define AIT_API __attribute__((visibility("default")))
#else
#define AIT_API
#endif

#endif
