/* Implicit hyper-gradients against dense linear algebra in double: conjugate gradient, the Neumann series,
 * negative curvature, bounds, refusals, memory. */
#include <algorithm>
#include <functional>
#include <limits>

#include "context/context.h"
#include "solver/access.h"
#include "solver_support.h"

namespace {

using Doubles = std::vector<double>;

/* f_b = 1/2 y'A_b y - y'C_b x and F_b = 1/2 ||y - t_b||^2: H = A_b, J = -C_b. */
struct Quadratics {
  int64_t n, m;
  std::vector<Doubles> A, C, t;  /* m x m, m x n, m of each LL problem */
  std::vector<int64_t> products; /* calls of ll_products in which the LL problem was active */
  double scale_of_products = 1;  /* infinity: products overflow */
  bool has_matrix = false;       /* it has an ll_precondition, of the same numbers */
  bool has_diagonal = true;      /* the problem has an ll_preconditioner: the inverse of A's diagonal */

  Quadratics(int64_t n_, int64_t m_) : n(n_), m(m_) {}

  /* A = sum_i e_i u_i u_i' with orthonormal u_i (columns of products of reflections) and these eigenvalues. */
  void add(std::mt19937 &engine, const Doubles &eigenvalues) {
    std::uniform_real_distribution<double> uniform(-1, 1);
    Doubles U(m * m, 0);
    for (int64_t i = 0; i < m; i++) {
      U[i * m + i] = 1;
    }
    for (int reflection = 0; reflection < 3; reflection++) {
      Doubles v(m);
      double norm = 0;
      for (auto &entry : v) {
        entry = uniform(engine);
        norm += entry * entry;
      }
      for (int64_t i = 0; i < m; i++) {
        double product = 0;
        for (int64_t j = 0; j < m; j++) {
          product += U[i * m + j] * v[j];
        }
        for (int64_t j = 0; j < m; j++) {
          U[i * m + j] -= 2 * product * v[j] / norm;
        }
      }
    }
    Doubles matrix(m * m, 0);
    for (int64_t i = 0; i < m * m; i++) {
      for (int64_t e = 0; e < m; e++) {
        matrix[i] += eigenvalues[e] * U[i / m * m + e] * U[i % m * m + e];
      }
    }
    add_matrix(engine, matrix);
  }

  /* A = D^1/2 (I + V V') D^1/2 with D from 1 to `condition` and `rank` orthogonal columns V_r of entries +-1/(r + 1);
   * m is a power of 2. Scaled by its diagonal it has rank + 1 distinct eigenvalues. */
  void add_ill_conditioned(std::mt19937 &engine, double condition, int64_t rank) {
    Doubles matrix(m * m, 0);
    for (int64_t i = 0; i < m; i++) {
      for (int64_t j = 0; j < m; j++) {
        double entry = i == j;
        for (int64_t r = 0; r < rank; r++) {
          entry += (((i >> r) ^ (j >> r)) & 1 ? -1.0 : 1.0) / static_cast<double>((r + 1) * (r + 1));
        }
        matrix[i * m + j] = entry * std::pow(condition, 0.5 * static_cast<double>(i + j) / static_cast<double>(m - 1));
      }
    }
    add_matrix(engine, matrix);
  }

  void add_matrix(std::mt19937 &engine, const Doubles &matrix) {
    std::uniform_real_distribution<double> uniform(-1, 1);
    Doubles coupling(m * n), target(m);
    for (auto &entry : coupling) {
      entry = uniform(engine);
    }
    for (auto &entry : target) {
      entry = uniform(engine);
    }
    A.push_back(matrix), C.push_back(coupling), t.push_back(target);
    products.push_back(0);
  }

  int64_t batch() const {
    return static_cast<int64_t>(A.size());
  }

  template <typename Number>
  Doubles times_A(int64_t b, const Number *v) const {
    Doubles out(m, 0);
    for (int64_t i = 0; i < m * m; i++) {
      out[i / m] += A[b][i] * static_cast<double>(v[i % m]);
    }
    return out;
  }

  /* gx = sum_b C_b' q_b, in double. */
  Doubles apply(const std::vector<Doubles> &q) const {
    Doubles gx(n, 0);
    for (int64_t b = 0; b < batch(); b++) {
      for (int64_t i = 0; i < m * n; i++) {
        gx[i % n] += C[b][i] * q[b][i / n];
      }
    }
    return gx;
  }

  /* grad_y F_b at y. */
  Doubles gy(int64_t b, const Reals &y) const {
    Doubles out(m);
    for (int64_t i = 0; i < m; i++) {
      out[i] = static_cast<double>(y[b * m + i]) - t[b][i];
    }
    return out;
  }

  Problem problem(const Context &context);
};

ait_status ll_gradient(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *g,
                       ait_real *f) {
  const auto *q = static_cast<const Quadratics *>(self);
  for (int64_t b = 0; b < call->batch; b++) {
    const Doubles Ay = q->times_A(b, y + b * q->m);
    double value = 0;
    for (int64_t i = 0; i < q->m; i++) {
      double Cx = 0;
      for (int64_t j = 0; j < q->n; j++) {
        Cx += q->C[b][i * q->n + j] * static_cast<double>(x[j]);
      }
      g[b * q->m + i] = static_cast<ait_real>(Ay[i] - Cx);
      value += static_cast<double>(y[b * q->m + i]) * (0.5 * Ay[i] - Cx);
    }
    f[b] = static_cast<ait_real>(value);
  }
  return AIT_OK;
}

/* What the contract allows for an LL problem that is not active is done to it: NaN in hv, nothing in xv. */
ait_status ll_products(void *self, const ait_call *call, const ait_real *, const ait_real *, const ait_real *v,
                       ait_real *hv, ait_real *xv) {
  auto *q = static_cast<Quadratics *>(self);
  Doubles sum(q->n, 0);
  for (int64_t b = 0; b < call->batch; b++) {
    const bool active = call->active == nullptr || call->active[b] != 0;
    q->products[b] += active;
    const Doubles Av = q->times_A(b, v + b * q->m);
    for (int64_t i = 0; i < q->m; i++) {
      hv[b * q->m + i] =
          active ? static_cast<ait_real>(q->scale_of_products * Av[i]) : std::numeric_limits<ait_real>::quiet_NaN();
      for (int64_t j = 0; active && j < q->n; j++) {
        sum[j] -= q->C[b][i * q->n + j] * static_cast<double>(v[b * q->m + i]);
      }
    }
  }
  std::copy(sum.begin(), sum.end(), xv);
  return AIT_OK;
}

ait_status ll_preconditioner(void *self, const ait_call *call, const ait_real *, const ait_real *,
                             ait_real *inverse_diagonal) {
  const auto *q = static_cast<const Quadratics *>(self);
  for (int64_t i = 0; i < call->batch * q->m; i++) {
    inverse_diagonal[i] = static_cast<ait_real>(1 / q->A[i / q->m][i % q->m * (q->m + 1)]);
  }
  return AIT_OK;
}

ait_status ll_precondition(void *self, const ait_call *call, const ait_real *x, const ait_real *y, const ait_real *v,
                           ait_real *out) {
  EXPECT_OK(ll_preconditioner(self, call, x, y, out));
  for (int64_t i = 0; i < call->batch * static_cast<const Quadratics *>(self)->m; i++) {
    out[i] *= v[i];
  }
  return AIT_OK;
}

ait_status ul_value(void *self, const ait_call *call, const ait_real *, const ait_real *y, ait_real *F) {
  const auto *q = static_cast<const Quadratics *>(self);
  for (int64_t b = 0; b < call->batch; b++) {
    double value = 0;
    for (int64_t i = 0; i < q->m; i++) {
      value += 0.5 * std::pow(static_cast<double>(y[b * q->m + i]) - q->t[b][i], 2);
    }
    F[b] = static_cast<ait_real>(value);
  }
  return AIT_OK;
}

ait_status ul_gradient(void *self, const ait_call *call, const ait_real *, const ait_real *y, ait_real *gx,
                       ait_real *gy) {
  const auto *q = static_cast<const Quadratics *>(self);
  std::fill(gx, gx + q->n, ait_real(0));
  for (int64_t i = 0; i < call->batch * q->m; i++) {
    gy[i] = static_cast<ait_real>(static_cast<double>(y[i]) - q->t[i / q->m][i % q->m]);
  }
  return AIT_OK;
}

Problem Quadratics::problem(const Context &context) {
  ait_oracles oracles = host_oracles(ll_gradient, ll_products, ul_value, ul_gradient);
  oracles.ll_preconditioner = has_diagonal ? ll_preconditioner : nullptr;
  oracles.ll_precondition = has_matrix ? ll_precondition : nullptr;
  ait_problem *made = nullptr;
  EXPECT_OK(ait_problem_create(context.get(), &oracles, this, batch(), n, m, &made));
  return Problem(made, ait_problem_destroy);
}

/* The solution of M q = v by elimination with pivots. */
Doubles solve(Doubles M, Doubles v) {
  const size_t m = v.size();
  for (size_t k = 0; k < m; k++) {
    size_t pivot = k;
    for (size_t i = k; i < m; i++) {
      pivot = std::abs(M[i * m + k]) > std::abs(M[pivot * m + k]) ? i : pivot;
    }
    std::swap_ranges(&M[k * m], &M[k * m] + m, &M[pivot * m]);
    std::swap(v[k], v[pivot]);
    for (size_t i = k + 1; i < m; i++) {
      const double factor = M[i * m + k] / M[k * m + k];
      for (size_t j = k; j < m; j++) {
        M[i * m + j] -= factor * M[k * m + j];
      }
      v[i] -= factor * v[k];
    }
  }
  for (size_t k = m; k-- > 0;) {
    for (size_t j = k + 1; j < m; j++) {
      v[k] -= M[k * m + j] * v[j];
    }
    v[k] /= M[k * m + k];
  }
  return v;
}

template <typename Number>
double relative_error(const Reals &found, const std::vector<Number> &expected) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < found.size(); i++) {
    difference += std::pow(static_cast<double>(found[i]) - static_cast<double>(expected[i]), 2);
    norm += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(difference / norm);
}

class Implicit : public testing::Test {
 protected:
  Implicit() : context(make_context()) {}

  /* A solver from a fixed random point. */
  Solver start(const Problem &problem, const ait_solver_options &options) {
    std::mt19937 point(29);
    const auto entries = static_cast<size_t>(ait_problem_n(problem.get()));
    const auto size = static_cast<size_t>(ait_problem_batch(problem.get()) * ait_problem_m(problem.get()));
    const Reals x = random_reals(point, entries, 1), z = random_reals(point, size, 1);
    return make_solver(problem, options, x, z);
  }

  Reals gx_of(const Solver &solver) {
    Reals gx(static_cast<size_t>(n));
    EXPECT_OK(ait_solver_hypergradient(solver.get()));
    EXPECT_OK(ait_solver_get_gx(solver.get(), gx.data()));
    return gx;
  }

  Reals y_of(const Solver &solver, int64_t batch) {
    Reals y(static_cast<size_t>(batch * m));
    EXPECT_OK(ait_solver_get_y_kbar(solver.get(), y.data()));
    return y;
  }

  std::vector<int64_t> curvature_of(const Solver &solver, int64_t batch) {
    std::vector<int64_t> count(static_cast<size_t>(batch), -1);
    EXPECT_OK(ait_solver_curvature_count(solver.get(), count.data()));
    return count;
  }

  Context context;
  std::mt19937 engine{11};
  const int64_t n = 4, m = 5, K = 6;
  const Doubles convex = {0.5, 0.9, 1.4, 2.1, 3.0};
  const double tolerance = kDouble ? 1e-12 : 1e-5;
};

/* Conjugate gradient ends after as many iterations as there are eigenvalues (Hestenes and Stiefel). */
TEST_F(Implicit, ConjugateGradientSolvesAQuadraticInMIterations) {
  for (const auto &[damping, preconditioner] :
       {std::pair(0.0, AIT_PRECONDITIONER_NONE), std::pair(0.7, AIT_PRECONDITIONER_NONE),
        std::pair(0.0, AIT_PRECONDITIONER_DIAGONAL), std::pair(0.7, AIT_PRECONDITIONER_DIAGONAL)}) {
    Quadratics data(n, m);
    for (int b = 0; b < 3; b++) {
      data.add(engine, convex);
    }
    Problem problem = data.problem(context);
    ait_solver_options options = make_options("ls", K, 0.2);
    options.method.conjugate_gradient = {m, 0, damping, AIT_NEGATIVE_CURVATURE_CONTINUE, preconditioner};
    Solver solver = start(problem, options);
    const Reals gx = gx_of(solver), y = y_of(solver, 3);
    std::vector<Doubles> q;
    for (int b = 0; b < 3; b++) {
      Doubles matrix = data.A[b];
      for (int64_t i = 0; i < m; i++) {
        matrix[i * m + i] += damping;
      }
      q.push_back(solve(matrix, data.gy(b, y)));
    }
    EXPECT_LE(relative_error(gx, data.apply(q)), tolerance) << damping;
    EXPECT_EQ(curvature_of(solver, 3), (std::vector<int64_t>{0, 0, 0}));
    Reals gz(static_cast<size_t>(3 * m), 1), last(gz);
    ASSERT_OK(ait_solver_get_gz(solver.get(), gz.data()));
    ASSERT_OK(ait_solver_get_y(solver.get(), last.data()));
    EXPECT_EQ(gz, Reals(static_cast<size_t>(3 * m), 0));
    EXPECT_EQ(last, y);
    options.method.conjugate_gradient.iterations = m - 1;
    EXPECT_GT(relative_error(gx_of(start(problem, options)), data.apply(q)), 1e-4) << "the last iteration is needed";
  }
}

/* An LL problem that is solved is left alone, and costs no products, while the others go on. */
TEST_F(Implicit, EveryLowerLevelProblemStopsByItself) {
  const std::vector<Doubles> eigenvalues = {{2, 2, 2, 2, 2}, convex, {1, 1, 1, 3, 3}};
  Quadratics data(n, m);
  for (const auto &values : eigenvalues) {
    data.add(engine, values);
  }
  Problem problem = data.problem(context);
  ait_solver_options options = make_options("ls", K, 0.2);
  options.method.conjugate_gradient.iterations = 50;
  options.method.conjugate_gradient.tolerance = kDouble ? 1e-10 : 1e-5;
  Solver solver = start(problem, options);
  const Reals gx = gx_of(solver), y = y_of(solver, 3);
  EXPECT_EQ(data.products, (std::vector<int64_t>{1 + 1, m + 1, 2 + 1})) << "and one more with the solution";
  std::vector<Doubles> q;
  for (int b = 0; b < 3; b++) {
    q.push_back(solve(data.A[b], data.gy(b, y)));
  }
  EXPECT_LE(relative_error(gx, data.apply(q)), kDouble ? 1e-9 : 1e-4);
}

/* A diagonal that spans five decades costs nothing once residuals are scaled by it: what is left has rank + 1
 * distinct eigenvalues. */
TEST_F(Implicit, PreconditionerTakesAnIllScaledDiagonalOut) {
  const int64_t size = 32, rank = 3;
  Quadratics data(n, size);
  data.add_ill_conditioned(engine, 1e5, rank);
  data.add_ill_conditioned(engine, 1e3, rank - 1);
  Problem problem = data.problem(context);
  ait_solver_options options = make_options("ls", 1, 1e-9);
  ait_conjugate_gradient &cg = options.method.conjugate_gradient;
  cg = {rank + 1, 0, 0, AIT_NEGATIVE_CURVATURE_ERROR, AIT_PRECONDITIONER_DIAGONAL};
  Solver solver = start(problem, options);
  const Reals gx = gx_of(solver);
  Reals y(static_cast<size_t>(2 * size));
  ASSERT_OK(ait_solver_get_y_kbar(solver.get(), y.data()));
  std::vector<Doubles> q;
  for (int b = 0; b < 2; b++) {
    q.push_back(solve(data.A[b], data.gy(b, y)));
  }
  EXPECT_LE(relative_error(gx, data.apply(q)), kDouble ? 1e-10 : 1e-4);

  cg.iterations = 4 * (rank + 1);
  cg.preconditioner = AIT_PRECONDITIONER_NONE;
  EXPECT_GE(relative_error(gx_of(start(problem, options)), data.apply(q)), 0.1) << "without it";

  data.products = {0, 0};
  cg.preconditioner = AIT_PRECONDITIONER_DIAGONAL;
  cg.tolerance = kDouble ? 1e-9 : 1e-4;
  EXPECT_LE(relative_error(gx_of(start(problem, options)), data.apply(q)), kDouble ? 1e-8 : 1e-3);
  EXPECT_EQ(data.products, (std::vector<int64_t>{rank + 1 + 1, rank + 1})) << "and one more with the solution";
}

TEST_F(Implicit, APreconditionerThatMultipliesIsAsGoodAsItsNumbers) {
  Quadratics data(n, 12);
  data.has_matrix = true;
  data.add_ill_conditioned(engine, 1e3, 2);
  Problem problem = data.problem(context);
  ait_solver_options options = make_options("ls", 1, 1e-9);
  ait_conjugate_gradient &cg = options.method.conjugate_gradient;
  std::vector<Reals> gx;
  for (const ait_preconditioner preconditioner : {AIT_PRECONDITIONER_DIAGONAL, AIT_PRECONDITIONER_MATRIX}) {
    cg = {3, 0, 0.1, AIT_NEGATIVE_CURVATURE_ERROR, preconditioner};
    gx.push_back(gx_of(start(problem, options)));
  }
  EXPECT_EQ(gx[0], gx[1]);
}

TEST_F(Implicit, NeumannSeriesIsItsSum) {
  Quadratics data(n, m);
  data.add(engine, convex);
  data.add(engine, {0.1, 0.2, 0.3, 0.4, 0.5});
  Problem problem = data.problem(context);
  for (const int64_t terms : {0, 1, 2, 9}) {
    ait_solver_options options = make_options("ns", K, 0.2);
    options.ll_rate = {AIT_SCHEDULE_STEP, 0.3, 0.5, 0, 5};  // 0.15 in the last step
    options.method.neumann_terms = terms;
    const double alpha = 0.15;
    Solver solver = start(problem, options);
    const Reals gx = gx_of(solver), y = y_of(solver, 2);
    std::vector<Doubles> q;
    for (int b = 0; b < 2; b++) {
      Doubles p = data.gy(b, y), sum(m, 0);
      for (int64_t i = 0; i < (terms > 0 ? terms : K); i++) {
        const Doubles Ap = data.times_A(b, p.data());
        for (int64_t j = 0; j < m; j++) {
          sum[j] += alpha * p[j];
          p[j] -= alpha * Ap[j];
        }
      }
      q.push_back(sum);
    }
    EXPECT_LE(relative_error(gx, data.apply(q)), tolerance) << terms;
  }
}

TEST_F(Implicit, CurvatureIsTheLargestAbsoluteEigenvalue) {
  struct Case {
    std::vector<Doubles> eigenvalues;
    double expected;
  };
  for (const Case &tested : {Case{{convex}, 3.0}, Case{{{-4.5, -0.6, 0.8, 2.5, 3.0}}, 4.5},
                             Case{{{-2, -2, 0, 2, 2}}, 2.0}, /* H v need not turn to one direction */
                             Case{{{1e-6, 1e-6, 1e-6, 1e-6, 2e-6}, {0, 0, 0, 0, 0}}, 2e-6},
                             Case{{convex, {0, 0, 0, 0, 70000}, convex}, 70000}, Case{{{0, 0, 0, 0, 0}}, 0}}) {
    Quadratics data(n, m);
    for (const auto &values : tested.eigenvalues) {
      data.add(engine, values);
    }
    Problem problem = data.problem(context);
    const Reals x = random_reals(engine, n, 1), y = random_reals(engine, data.batch() * m, 1);
    double curvature = -1, again = -1;
    ASSERT_OK(ait_problem_ll_curvature(problem.get(), x.data(), y.data(), 5, &curvature));
    EXPECT_NEAR(curvature, tested.expected, (kDouble ? 1e-7 : 1e-5) * tested.expected);
    EXPECT_LE(data.products[0], 2 * 16 * 2) << "one look, or two";
    ASSERT_OK(ait_problem_ll_curvature(problem.get(), x.data(), y.data(), 5, &again));
    EXPECT_EQ(curvature, again);
  }
}

/* f = y1^2/2 - x y1 and F = (x - y2)^4 + (y1 - 1)^4 of two variables. */
TEST_F(Implicit, CurvatureOfAnAggregateStep) {
  ait_problem *made = nullptr;
  ASSERT_OK(ait_problem_create_convex(context.get(), 1, &made));
  Problem problem(made, ait_problem_destroy);
  const ait_real x = ait_real(0.5);
  struct Case {
    ait_real y[2];
    double mu, expected;
  };
  for (const Case &tested : {Case{{0, 1}, 0, 1}, Case{{0, 1}, 0.5, 0.5 + 0.5 * 12}, Case{{0, 1}, 1, 12},
                             Case{{0, 2}, 0.5, 0.5 * 12 * 2.25}, Case{{1, 1}, 0.25, 0.75}}) {
    double curvature = -1;
    ASSERT_OK(ait_problem_step_curvature(problem.get(), tested.mu, &x, tested.y, 0, &curvature));
    EXPECT_NEAR(curvature, tested.expected, 1e-3 * tested.expected) << tested.mu;
  }
}

TEST_F(Implicit, CurvatureThatIsNotFiniteIsAnError) {
  Quadratics data(n, m);
  data.add(engine, convex);
  data.scale_of_products = std::numeric_limits<double>::infinity();
  Problem problem = data.problem(context);
  const Reals x(n, 0), y(m, 0);
  double curvature = -1;
  EXPECT_EQ(ait_problem_ll_curvature(problem.get(), x.data(), y.data(), 0, &curvature), AIT_DIVERGED);
  EXPECT_EQ(curvature, -1);
}

/* At y = 0 every prediction is 1/C, so that H = sum_i w_i/N u_i u_i' (x) (I - 11'/C) / C with u_i the row and a 1. */
TEST_F(Implicit, CurvatureOfALinearClassifierAtZero) {
  const int64_t D = 9, C = 4, rows = 23;
  CleaningData data(engine, {D, C}, AIT_ACTIVATION_NONE, {rows}, 19, false);
  Problem problem = data.problem(context);
  for (const double weight : {0.5, 1.0}) {
    Doubles v(D + 1, 1);
    double largest = 0;
    for (int repetition = 0; repetition < 2000; repetition++) {
      Doubles next(D + 1, 0);
      double norm = 0;
      for (int64_t i = 0; i < rows; i++) {
        double product = v[D];
        for (int64_t j = 0; j < D; j++) {
          product += data.features[0][i * D + j] * v[j];
        }
        for (int64_t j = 0; j <= D; j++) {
          next[j] += weight / (rows * C) * product * (j < D ? data.features[0][i * D + j] : 1);
        }
      }
      for (const double entry : next) {
        norm += entry * entry;
      }
      largest = std::sqrt(norm);
      for (int64_t j = 0; j <= D; j++) {
        v[j] = next[j] / largest;
      }
    }
    const Reals x(rows, weight == 1 ? 40 : 0), y(C * (D + 1), 0);
    double curvature = 0;
    ASSERT_OK(ait_problem_ll_curvature(problem.get(), x.data(), y.data(), 0, &curvature));
    EXPECT_LE(curvature, largest * (1 + 1e-5));
    EXPECT_GE(curvature, largest * (1 - 5e-3)) << "what a thousandth a round may leave out where the gap is small";
  }
}

/* Iterations in which a plain conjugate gradient meets p'Ap <= 0, and its q before the first of them. */
int64_t plain_conjugate_gradient(const Quadratics &data, int64_t b, Doubles r, int64_t iterations, Doubles *q_before) {
  const auto dot = [](const Doubles &u, const Doubles &v) {
    double sum = 0;
    for (size_t i = 0; i < u.size(); i++) {
      sum += u[i] * v[i];
    }
    return sum;
  };
  Doubles p = r, q(r.size(), 0);
  int64_t met = 0;
  for (int64_t k = 0; k < iterations; k++) {
    const Doubles Ap = data.times_A(b, p.data());
    const double rr = dot(r, r), curvature = dot(p, Ap);
    if (curvature <= 0 && met++ == 0) {
      *q_before = q;
    }
    for (size_t i = 0; i < r.size(); i++) {
      q[i] += rr / curvature * p[i];
      r[i] -= rr / curvature * Ap[i];
    }
    const double turn = dot(r, r) / rr;
    for (size_t i = 0; i < r.size(); i++) {
      p[i] = r[i] + turn * p[i];
    }
  }
  return met;
}

TEST_F(Implicit, NegativeCurvatureIsCountedAndContinuesStopsOrFails) {
  Quadratics data(n, m);
  data.add(engine, convex);
  data.add(engine, {-1.5, -0.6, 0.8, 2.5, 3.0});
  Problem problem = data.problem(context);
  ait_solver_options options = make_options("ls", K, 0.05);
  ait_conjugate_gradient &cg = options.method.conjugate_gradient;
  cg = {m, 0, 0, AIT_NEGATIVE_CURVATURE_CONTINUE, AIT_PRECONDITIONER_NONE};
  Solver solver = start(problem, options);
  const Reals gx = gx_of(solver), y = y_of(solver, 2);
  const Doubles other = solve(data.A[0], data.gy(0, y));
  Doubles before;
  const int64_t met = plain_conjugate_gradient(data, 1, data.gy(1, y), m, &before);
  ASSERT_GE(met, 1);
  EXPECT_EQ(curvature_of(solver, 2), (std::vector<int64_t>{0, met}));
  EXPECT_LE(relative_error(gx, data.apply({other, solve(data.A[1], data.gy(1, y))})), 100 * tolerance);
  gx_of(solver);
  EXPECT_EQ(curvature_of(solver, 2), (std::vector<int64_t>{0, 2 * met})) << "over all hyper-gradients";

  cg.negative_curvature = AIT_NEGATIVE_CURVATURE_STOP;
  Solver stopping = start(problem, options);
  EXPECT_LE(relative_error(gx_of(stopping), data.apply({other, before})), 10 * tolerance);
  EXPECT_EQ(curvature_of(stopping, 2), (std::vector<int64_t>{0, 1}));

  cg.negative_curvature = AIT_NEGATIVE_CURVATURE_ERROR;
  Solver failing = start(problem, options);
  Reals x(static_cast<size_t>(n)), after(x);
  ASSERT_OK(ait_solver_get_x(failing.get(), x.data()));
  EXPECT_EQ(ait_solver_step(failing.get()), AIT_DIVERGED);
  EXPECT_EQ(
      std::string(ait_last_error()),
      "conjugate gradient met negative curvature in UL iteration 0 (in 1 of 2 LL problems): the LL problem is not "
      "convex at y_K; raise the damping, let negative curvature continue or stop it, or choose another "
      "hyper-gradient");
  ASSERT_OK(ait_solver_get_x(failing.get(), after.data()));
  EXPECT_EQ(x, after);
  EXPECT_EQ(ait_solver_iteration(failing.get()), 0);

  cg.damping = 2;  // above 1.5: no direction is left without curvature
  Solver damped = start(problem, options);
  EXPECT_OK(ait_solver_step(damped.get()));
  EXPECT_EQ(curvature_of(damped, 2), (std::vector<int64_t>{0, 0}));
}

/* Where f is linear in y there is nothing to solve: q stays 0 and every direction counts. */
TEST_F(Implicit, NoCurvatureAtAllIsCountedToo) {
  Quadratics data(n, m);
  data.add(engine, {0, 0, 0, 0, 0});
  Problem problem = data.problem(context);
  ait_solver_options options = make_options("ls", K, 0.05);
  options.method.conjugate_gradient.iterations = 3;
  Solver solver = start(problem, options);
  EXPECT_EQ(gx_of(solver), Reals(static_cast<size_t>(n), 0));
  EXPECT_EQ(curvature_of(solver, 1), std::vector<int64_t>{3});
}

/* At a solved LL problem all three ways give d/dx F(x, y(x)), also where bounds hold entries of y. */
TEST_F(Implicit, AgreesWithReverseAccumulationWhereTheLowerLevelIsSolved) {
  for (const double bound : {1e9, 0.2}) {
    Quadratics data(n, m);
    data.add(engine, convex);
    data.add(engine, convex);
    Problem problem = data.problem(context);
    ASSERT_OK(ait_problem_bound_y(problem.get(), -bound, bound));
    const int64_t steps = 400;
    const Reals expected = gx_of(start(problem, make_options("rhg", steps, 0.3)));
    for (const auto &[name, preconditioner] :
         {std::pair("ls", AIT_PRECONDITIONER_NONE), std::pair("ls", AIT_PRECONDITIONER_DIAGONAL),
          std::pair("ns", AIT_PRECONDITIONER_NONE)}) {
      ait_solver_options options = make_options(name, steps, 0.3);
      options.method.conjugate_gradient.preconditioner = preconditioner;
      Solver solver = start(problem, options);
      EXPECT_LE(relative_error(gx_of(solver), expected), kDouble ? 1e-5 : 1e-4) << name << " " << bound;
      const Reals y = y_of(solver, 2);
      const auto held = std::count_if(y.begin(), y.end(), [&](ait_real v) { return std::abs(v) == ait_real(bound); });
      EXPECT_EQ(held > 0 && held < 2 * m, bound < 1) << held;
    }
  }
}

TEST_F(Implicit, GradientThatIsNotFiniteIsReported) {
  Quadratics data(n, m);
  data.add(engine, convex);
  Problem problem = data.problem(context);
  data.scale_of_products = std::numeric_limits<double>::infinity();
  for (const auto &[name, words] : {std::pair("ls", "conjugate gradient overflowed; lower its number of iterations"),
                                    std::pair("ns", "the Neumann series overflowed; lower the LL step size")}) {
    Solver solver = start(problem, make_options(name, K, 0.1));
    EXPECT_EQ(ait_solver_hypergradient(solver.get()), AIT_DIVERGED) << name;
    EXPECT_NE(std::string(ait_last_error()).find(words), std::string::npos) << ait_last_error();
  }
}

TEST_F(Implicit, StepsFromFixedAndWarmStarts) {
  Quadratics data(n, m);
  data.add(engine, convex);
  Problem problem = data.problem(context);
  for (const char *name : {"ls", "ns"}) {
    for (auto initialisation : {AIT_INITIALISATION_FIXED, AIT_INITIALISATION_WARM}) {
      ait_solver_options options = make_options(name, K, 0.2);
      options.method.initialisation = initialisation;
      Solver solver = start(problem, options);
      Reals x(static_cast<size_t>(n)), gx(x), after(x), z(static_cast<size_t>(m)), y(z);
      ASSERT_OK(ait_solver_get_x(solver.get(), x.data()));
      ASSERT_OK(ait_solver_step(solver.get()));
      ASSERT_OK(ait_solver_get_gx(solver.get(), gx.data()));
      ASSERT_OK(ait_solver_get_x(solver.get(), after.data()));
      ASSERT_OK(ait_solver_get_z(solver.get(), z.data()));
      ASSERT_OK(ait_solver_get_y(solver.get(), y.data()));
      for (int64_t i = 0; i < n; i++) {
        EXPECT_LE(std::abs(after[i] - (x[i] - ait_real(0.1) * gx[i])), kDouble ? 1e-15 : 1e-6);
        EXPECT_NE(after[i], x[i]);
      }
      EXPECT_EQ(z == y, initialisation == AIT_INITIALISATION_WARM);
      ASSERT_OK(ait_solver_step(solver.get()));
    }
  }
}

size_t bytes_allocated = 0;
const ait_runtime_ops *device_runtime = nullptr;

ait_status counted_allocate(ait_device *device, size_t bytes, void **memory) {
  bytes_allocated += bytes;
  return device_runtime->allocate(device, bytes, memory);
}

/* Of a thousand steps more only their scalars remain: a step's size, its index, f, F. */
TEST_F(Implicit, MemoryDoesNotGrowWithTheNumberOfSteps) {
  ait_problem *made = nullptr;
  ASSERT_OK(ait_problem_create_convex(context.get(), 500, &made));
  Problem problem(made, ait_problem_destroy);
  device_runtime = context->device.runtime;
  ait_runtime_ops runtime = *device_runtime;
  runtime.allocate = counted_allocate;
  context->device.runtime = &runtime;
  const size_t state = 1000 * sizeof(ait_real);
  const auto growth = [&](const char *name) {
    size_t bytes[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
      bytes_allocated = 0;
      start(problem, make_options(name, i == 0 ? 10 : 1010, 0.1));
      bytes[i] = bytes_allocated;
    }
    return bytes[1] - bytes[0];
  };
  EXPECT_LE(growth("ls"), 1000 * 64u);
  EXPECT_LE(growth("ns"), 1000 * 64u);
  EXPECT_GE(growth("rhg"), 1000 * state);
  context->device.runtime = device_runtime;
}

TEST_F(Implicit, RefusesWhatMakesNoSense) {
  Quadratics data(n, m);
  data.has_diagonal = false;
  data.add(engine, convex);
  Problem problem = data.problem(context);
  const auto refused = [&](const char *name, const std::function<void(ait_method &)> &change, const char *words) {
    ait_solver_options options = make_options(name, K, 0.1);
    change(options.method);
    const Reals x(static_cast<size_t>(n)), z(static_cast<size_t>(m));
    ait_solver *solver = nullptr;
    EXPECT_EQ(ait_solver_create(problem.get(), &options, x.data(), z.data(), &solver), AIT_INVALID_ARGUMENT) << words;
    EXPECT_NE(std::string(ait_last_error()).find(words), std::string::npos) << ait_last_error();
  };
  const auto pessimistic = [](ait_method &o) { o.truncation = AIT_TRUNCATION_PESSIMISTIC; };
  const auto last = [](ait_method &o) { o.truncation = AIT_TRUNCATION_LAST; };
  const auto auxiliary = [](ait_method &o) { o.initialisation = AIT_INITIALISATION_AUXILIARY; };
  refused("ls", pessimistic, "the truncation is pessimistic but the hyper-gradient is by conjugate gradient");
  refused("ns", pessimistic, "the truncation is pessimistic but the hyper-gradient is by a Neumann series");
  refused("ls", last, "the truncation is 'last steps' but the hyper-gradient is by conjugate gradient");
  refused("ns", auxiliary, "the initialisation is auxiliary but the hyper-gradient is by a Neumann series");
  refused("ls", auxiliary, "the initialisation is auxiliary but the hyper-gradient is by conjugate gradient");
  refused(
      "ls", [](ait_method &o) { o.conjugate_gradient.iterations = -1; }, "iterations is -1");
  refused(
      "ls", [](ait_method &o) { o.conjugate_gradient.tolerance = 1; }, "tolerance is 1");
  refused(
      "ls", [](ait_method &o) { o.conjugate_gradient.tolerance = NAN; }, "tolerance is nan");
  refused(
      "ls", [](ait_method &o) { o.conjugate_gradient.damping = -1; }, "damping is -1");
  refused(
      "ls", [](ait_method &o) { o.neumann_terms = 3; }, "neumann_terms is 3 but the hyper-gradient is not");
  refused(
      "ns", [](ait_method &o) { o.neumann_terms = -3; }, "neumann_terms is -3");
  refused(
      "ns", [](ait_method &o) { o.conjugate_gradient.damping = 1; }, "settings of conjugate gradient but");
  refused(
      "rhg", [](ait_method &o) { o.conjugate_gradient.iterations = 1; }, "settings of conjugate gradient but");
  refused(
      "ls", [](ait_method &o) { o.conjugate_gradient.negative_curvature = ait_negative_curvature(3); }, "choice");
  const auto diagonal = [](ait_method &o) { o.conjugate_gradient.preconditioner = AIT_PRECONDITIONER_DIAGONAL; };
  refused("ls", diagonal, "preconditioner is diagonal but the problem has no ll_preconditioner");
  const auto matrix = [](ait_method &o) { o.conjugate_gradient.preconditioner = AIT_PRECONDITIONER_MATRIX; };
  refused("ls", matrix, "preconditioner is matrix but the problem has no ll_precondition:");
  refused("ns", diagonal, "settings of conjugate gradient but");
  refused(
      "ls", [](ait_method &o) { o.conjugate_gradient.preconditioner = ait_preconditioner(3); }, "preconditioner is 3");
}

}  // namespace
