/* data_pass.h (internal) - between the driver of the data pass (data_pass.c) and its kernels
 * (data_pass_kernel.c, compiled once for every instruction set, and data_pass_amx.c).
 *
 * Packed layout. Columns are padded to `padded`, a multiple of the kernel's vector, and classes come
 * in groups of `group` (the last may be smaller). A, V, G and dG are held group after group; within a
 * group of g classes entry (c, j) stands at
 *     ((j / lanes) * g + c) * lanes + j % lanes,
 * so that a kernel reads and writes them from front to back. Where columns have an order of their own
 * (column_at), j is a column's place in it. */
#ifndef AIT_DATA_PASS_H
#define AIT_DATA_PASS_H

#include "device/cpu/cpu.h"
#include "device/cpu/team.h"

/* Whether data_pass_amx.c has kernels: in float alone. */
#if defined(AIT_COMPILER_HAS_AMX) && !defined(AIT_DOUBLE)
#define AIT_AMX
#endif

/* For functions that are compiled for every value of their constant arguments. */
#define INLINE static inline __attribute__((always_inline))

/* Bytes of a cache line. Parts of a workspace start on one of their own. */
enum { AIT_LINE = 64 };

/* Takes `bytes` of the workspace, whose base may be NULL when only its size is asked for. */
static inline void *ait_take(void *base, size_t *used, size_t bytes) {
  void *part = base != NULL ? (char *)base + *used : NULL;
  *used += (bytes + AIT_LINE - 1) / AIT_LINE * AIT_LINE;
  return part;
}

/* Rows of a block: their values as ait_real stay in the second-level cache. */
enum { AIT_PASS_ROWS = 32 };

typedef struct ait_pass_job {
  const ait_pass *pass;
  int64_t columns, padded, classes, group;
  const int32_t *column_at; /* of every place of the packed layout, -1: none; NULL: the place itself */
  ait_real *a, *b;          /* A_cj scale_j packed, b_c + sum_j A_cj shift_j */
  ait_real *v, *w;          /* the same of the direction */
  void *a_form;             /* the kernel's own form of a, where it has one */
  void *v_form;
} ait_pass_job;

/* Sums over rows, in double and not yet divided by N; g, dg packed; NULL where not wanted. What is there is
 * overwritten, but added to in `noise` (C x C), the sums of noise_cross. */
typedef struct ait_pass_sums {
  double *loss, *g, *gb, *dg, *dgb, *noise;
} ait_pass_sums;

/* Products of a layer's matrix W (h x n) with a few rows, in float or double sums alike: those that a deep
 * linear network is folded and unfolded with. Each call makes a part of the result, so that threads can share
 * it; a sum's order does not depend on the part that it is in. */
typedef struct ait_thin_kernel {
  /* Columns begin .. end - 1 of out (count x n) = P W, or += ; P is count x h. */
  void (*times)(int64_t count, int64_t h, int64_t n, const ait_real *P, const ait_real *W, int64_t begin, int64_t end,
                int add, ait_real *out);

  /* Columns begin .. end - 1 of out (count x h) = Q W', or += ; Q is count x n. */
  void (*times_transposed)(int64_t count, int64_t h, int64_t n, const ait_real *Q, const ait_real *W, int64_t begin,
                           int64_t end, int add, ait_real *out);

  /* Rows begin .. end - 1 of out (h x n) = W + alpha P' Q; out may be W. */
  void (*add_outer)(int64_t count, int64_t h, int64_t n, ait_real alpha, const ait_real *P, const ait_real *Q,
                    const ait_real *W, int64_t begin, int64_t end, ait_real *out);
} ait_thin_kernel;

struct ait_pass_kernel {
  const char *name; /* the instruction set */
  const ait_thin_kernel *thin;
  int64_t lanes;      /* numbers in a vector */
  int64_t most_group; /* classes of a packed group */
  int64_t least_rows; /* fewer do not pay for a slot's sums */
  int skips_zeros;    /* whether `rows` reads rows without their zeros (sparse_rows.h) */

  /* target_j = stored_j for n stored numbers, neither scale nor shift applied. */
  void (*convert)(ait_type type, int64_t n, const void *stored, ait_real *target);

  /* target_j = scale_j target_j + shift_j; scale and shift may be NULL. */
  void (*transform)(int64_t n, const ait_real *scale, const ait_real *shift, ait_real *target);

  /* a_j = tanh a_j. */
  void (*hyperbolic_tangent)(int64_t n, ait_real *a);

  /* Reals of scratch that `rows` needs; it starts on a cache line. */
  int64_t (*scratch)(const ait_pass_job *job);

  /* Optional, both or none: the bytes of the kernel's own form of a packed classifier, and the writing
   * of class c of it. */
  size_t (*form_bytes)(const ait_pass_job *job);
  void (*form_class)(const ait_pass_job *job, int64_t c, const ait_real *packed, void *form);

  /* Optional: the bytes between rows, each beginning on a line, that `rows` reads fastest; 0 where it reads rows of
   * this type as fast as they are. */
  int64_t (*row_stride)(ait_type type, int64_t columns);

  /* Overwrites `sums` with those of the rows begin .. end - 1, and writes their cross terms; begin is a multiple of
   * AIT_PASS_ROWS. */
  void (*rows)(const ait_pass_job *job, int64_t begin, int64_t end, const ait_pass_sums *sums, ait_real *scratch);

  /* Of `count` <= AIT_PASS_ROWS rows from `begin` on: logits and, with a direction, slopes (classes x
   * AIT_PASS_ROWS, without biases, finite past `count`) become w (P - onehot) and w (P*S - P*rowsum(P*S))
   * where the gradient and the tangent are wanted, r in place of onehot where labels are noisy; writes the cross
   * terms and, where the loss is wanted, *loss = sum_i w_i loss_i. `noise` as in ait_pass_sums. */
  void (*softmax)(const ait_pass_job *job, int64_t begin, int64_t count, double *loss, double *noise, ait_real *logits,
                  ait_real *slopes);

  /* sum_k = numbers_k, or with `add` sum_k += numbers_k. */
  void (*accumulate)(int64_t n, const ait_real *numbers, int add, double *sum);

  /* out_k = sum over s < slots, in this order, of sums[s * stride + k]. */
  void (*add_slots)(int64_t slots, int64_t stride, int64_t n, const double *sums, double *out);
};

extern const ait_thin_kernel ait_thin_kernel_baseline;
extern const ait_thin_kernel ait_thin_kernel_v2;
extern const ait_thin_kernel ait_thin_kernel_v3;
extern const ait_thin_kernel ait_thin_kernel_v4;

extern const ait_pass_kernel ait_pass_kernel_baseline;
extern const ait_pass_kernel ait_pass_kernel_v2;
extern const ait_pass_kernel ait_pass_kernel_v3;
extern const ait_pass_kernel ait_pass_kernel_v4;
extern const ait_pass_kernel ait_pass_kernel_amx;

/* rows.c: the stored numbers of row i, column after column, neither scale nor shift applied. */
void ait_cpu_convert_row(const ait_pass_kernel *kernel, const ait_rows *rows, int64_t i, ait_real *target);

/* data_pass_gemm.c: the same pass by matrix products, for classifiers that a kernel would be slower with. It has
 * no plan of its own that others could use: descent.c leaves such passes alone. */
int ait_cpu_pass_is_wide(const ait_device *device, const ait_pass *pass);
size_t ait_cpu_wide_pass_workspace(ait_device *device, const ait_pass *pass);
void ait_cpu_wide_pass(ait_device *device, const ait_pass *pass, void *workspace);

/* ---- the driver: data_pass.c, and descent.c, which runs many passes in one parallel region ---------- */

/* One pass and where its parts stand in the workspace. */
typedef struct ait_pass_plan {
  const ait_pass_kernel *kernel;
  ait_pass_job job;
  ait_slots slots;
  int64_t numbers;      /* C * padded: entries of a packed matrix */
  int64_t slot_length;  /* doubles of one slot: g, gb, dg, dgb, loss, noise */
  int64_t scratch_size; /* reals of one thread's scratch */
  double *sums;
  ait_real *scratch;
  ait_share *shares; /* of the slots: one a thread */
  size_t bytes;
} ait_pass_plan;

/* A plan borrows `pass`. workspace NULL: only `bytes` is of use. */
ait_pass_plan ait_plan_pass(const ait_device *device, const ait_pass *pass, void *workspace);

/* Whether the rows are worth more than one thread. */
static inline int ait_pass_pays_threads(const ait_pass_plan *plan) {
  return (double)plan->numbers * (double)plan->slots.n > 1 << 15;
}

/* Packs row c of a classifier (matrix, then biases) with scale and shift folded in, in vectors of `lanes` columns. */
void ait_pass_pack_class(const ait_pass_job *job, int64_t lanes, int64_t c, const ait_real *classifier,
                         ait_real *packed, ait_real *biases);

/* Packs row c of a classifier and of a direction (NULL: none), and writes the kernel's own form of them. */
void ait_pass_pack(const ait_pass_plan *plan, int64_t c, const ait_real *classifier, const ait_real *direction);

/* The rows that the calling thread of a team gets in a deal of the slots, which must have been started; backwards:
 * the last slot first. What was read last is still in the thread's cache, so callers turn round from pass to pass;
 * as each slot has its own sums, neither the order nor the threads change a bit. Every class must be packed. */
void ait_pass_thread_rows(const ait_pass_plan *plan, int backwards);

/* The sums over the slots, when the rows are done: piece 0 .. ait_pass_pieces - 1 of gradient and tangent,
 * where the pass wants them, and the loss, which it must want. */
int64_t ait_pass_pieces(const ait_pass_plan *plan);
void ait_pass_add_up(const ait_pass_plan *plan, int64_t piece);
ait_real ait_pass_loss(const ait_pass_plan *plan);

#endif
