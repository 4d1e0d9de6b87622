/* ridge_gpu.cu - a problem of one's own whose oracles launch kernels of their own: ridge regression with
 * one penalty a feature, learned, on a CUDA device.
 *
 *     y* = argmin over y of f = 1/(2N) ||U y - t||^2 + 1/2 sum_j exp(x_j) y_j^2     (training rows)
 *     x  = argmin over x of F = 1/M ||V y* - s||^2                                  (validation rows)
 *
 * Every oracle only enqueues kernels on the stream of its call, with nothing that changes from call to
 * call but the memory that they read; so the table may say AIT_CAPTURABLE, and the solver records the
 * calls into CUDA graphs and replays them. Nothing leaves the device but what the solver reads once an
 * upper-level iteration.
 *
 * The closed form, with H = U'U/N + diag(exp x): H y* = U't/N, and with H q = 2/M V'(V y* - s)
 *     dF/dx_j = -exp(x_j) y*_j q_j.
 * The program compares the solver's y and hyper-gradient with it, then learns the penalties. Exit
 * status: 0 all is well, 1 a difference or an error, 77 there is no CUDA device.
 *
 * Build it against the installed library, in double precision:
 *     nvcc -arch=native ridge_gpu.cu $(pkg-config --cflags --libs ait64) -o ridge_gpu */
#include <ait/ait.h>
#include <cuda_runtime.h>
#include <math.h>
#include <stdio.h>

enum { FEATURES = 20, USEFUL = 5, TRAIN_ROWS = 60, VALIDATION_ROWS = 120, LL_STEPS = 400, UL_ITERATIONS = 100 };
enum { THREADS = 64 };

/* Rows, and their copy on the device. Inputs stand feature after feature, so that neighbouring threads
 * read neighbours. */
typedef struct regression {
  int rows;
  ait_real host_inputs[FEATURES * VALIDATION_ROWS], host_targets[VALIDATION_ROWS];
  ait_real *inputs, *targets;
} regression;

typedef struct ridge {
  regression train, validation;
} ridge;

/* ---- kernels: one thread an entry, every sum in the order of its index ------------------------ */

/* residual_i = sum_j inputs_ij v_j - targets_i; targets null: zero. */
__global__ void residuals(int rows, const ait_real *inputs, const ait_real *targets, const ait_real *v,
                          ait_real *residual) {
  const int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < rows) {
    ait_real sum = targets != nullptr ? -targets[i] : 0;
    for (int j = 0; j < FEATURES; j++) {
      sum += inputs[j * rows + i] * v[j];
    }
    residual[i] = sum;
  }
}

/* out_j = scale * sum_i inputs_ij residual_i, and exp(x_j) v_j more where x is given. */
__global__ void normal_equations(int rows, const ait_real *inputs, const ait_real *residual, ait_real scale,
                                 const ait_real *x, const ait_real *v, ait_real *out) {
  const int j = (int)(blockIdx.x * blockDim.x + threadIdx.x);
  if (j < FEATURES) {
    ait_real sum = 0;
    for (int i = 0; i < rows; i++) {
      sum += inputs[j * rows + i] * residual[i];
    }
    out[j] = scale * sum + (x != nullptr ? exp(x[j]) * v[j] : 0);
  }
}

/* xv_j = exp(x_j) y_j v_j, for dg_j/dx_j = exp(x_j) y_j. */
__global__ void cross_product(const ait_real *x, const ait_real *y, const ait_real *v, ait_real *xv) {
  const int j = (int)(blockIdx.x * blockDim.x + threadIdx.x);
  if (j < FEATURES) {
    xv[j] = exp(x[j]) * y[j] * v[j];
  }
}

/* *value = scale * ||residual||^2, and 1/2 sum_j exp(x_j) y_j^2 more where x is given. One thread: for so
 * few rows that is quick; many would want a tree of sums, in a fixed order too. */
__global__ void objective(int rows, const ait_real *residual, ait_real scale, const ait_real *x, const ait_real *y,
                          ait_real *value) {
  ait_real sum = 0;
  for (int i = 0; i < rows; i++) {
    sum += scale * residual[i] * residual[i];
  }
  for (int j = 0; j < FEATURES && x != nullptr; j++) {
    sum += exp(x[j]) * y[j] * y[j] / 2;
  }
  *value = sum;
}

/* ---- the oracles -------------------------------------------------------------------------------- */

/* The error of the launches just made; what goes wrong while they run shows when the solver waits. */
static ait_status launched(void) {
  const cudaError_t error = cudaGetLastError();
  if (error != cudaSuccess) {
    fprintf(stderr, "ridge_gpu: a launch failed: %s\n", cudaGetErrorString(error));
    return AIT_DEVICE_ERROR;
  }
  return AIT_OK;
}

static int blocks(int threads) {
  return (threads + THREADS - 1) / THREADS;
}

/* The residuals of the largest data; the workspace is the solver's, one memory for all calls. */
static size_t workspace(const void *self, int64_t batch) {
  (void)self, (void)batch;
  return VALIDATION_ROWS * sizeof(ait_real);
}

/* out = scale * inputs'(inputs v - targets) + exp(x) v; the residuals stay in the workspace. */
static void enqueue_gradient(const ait_call *call, const regression *data, const ait_real *targets, ait_real scale,
                             const ait_real *x, const ait_real *v, ait_real *out) {
  cudaStream_t stream = (cudaStream_t)call->stream;
  ait_real *residual = (ait_real *)call->workspace;
  residuals<<<blocks(data->rows), THREADS, 0, stream>>>(data->rows, data->inputs, targets, v, residual);
  normal_equations<<<blocks(FEATURES), THREADS, 0, stream>>>(data->rows, data->inputs, residual, scale, x, v, out);
}

static ait_status ll_gradient(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *g,
                              ait_real *f) {
  const regression *train = &((ridge *)self)->train;
  cudaStream_t stream = (cudaStream_t)call->stream;
  ait_real *residual = (ait_real *)call->workspace;
  enqueue_gradient(call, train, train->targets, (ait_real)1 / train->rows, x, y, g);
  objective<<<1, 1, 0, stream>>>(train->rows, residual, (ait_real)0.5 / train->rows, x, y, f);
  return launched();
}

/* H v = U'U v / N + exp(x) v and J'v = exp(x) y v. */
static ait_status ll_products(void *self, const ait_call *call, const ait_real *x, const ait_real *y, const ait_real *v,
                              ait_real *hv, ait_real *xv) {
  const regression *train = &((ridge *)self)->train;
  cudaStream_t stream = (cudaStream_t)call->stream;
  enqueue_gradient(call, train, nullptr, (ait_real)1 / train->rows, x, v, hv);
  cross_product<<<blocks(FEATURES), THREADS, 0, stream>>>(x, y, v, xv);
  return launched();
}

static ait_status ul_value(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *F) {
  const regression *data = &((ridge *)self)->validation;
  cudaStream_t stream = (cudaStream_t)call->stream;
  ait_real *residual = (ait_real *)call->workspace;
  (void)x;
  residuals<<<blocks(data->rows), THREADS, 0, stream>>>(data->rows, data->inputs, data->targets, y, residual);
  objective<<<1, 1, 0, stream>>>(data->rows, residual, (ait_real)1 / data->rows, nullptr, nullptr, F);
  return launched();
}

static ait_status ul_gradient(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *gx,
                              ait_real *gy) {
  const regression *data = &((ridge *)self)->validation;
  cudaStream_t stream = (cudaStream_t)call->stream;
  (void)x;
  enqueue_gradient(call, data, data->targets, (ait_real)2 / data->rows, nullptr, y, gy);
  cudaMemsetAsync(gx, 0, FEATURES * sizeof *gx, stream); /* F depends on x through y alone */
  return launched();
}

static ait_oracles make_oracles(void) {
  ait_oracles oracles = {};
  oracles.struct_size = sizeof oracles;
  oracles.flags = AIT_CAPTURABLE;
  oracles.workspace = workspace;
  oracles.ll_gradient = ll_gradient;
  oracles.ll_products = ll_products;
  oracles.ul_value = ul_value;
  oracles.ul_gradient = ul_gradient;
  return oracles;
}

/* ---- data --------------------------------------------------------------------------------------- */

/* Uniform in -1 .. 1 (a linear congruential generator is enough for an example). */
static double uniform(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return ldexp((double)(*state >> 11), -52) - 1;
}

/* The first USEFUL features carry the target; noise of about the same size hides it. */
static void draw(uint64_t *state, int rows, regression *data) {
  data->rows = rows;
  for (int i = 0; i < rows; i++) {
    data->host_targets[i] = (ait_real)(1.5 * uniform(state));
    for (int j = 0; j < FEATURES; j++) {
      const ait_real input = (ait_real)(1.7 * uniform(state));
      data->host_inputs[j * rows + i] = input;
      data->host_targets[i] += j >= USEFUL ? 0 : j % 2 == 0 ? input : -input;
    }
  }
}

static cudaError_t upload_reals(cudaStream_t stream, int count, const ait_real *host, ait_real **memory) {
  void *made = nullptr;
  cudaError_t error = cudaMalloc(&made, count * sizeof **memory);
  if (error == cudaSuccess) {
    *memory = (ait_real *)made;
    error = cudaMemcpyAsync(made, host, count * sizeof **memory, cudaMemcpyHostToDevice, stream);
  }
  return error == cudaSuccess ? cudaStreamSynchronize(stream) : error;
}

static ait_status upload(cudaStream_t stream, regression *data) {
  cudaError_t error = upload_reals(stream, FEATURES * data->rows, data->host_inputs, &data->inputs);
  error = error == cudaSuccess ? upload_reals(stream, data->rows, data->host_targets, &data->targets) : error;
  if (error != cudaSuccess) {
    fprintf(stderr, "ridge_gpu: the data cannot be copied to the device: %s\n", cudaGetErrorString(error));
    return AIT_DEVICE_ERROR;
  }
  return AIT_OK;
}

static void release(regression *data) {
  cudaFree(data->inputs);
  cudaFree(data->targets);
}

/* ---- the closed form, on the host ---------------------------------------------------------------- */

/* out = inputs'(inputs y - targets) / rows; y null: y = 0. */
static void host_gradient(const regression *data, const double *y, double *out) {
  for (int j = 0; j < FEATURES; j++) {
    out[j] = 0;
  }
  for (int i = 0; i < data->rows; i++) {
    double residual = -data->host_targets[i];
    for (int j = 0; j < FEATURES && y != nullptr; j++) {
      residual += data->host_inputs[j * data->rows + i] * y[j];
    }
    for (int j = 0; j < FEATURES; j++) {
      out[j] += residual * data->host_inputs[j * data->rows + i] / data->rows;
    }
  }
}

/* H = U'U/N + diag(exp x). */
static void hessian(const regression *train, const ait_real *x, double H[FEATURES][FEATURES]) {
  for (int a = 0; a < FEATURES; a++) {
    for (int b = 0; b < FEATURES; b++) {
      const ait_real *left = train->host_inputs + a * train->rows, *right = train->host_inputs + b * train->rows;
      H[a][b] = a == b ? exp((double)x[a]) : 0;
      for (int i = 0; i < train->rows; i++) {
        H[a][b] += (double)left[i] * right[i] / train->rows;
      }
    }
  }
}

/* v = H^-1 v by elimination; without pivots, for H is positive definite. */
static void solve(const regression *train, const ait_real *x, double *v) {
  double H[FEATURES][FEATURES];
  hessian(train, x, H);
  for (int a = 0; a < FEATURES; a++) {
    for (int b = a + 1; b < FEATURES; b++) {
      const double factor = H[b][a] / H[a][a];
      for (int c = a; c < FEATURES; c++) {
        H[b][c] -= factor * H[a][c];
      }
      v[b] -= factor * v[a];
    }
  }
  for (int a = FEATURES - 1; a >= 0; a--) {
    for (int b = a + 1; b < FEATURES; b++) {
      v[a] -= H[a][b] * v[b];
    }
    v[a] /= H[a][a];
  }
}

static void closed_form(const ridge *data, const ait_real *x, double *y, double *gx) {
  double q[FEATURES];
  host_gradient(&data->train, nullptr, y);
  for (int j = 0; j < FEATURES; j++) {
    y[j] = -y[j];
  }
  solve(&data->train, x, y);
  host_gradient(&data->validation, y, q);
  solve(&data->train, x, q);
  for (int j = 0; j < FEATURES; j++) {
    gx[j] = -2 * exp((double)x[j]) * y[j] * q[j];
  }
}

/* ||value - expected|| / ||expected||. */
static double difference(const ait_real *value, const double *expected) {
  double squares = 0, norm = 0;
  for (int j = 0; j < FEATURES; j++) {
    squares += (value[j] - expected[j]) * (value[j] - expected[j]);
    norm += expected[j] * expected[j];
  }
  return sqrt(squares / norm);
}

/* ---- solving and checking ------------------------------------------------------------------------ */

/* The solver at penalties x: F, and its relative differences to the closed form. */
typedef struct comparison {
  double F, y, gx;
} comparison;

static ait_status compare(ait_solver *solver, const ridge *data, const ait_real *x, comparison *result) {
  ait_real y[FEATURES], gx[FEATURES];
  double y_expected[FEATURES], gx_expected[FEATURES];
  ait_status status = ait_solver_set_x(solver, x);
  status = status != AIT_OK ? status : ait_solver_hypergradient(solver);
  status = status != AIT_OK ? status : ait_solver_get_y(solver, y);
  status = status != AIT_OK ? status : ait_solver_get_gx(solver, gx);
  if (status == AIT_OK) {
    closed_form(data, x, y_expected, gx_expected);
    result->F = ait_solver_trajectory_F(solver)[LL_STEPS];
    result->y = difference(y, y_expected);
    result->gx = difference(gx, gx_expected);
  }
  return status;
}

static ait_status learn_penalties(ait_solver *solver, const ridge *data, comparison *before, comparison *after) {
  ait_real x[FEATURES];
  for (int j = 0; j < FEATURES; j++) {
    x[j] = (ait_real)(-3 + 0.1 * j);
  }
  ait_status status = compare(solver, data, x, before);
  status = status != AIT_OK ? status : ait_solver_run(solver, nullptr, nullptr);
  status = status != AIT_OK ? status : ait_solver_get_x(solver, x);
  return status != AIT_OK ? status : compare(solver, data, x, after);
}

static ait_status run(ait_context *context, ridge *data, comparison *before, comparison *after) {
  const ait_oracles oracles = make_oracles();
  const ait_real zero[FEATURES] = {};
  ait_problem *problem = nullptr;
  ait_solver *solver = nullptr;
  ait_solver_options options;
  ait_solver_options_init(&options);
  options.ul_iterations = UL_ITERATIONS;
  options.ll_steps = LL_STEPS;
  options.ll_rate.rate = 0.3; /* below 2 / (largest curvature + largest penalty) */
  options.ul_optimizer.kind = AIT_OPTIMIZER_ADAM;
  options.ul_optimizer.rate.rate = 0.05;

  /* f is strongly convex here, so a fixed start and the last iterate will do. */
  ait_status status = ait_method_by_name("rhg", &options.method);
  status = status != AIT_OK ? status : ait_problem_create(context, &oracles, data, 1, FEATURES, FEATURES, &problem);
  status = status != AIT_OK ? status : ait_problem_bound_x(problem, -4, 1);
  status = status != AIT_OK ? status : ait_solver_create(problem, &options, zero, zero, &solver);
  status = status != AIT_OK ? status : learn_penalties(solver, data, before, after);
  ait_solver_destroy(solver);
  ait_problem_destroy(problem);
  return status;
}

static ait_status run_on_device(ait_context *context, ridge *data, comparison *before, comparison *after) {
  cudaStream_t stream = (cudaStream_t)ait_context_stream(context);
  ait_status status = upload(stream, &data->train);
  status = status != AIT_OK ? status : upload(stream, &data->validation);
  status = status != AIT_OK ? status : run(context, data, before, after);
  release(&data->train);
  release(&data->validation);
  return status;
}

static int print_and_judge(const comparison *before, const comparison *after) {
  /* 400 steps that shrink y's distance to y* by 1 - 0.3 * 0.17 each leave less than 1e-9 of it. */
  const double tolerance = 1e-8;
  const comparison worst = {after->F, fmax(before->y, after->y), fmax(before->gx, after->gx)};
  printf("mean squared error on the validation rows: %.4f before, %.4f with learned penalties\n", before->F, after->F);
  printf("relative difference to the closed form: %.1e in y, %.1e in the hyper-gradient\n", worst.y, worst.gx);
  if (!(before->y <= tolerance && after->y <= tolerance && before->gx <= tolerance && after->gx <= tolerance)) {
    fprintf(stderr, "ridge_gpu: the solver disagrees with the closed form (tolerance %.0e)\n", tolerance);
    return 1;
  }
  if (!(after->F < before->F)) {
    fprintf(stderr, "ridge_gpu: the learned penalties are no better\n");
    return 1;
  }
  return 0;
}

int main(void) {
  static ridge data;
  uint64_t state = 20;
  draw(&state, TRAIN_ROWS, &data.train);
  draw(&state, VALIDATION_ROWS, &data.validation);

  ait_context_options options;
  ait_context *context = nullptr;
  ait_context_options_init(&options);
  options.device = "cuda";
  ait_status status = ait_context_create(&options, &context);
  if (status == AIT_UNSUPPORTED) {
    printf("ridge_gpu: no CUDA device: %s\n", ait_last_error());
    return 77;
  }
  comparison before = {NAN, NAN, NAN}, after = before;
  status = status != AIT_OK ? status : run_on_device(context, &data, &before, &after);
  ait_context_destroy(context);
  if (status != AIT_OK) {
    fprintf(stderr, "ridge_gpu: %s; %s\n", ait_status_text(status), ait_last_error());
    return 1;
  }
  return print_and_judge(&before, &after);
}
