/* memory.h - how much host memory a piece of work took at most. */
#ifndef AIT_RUN_MEMORY_H
#define AIT_RUN_MEMORY_H

#ifdef __cplusplus
extern "C" {
#endif

/* Begins to watch: what is resident now, in bytes, without what has been freed. */
double ait_memory_begin(void);

/* The peak of the process's resident memory since then, less what was resident then; NaN where the system tells no peak
 * that can be reset (it takes /proc/self/clear_refs). Memory of a GPU is not in it. */
double ait_memory_peak(double begun);

#ifdef __cplusplus
}
#endif

#endif
