/* ait.h - the whole public interface of the AIT library. */
#ifndef AIT_AIT_H
#define AIT_AIT_H

#include "ait/context.h"
#include "ait/dataset.h"
#include "ait/matrix.h"
#include "ait/method.h"
#include "ait/problem.h"
#include "ait/problems.h"
#include "ait/real.h"
#include "ait/solver.h"
#include "ait/status.h"

#endif
