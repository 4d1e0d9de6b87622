/* data_pass_noise.h (internal) - the part of the data pass between its two products where labels are noisy
 * (docs/derivation.md#transition-cleaning). Included by data_pass_softmax.h alone, whose functions it uses.
 *
 * Both P and the posterior r, r_c = P_c T_cg / sum_k P_k T_kg for a row with label g, are a softmax: of L_c and of
 * B_c = L_c - max L + log T_cg. Between the loops over the classes the block keeps L_c - max L, and every loop takes
 * the exponentials that it needs, so that there is no further matrix of a block. */
#ifndef AIT_DATA_PASS_NOISE_H
#define AIT_DATA_PASS_NOISE_H

/* What is known of every row: of the two softmaxes the first class of the largest number (-1 where there is none),
 * the sum of the exponentials of the other classes, and the inverse of the sum of all. */
typedef struct noise_terms {
  ait_real best[AIT_PASS_ROWS]; /* max_c B_c */
  ait_real top[AIT_PASS_ROWS], others[AIT_PASS_ROWS], inverse[AIT_PASS_ROWS];
  ait_real likely[AIT_PASS_ROWS], unlikely[AIT_PASS_ROWS], posterior_inverse[AIT_PASS_ROWS];
} noise_terms;

/* log T_cg of class c and the rows' labels g. */
static void read_noise(const ait_pass_job *job, const row_terms *t, int64_t c, ait_real *log_noise) {
  const ait_real *row = job->pass->log_noise + c * job->classes;
  for (int i = 0; i < AIT_PASS_ROWS; ++i) {
    log_noise[i] = t->label[i] < 0 ? 0 : row[(int32_t)t->label[i]];
  }
}

/* logits without bias become L_c - max L; finds the largest B_c. */
static void measure_logits(const ait_pass_job *job, const row_terms *t, ait_real *logits, noise_terms *n) {
  ait_real largest[AIT_PASS_ROWS], log_noise[AIT_PASS_ROWS];
  for (int i = 0; i < AIT_PASS_ROWS; ++i) {
    largest[i] = n->best[i] = -ait_real_infinity;
  }
  for (int64_t c = 0; c < job->classes; ++c) {
    ait_real *l = logits + c * AIT_PASS_ROWS;
    for (int i = 0; i < AIT_PASS_ROWS; ++i) {
      l[i] += job->b[c];
      largest[i] = l[i] > largest[i] ? l[i] : largest[i];
    }
  }
  for (int64_t c = 0; c < job->classes; ++c) {
    ait_real *l = logits + c * AIT_PASS_ROWS;
    read_noise(job, t, c, log_noise);
    for (int i = 0; i < AIT_PASS_ROWS; ++i) {
      l[i] -= largest[i];
      const ait_real b = l[i] + log_noise[i];
      n->best[i] = b > n->best[i] ? b : n->best[i];
    }
  }
}

/* Adds the exponential of class c, whose distance from the largest number is `below`, to the sums of one softmax. */
INLINE void add_exponential(ait_real class_number, ait_real below, ait_real *first, ait_real *others) {
  const int is_first = below == 0 && *first < 0;
  *others += is_first ? 0 : exp_nonpositive(below);
  *first = is_first ? class_number : *first;
}

static void noise_exponentials(const ait_pass_job *job, const row_terms *t, ait_real *logits, noise_terms *n) {
  ait_real log_noise[AIT_PASS_ROWS];
  measure_logits(job, t, logits, n);
  for (int i = 0; i < AIT_PASS_ROWS; ++i) {
    n->top[i] = n->likely[i] = -1;
    n->others[i] = n->unlikely[i] = 0;
  }
  for (int64_t c = 0; c < job->classes; ++c) {
    const ait_real *l = logits + c * AIT_PASS_ROWS;
    read_noise(job, t, c, log_noise);
    for (int i = 0; i < AIT_PASS_ROWS; ++i) {
      add_exponential((ait_real)c, l[i], &n->top[i], &n->others[i]);
      add_exponential((ait_real)c, l[i] + log_noise[i] - n->best[i], &n->likely[i], &n->unlikely[i]);
    }
  }
  for (int i = 0; i < AIT_PASS_ROWS; ++i) {
    n->inverse[i] = 1 / (1 + n->others[i]);
    n->posterior_inverse[i] = 1 / (1 + n->unlikely[i]);
  }
}

/* P_c and r_c of the rows. */
static void class_chances(const ait_pass_job *job, const row_terms *t, const noise_terms *n, const ait_real *logits,
                          int64_t c, ait_real *p, ait_real *r) {
  const ait_real *l = logits + c * AIT_PASS_ROWS;
  ait_real log_noise[AIT_PASS_ROWS];
  read_noise(job, t, c, log_noise);
  for (int i = 0; i < AIT_PASS_ROWS; ++i) {
    p[i] = exp_nonpositive(l[i]) * n->inverse[i];
    r[i] = exp_nonpositive(l[i] + log_noise[i] - n->best[i]) * n->posterior_inverse[i];
  }
}

/* sum_i w_i (-log sum_c P_c T_cg) of a block: log sum_c exp(L_c - max) - log sum_c exp(B_c). */
static double noise_loss(const row_terms *t, const noise_terms *n) {
  ait_real loss[AIT_PASS_ROWS];
  for (int i = 0; i < AIT_PASS_ROWS; ++i) {
    const ait_real all = log_from_one(1 + n->others[i], n->others[i]);
    const ait_real labelled = log_from_one(1 + n->unlikely[i], n->unlikely[i]);
    loss[i] = t->weight[i] * (all - labelled - n->best[i]);
  }
  return sum_rows(loss);
}

/* logits become w (P - r); that of the top class is minus the sum of the others, which keeps its digits where both
 * P and r are near 1. */
static void noise_residuals(const ait_pass_job *job, const row_terms *t, const noise_terms *n, ait_real *logits) {
  ait_real p[AIT_PASS_ROWS], r[AIT_PASS_ROWS], rest[AIT_PASS_ROWS] = {0};
  for (int64_t c = 0; c < job->classes; ++c) {
    ait_real *out = logits + c * AIT_PASS_ROWS;
    class_chances(job, t, n, logits, c, p, r);
    for (int i = 0; i < AIT_PASS_ROWS; ++i) {
      out[i] = p[i] - r[i];
      rest[i] += n->top[i] == (ait_real)c ? 0 : out[i];
    }
  }
  for (int64_t c = 0; c < job->classes; ++c) {
    ait_real *out = logits + c * AIT_PASS_ROWS;
    for (int i = 0; i < AIT_PASS_ROWS; ++i) {
      out[i] = t->weight[i] * (n->top[i] == (ait_real)c ? -rest[i] : out[i]);
    }
  }
}

/* <P,S> and <r,S> of the rows, each measured from S of its softmax's first class. */
typedef struct noise_means {
  ait_real top[AIT_PASS_ROWS], likely[AIT_PASS_ROWS]; /* S of those classes */
  ait_real prior[AIT_PASS_ROWS], posterior[AIT_PASS_ROWS];
} noise_means;

/* slopes without bias become S. */
static void noise_slopes(const ait_pass_job *job, const row_terms *t, const noise_terms *n, const ait_real *logits,
                         ait_real *slopes, noise_means *m) {
  ait_real p[AIT_PASS_ROWS], r[AIT_PASS_ROWS];
  *m = (noise_means){{0}, {0}, {0}, {0}};
  for (int64_t c = 0; c < job->classes; ++c) {
    ait_real *s = slopes + c * AIT_PASS_ROWS;
    for (int i = 0; i < AIT_PASS_ROWS; ++i) {
      s[i] += job->w[c];
      m->top[i] = n->top[i] == (ait_real)c ? s[i] : m->top[i];
      m->likely[i] = n->likely[i] == (ait_real)c ? s[i] : m->likely[i];
    }
  }
  for (int64_t c = 0; c < job->classes; ++c) {
    const ait_real *s = slopes + c * AIT_PASS_ROWS;
    class_chances(job, t, n, logits, c, p, r);
    for (int i = 0; i < AIT_PASS_ROWS; ++i) {
      m->prior[i] += p[i] * (s[i] - m->top[i]);
      m->posterior[i] += r[i] * (s[i] - m->likely[i]);
    }
  }
}

/* slopes without bias become w (P*(S - <P,S>) - r*(S - <r,S>)); mean_i = <P - r, S>; `noise` (may be NULL) loses
 * w r_c (S_c - <r,S>) at (c, label). */
static void noise_tangents(const ait_pass_job *job, const row_terms *t, const noise_terms *n, const ait_real *logits,
                           ait_real *slopes, ait_real *mean, double *noise) {
  noise_means m;
  ait_real p[AIT_PASS_ROWS], r[AIT_PASS_ROWS];
  noise_slopes(job, t, n, logits, slopes, &m);
  for (int64_t c = 0; c < job->classes; ++c) {
    ait_real *s = slopes + c * AIT_PASS_ROWS;
    class_chances(job, t, n, logits, c, p, r);
    for (int i = 0; i < AIT_PASS_ROWS; ++i) {
      r[i] *= t->weight[i] * (s[i] - m.likely[i] - m.posterior[i]);
      s[i] = t->weight[i] * (p[i] * (s[i] - m.top[i] - m.prior[i])) - r[i];
    }
    for (int i = 0; noise != NULL && i < AIT_PASS_ROWS; ++i) {
      if (t->label[i] >= 0) {
        noise[c * job->classes + (int32_t)t->label[i]] -= (double)r[i];
      }
    }
  }
  for (int i = 0; i < AIT_PASS_ROWS; ++i) {
    mean[i] = m.prior[i] - m.posterior[i] + (m.top[i] - m.likely[i]);
  }
}

/* Of rows whose labels are noisy. */
static void noisy_softmax(const ait_pass_job *job, int64_t begin, int64_t count, double *loss, double *noise,
                          const row_terms *t, ait_real *logits, ait_real *slopes) {
  const ait_pass *pass = job->pass;
  noise_terms n;
  noise_exponentials(job, t, logits, &n);
  if (pass->loss != NULL) {
    *loss = noise_loss(t, &n);
  }
  if (job->v != NULL) {
    ait_real mean[AIT_PASS_ROWS];
    noise_tangents(job, t, &n, logits, slopes, mean, noise);
    write_cross(pass, begin, count, t, mean);
  }
  if (pass->gradient != NULL) {
    noise_residuals(job, t, &n, logits);
  }
}

#endif
