/* data_pass.c - the folded data pass of the CPU device (docs/derivation.md#folded-data-pass): threads,
 * slots, and scale and shift, which never touch the data:
 *     A'_cj = A_cj scale_j,   b'_c = b_c + sum_j A_cj shift_j       (and the same of V and v)
 *     G_cj = scale_j (R' U)_cj + shift_j gb_c                      (and the same of dG)
 * where U holds the stored numbers. The rows are cut into slots by their number alone; each slot has
 * its own sums, which are added up slot after slot, so that threads do not change a bit. */
#include "device/cpu/data_pass.h"

#include <omp.h>
#include <string.h>

#include "device/check_pass.h"
#include "device/cpu/sparse_rows.h"

enum { MOST_PIECE = 256 };

/* The sums of all slots take at most MOST_BYTES, or are those of LEAST_SLOTS slots. */
enum { LEAST_SLOTS = 4, MOST_BYTES = 128 << 20 };

/* The slots of a pass whose sums take slot_bytes each. */
static ait_slots slots_of(const ait_pass_kernel *kernel, int64_t rows, int64_t slot_bytes) {
  const int64_t most = ait_max64(LEAST_SLOTS, MOST_BYTES / slot_bytes);
  return ait_slots_of(rows, ait_max64(kernel->least_rows, ait_ceil_div(rows, most)), AIT_PASS_ROWS);
}

ait_pass_plan ait_plan_pass(const ait_device *device, const ait_pass *pass, void *workspace) {
  const ait_pass_kernel *kernel = ait_cpu_kernel(device);
  const int64_t columns = pass->rows->columns, classes = pass->classes;
  const int64_t padded = ait_round_up(columns, kernel->lanes);
  const int64_t groups = ait_ceil_div(classes, kernel->most_group);
  const int64_t noise = pass->log_noise != NULL ? classes * classes : 0;
  ait_pass_plan plan = {
      .kernel = kernel,
      .job = {.pass = pass,
              .columns = columns,
              .padded = padded,
              .classes = classes,
              .column_at = pass->rows->sparse != NULL ? pass->rows->sparse->column_at : NULL},
      .numbers = classes * padded,
      .slot_length = ait_round_up(2 * classes * (padded + 1) + 1 + noise, AIT_LINE / (int64_t)sizeof(double))};
  plan.slots = slots_of(kernel, pass->rows->rows, plan.slot_length * (int64_t)sizeof(double));
  const size_t packed = (size_t)plan.numbers * sizeof(ait_real), bias = (size_t)classes * sizeof(ait_real);
  plan.job.group = ait_ceil_div(classes, groups);
  plan.scratch_size = ait_round_up(kernel->scratch(&plan.job), AIT_LINE / (int64_t)sizeof(ait_real));
  plan.job.a = ait_take(workspace, &plan.bytes, packed);
  plan.job.b = ait_take(workspace, &plan.bytes, bias);
  plan.job.v = ait_take(workspace, &plan.bytes, packed);
  plan.job.w = ait_take(workspace, &plan.bytes, bias);
  const size_t form = kernel->form_bytes != NULL ? kernel->form_bytes(&plan.job) : 0;
  plan.job.a_form = form > 0 ? ait_take(workspace, &plan.bytes, form) : NULL;
  plan.job.v_form = form > 0 ? ait_take(workspace, &plan.bytes, form) : NULL;
  plan.sums = ait_take(workspace, &plan.bytes, (size_t)(plan.slots.count * plan.slot_length) * sizeof(double));
  plan.scratch = ait_take(workspace, &plan.bytes, (size_t)(device->threads * plan.scratch_size) * sizeof(ait_real));
  plan.shares = ait_take(workspace, &plan.bytes, (size_t)device->threads * sizeof *plan.shares);
  if (pass->direction == NULL) {
    plan.job.v = plan.job.w = plan.job.v_form = NULL;
  }
  return plan;
}

size_t ait_cpu_data_pass_workspace(ait_device *device, const ait_pass *pass) {
  return ait_cpu_pass_is_wide(device, pass) ? ait_cpu_wide_pass_workspace(device, pass)
                                            : ait_plan_pass(device, pass, NULL).bytes;
}

/* The sums of one slot; those of outputs that nobody wants are NULL. */
static ait_pass_sums slot_sums(const ait_pass_plan *plan, int64_t slot) {
  const ait_pass *pass = plan->job.pass;
  double *g = plan->sums + slot * plan->slot_length, *gb = g + plan->numbers, *dg = gb + plan->job.classes;
  double *dgb = dg + plan->numbers, *loss = dgb + plan->job.classes;
  return (ait_pass_sums){.loss = pass->loss != NULL ? loss : NULL,
                         .g = pass->gradient != NULL ? g : NULL,
                         .gb = gb,
                         .dg = pass->tangent != NULL ? dg : NULL,
                         .dgb = dgb,
                         .noise = pass->noise_cross != NULL ? loss + 1 : NULL};
}

/* ---- packing ------------------------------------------------------------------------------- */

/* The place of entry (c, 0) of a packed matrix, and the step from one vector of columns to the next. */
static int64_t packed_place(const ait_pass_job *job, int64_t lanes, int64_t c, int64_t *step) {
  const int64_t first = c / job->group * job->group;
  *step = ait_min64(job->group, job->classes - first) * lanes;
  return first * job->padded + (c - first) * lanes;
}

/* The column at a place of the packed layout; -1: none. */
static int64_t column_of(const ait_pass_job *job, int64_t place) {
  return job->column_at != NULL ? job->column_at[place] : place < job->columns ? place : -1;
}

void ait_pass_pack_class(const ait_pass_job *job, int64_t lanes, int64_t c, const ait_real *classifier,
                         ait_real *packed, ait_real *biases) {
  const ait_rows *rows = job->pass->rows;
  const ait_real *a = classifier + c * job->columns;
  double bias = (double)classifier[job->classes * job->columns + c], spoiled = 0;
  int64_t step;
  ait_real *out = packed + packed_place(job, lanes, c, &step);
  for (int64_t p = 0; p < job->padded; p += lanes, out += step) {
    for (int64_t l = 0; l < lanes; ++l) {
      const int64_t j = column_of(job, p + l);
      out[l] = j < 0 ? 0 : rows->scale != NULL ? a[j] * rows->scale[j] : a[j];
      spoiled += 0 * (double)out[l];
    }
  }
  for (int64_t j = 0; rows->shift != NULL && j < job->columns; ++j) {
    bias += (double)a[j] * (double)rows->shift[j];
  }
  /* Zeros that are left out hide neither NaN nor infinity: 0 times either is NaN. */
  biases[c] = (ait_real)(job->column_at != NULL ? bias + spoiled : bias);
}

void ait_pass_pack(const ait_pass_plan *plan, int64_t c, const ait_real *classifier, const ait_real *direction) {
  const ait_pass_job *job = &plan->job;
  const ait_pass_kernel *kernel = plan->kernel;
  ait_pass_pack_class(job, kernel->lanes, c, classifier, job->a, job->b);
  if (job->a_form != NULL) {
    kernel->form_class(job, c, job->a, job->a_form);
  }
  if (direction == NULL) {
    return;
  }
  ait_pass_pack_class(job, kernel->lanes, c, direction, job->v, job->w);
  if (job->v_form != NULL) {
    kernel->form_class(job, c, job->v, job->v_form);
  }
}

/* ---- adding up ----------------------------------------------------------------------------- */

/* Writes the columns of one vector, whose first place is p, for the classes of one group, of G or dG, and with the
 * first vector the bias part. g and gb are those of slot 0. */
static void write_piece(const ait_pass_plan *plan, int64_t group_first, int64_t p, const double *g, const double *gb,
                        ait_real *out) {
  const ait_pass_job *job = &plan->job;
  const ait_rows *rows = job->pass->rows;
  const int64_t lanes = plan->kernel->lanes, classes = ait_min64(job->group, job->classes - group_first);
  const int64_t slots = plan->slots.count, stride = plan->slot_length;
  double total[MOST_PIECE], bias[MOST_PIECE];
  plan->kernel->add_slots(slots, stride, classes * lanes, g + group_first * job->padded + p * classes, total);
  plan->kernel->add_slots(slots, stride, classes, gb + group_first, bias);
  const double inverse = 1 / (double)rows->rows;
  for (int64_t c = 0; c < classes; ++c) {
    for (int64_t l = 0; l < lanes; ++l) {
      const int64_t j = column_of(job, p + l);
      if (j < 0) {
        continue;
      }
      const double scale = rows->scale != NULL ? (double)rows->scale[j] : 1;
      const double shift = rows->shift != NULL ? (double)rows->shift[j] * bias[c] : 0;
      out[(group_first + c) * job->columns + j] = (ait_real)(inverse * (scale * total[c * lanes + l] + shift));
    }
    if (p == 0) {
      out[job->classes * job->columns + group_first + c] = (ait_real)(inverse * bias[c]);
    }
  }
}

int64_t ait_pass_pieces(const ait_pass_plan *plan) {
  const ait_pass_job *job = &plan->job;
  return ait_ceil_div(job->classes, job->group) * (job->padded / plan->kernel->lanes);
}

void ait_pass_add_up(const ait_pass_plan *plan, int64_t piece) {
  const int64_t lanes = plan->kernel->lanes, vectors = plan->job.padded / lanes;
  const int64_t group_first = piece / vectors * plan->job.group, p = piece % vectors * lanes;
  const ait_pass_sums sums = slot_sums(plan, 0);
  if (sums.g != NULL) {
    write_piece(plan, group_first, p, sums.g, sums.gb, plan->job.pass->gradient);
  }
  if (sums.dg != NULL) {
    write_piece(plan, group_first, p, sums.dg, sums.dgb, plan->job.pass->tangent);
  }
}

ait_real ait_pass_loss(const ait_pass_plan *plan) {
  const ait_pass_sums sums = slot_sums(plan, 0);
  double total = 0;
  for (int64_t slot = 0; slot < plan->slots.count; ++slot) {
    total += sums.loss[slot * plan->slot_length];
  }
  return (ait_real)(total / (double)plan->slots.n);
}

static void write_noise(const ait_pass_plan *plan) {
  const double *noise = slot_sums(plan, 0).noise;
  const int64_t entries = plan->job.classes * plan->job.classes;
  for (int64_t k = 0; noise != NULL && k < entries; ++k) {
    double total = 0;
    for (int64_t slot = 0; slot < plan->slots.count; ++slot) {
      total += noise[slot * plan->slot_length + k];
    }
    plan->job.pass->noise_cross[k] = (ait_real)(total / (double)plan->slots.n);
  }
}

/* ---- the pass ------------------------------------------------------------------------------ */

void ait_pass_thread_rows(const ait_pass_plan *plan, int backwards) {
  ait_real *scratch = plan->scratch + omp_get_thread_num() * plan->scratch_size;
  int64_t slot;
  while ((slot = ait_next_piece(plan->shares, plan->slots.count, backwards)) >= 0) {
    const ait_pass_sums sums = slot_sums(plan, slot);
    if (sums.noise != NULL) {
      memset(sums.noise, 0, (size_t)(plan->job.classes * plan->job.classes) * sizeof *sums.noise);
    }
    plan->kernel->rows(&plan->job, ait_slot_begin(&plan->slots, slot), ait_slot_end(&plan->slots, slot), &sums,
                       scratch);
  }
}

/* What every thread does: pack, then rows, then add up. */
static void pass_thread(const ait_pass_plan *plan, int backwards) {
  const ait_pass *pass = plan->job.pass;
#pragma omp single nowait
  ait_deal(omp_get_num_threads(), plan->shares);
#pragma omp for
  for (int64_t c = 0; c < plan->job.classes; ++c) {
    ait_pass_pack(plan, c, pass->classifier, pass->direction);
  }
  ait_pass_thread_rows(plan, backwards);
#pragma omp barrier
  if (pass->gradient != NULL || pass->tangent != NULL) {
#pragma omp for
    for (int64_t piece = 0; piece < ait_pass_pieces(plan); ++piece) {
      ait_pass_add_up(plan, piece);
    }
  }
}

static void clear_cross_terms(const ait_pass *pass) {
  if (pass->cross != NULL) {
    memset(pass->cross, 0, (size_t)pass->rows->rows * sizeof *pass->cross);
  }
  if (pass->noise_cross != NULL) {
    memset(pass->noise_cross, 0, (size_t)(pass->classes * pass->classes) * sizeof *pass->noise_cross);
  }
}

ait_status ait_cpu_data_pass(ait_device *device, const ait_pass *pass, void *workspace) {
  AIT_TRY(ait_check_pass(pass));
  if (pass->active != NULL && *pass->active == 0) {
    clear_cross_terms(pass);
    return AIT_OK;
  }
  if (ait_cpu_pass_is_wide(device, pass)) {
    ait_cpu_wide_pass(device, pass, workspace);
    return AIT_OK;
  }
  static _Thread_local int backwards; /* rows are walked to and fro from pass to pass */
  backwards = !backwards;
  const ait_pass_plan plan = ait_plan_pass(device, pass, workspace);
  const int direction = backwards;
#pragma omp parallel num_threads(device->threads) if (ait_pass_pays_threads(&plan))
  pass_thread(&plan, direction);
  if (pass->loss != NULL) {
    *pass->loss = ait_pass_loss(&plan);
  }
  write_noise(&plan);
  return AIT_OK;
}
