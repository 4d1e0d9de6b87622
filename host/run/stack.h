/* stack.h - rows of two matrices, one under the other. */
#ifndef AIT_RUN_STACK_H
#define AIT_RUN_STACK_H

#include "ait/matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Training rows beyond this are not copied only to be trained on once more. */
enum { AIT_STACK_MOST_ROWS = 1000000 };

typedef struct ait_stack {
  ait_matrix *matrix; /* a view of `data` */
  void *data;
} ait_stack;

/* The named rows of `top`, the training rows (NULL: the first `count`), then all rows of `bottom`, validation rows, as
 * they are stored. `count` may be 0. Errors: AIT_OUT_OF_MEMORY, AIT_INVALID_ARGUMENT (unequal columns),
 * AIT_UNSUPPORTED (unequal types or scales, or a `top` of more than AIT_STACK_MOST_ROWS rows). */
ait_status ait_stack_rows(const ait_matrix *top, int64_t count, const int64_t *rows, const ait_matrix *bottom,
                          ait_stack *stack);

void ait_stack_free(ait_stack *stack);

#ifdef __cplusplus
}
#endif
#endif
