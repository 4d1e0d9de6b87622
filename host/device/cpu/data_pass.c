/* data_pass.c - the folded data pass of the CPU device, row by row in double. */
#include <string.h>

#include "device/cpu/cpu.h"

/* The workspace: sums of G and gb, then of dG and dgb, in double; one row; logits and tangents. */
size_t ait_cpu_data_pass_workspace(ait_device *device, const ait_pass *pass) {
  (void)device;
  size_t parameters = (size_t)(pass->classes * (pass->rows->columns + 1));
  return (2 * parameters + 4 * (size_t)pass->classes) * sizeof(double) + (size_t)pass->rows->columns * sizeof(ait_real);
}

/* out_c = b_c + sum_j A_cj u_j */
static void affine(const ait_pass *pass, const ait_real *a, const ait_real *u, double *out) {
  const int64_t d = pass->rows->columns;
  for (int64_t c = 0; c < pass->classes; ++c) {
    double sum = (double)a[pass->classes * d + c];
    for (int64_t j = 0; j < d; ++j) {
      sum += (double)a[c * d + j] * (double)u[j];
    }
    out[c] = sum;
  }
}

/* sum += r u' and the bias part. */
static void outer(const ait_pass *pass, const double *r, const ait_real *u, double *sum) {
  const int64_t d = pass->rows->columns;
  for (int64_t c = 0; c < pass->classes; ++c) {
    sum[pass->classes * d + c] += r[c];
    for (int64_t j = 0; j < d; ++j) {
      sum[c * d + j] += r[c] * (double)u[j];
    }
  }
}

static void write_sums(const ait_pass *pass, const double *sum, ait_real *out) {
  for (int64_t j = 0; out != NULL && j < pass->classes * (pass->rows->columns + 1); ++j) {
    out[j] = (ait_real)(sum[j] / (double)pass->rows->rows);
  }
}

ait_status ait_cpu_data_pass(ait_device *device, const ait_pass *pass, void *workspace) {
  (void)device;
  const ait_rows *rows = pass->rows;
  const int64_t classes = pass->classes, parameters = classes * (rows->columns + 1);
  if (pass->active != NULL && *pass->active == 0) {
    if (pass->cross != NULL) {
      memset(pass->cross, 0, (size_t)rows->rows * sizeof *pass->cross);
    }
    return AIT_OK;
  }
  double *gradient = workspace, *tangent = gradient + parameters, *p = tangent + parameters, *r = p + classes;
  double *s = r + classes, *dr = s + classes;
  ait_real *u = (ait_real *)(dr + classes);
  memset(gradient, 0, 2 * (size_t)parameters * sizeof *gradient);
  double loss = 0;
  for (int64_t i = 0; i < rows->rows; ++i) {
    ait_cpu_value_row(rows, i, u);
    affine(pass, pass->classifier, u, p);
    double weight = pass->x != NULL ? 1 / (1 + exp(-(double)pass->x[i])) : 1;
    double largest = p[0], sum = 0, mean = 0;
    for (int64_t c = 1; c < classes; ++c) {
      largest = p[c] > largest ? p[c] : largest;
    }
    for (int64_t c = 0; c < classes; ++c) {
      sum += exp(p[c] - largest);
    }
    loss += weight * (log(sum) + largest - p[pass->labels[i]]);
    for (int64_t c = 0; c < classes; ++c) {
      p[c] = exp(p[c] - largest) / sum;
      r[c] = weight * (p[c] - (c == pass->labels[i]));
    }
    outer(pass, r, u, gradient);
    if (pass->direction != NULL) {
      affine(pass, pass->direction, u, s);
      for (int64_t c = 0; c < classes; ++c) {
        mean += p[c] * s[c];
      }
      for (int64_t c = 0; c < classes; ++c) {
        dr[c] = weight * p[c] * (s[c] - mean);
      }
      outer(pass, dr, u, tangent);
      if (pass->cross != NULL) {
        double derivative = pass->x != NULL ? weight * (1 - weight) : 0;
        pass->cross[i] = (ait_real)(derivative * (mean - s[pass->labels[i]]) / (double)rows->rows);
      }
    }
  }
  if (pass->loss != NULL) {
    *pass->loss = (ait_real)(loss / (double)rows->rows);
  }
  write_sums(pass, gradient, pass->gradient);
  write_sums(pass, tangent, pass->tangent);
  return AIT_OK;
}
