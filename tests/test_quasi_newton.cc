/* The LL mapping L-BFGS: quadratics and regularised logistic regression solved to a tolerance, batches, implicit
 * hyper-gradients of what it solves, refusals. */
#include <algorithm>
#include <functional>

#include "solver_support.h"

namespace {

/* f_b = mean_i w_i log(1 + exp(-a_i'y_b)) + lambda_b/2 ||y_b||^2 with w_i = sigmoid(x_i) and rows a_i that carry their
 * labels' signs, or with quadratic = true f_b = 1/2 sum_j d_j (y_j - c_j)^2 with c_j = x_j mod n;
 * F_b = 1/2 ||y_b - t||^2. */
struct Losses {
  int64_t n, m;
  bool quadratic = false;
  bool multiplies = false; /* a preconditioner is an ll_precondition, of the same numbers as the ll_preconditioner */
  std::vector<double> lambda = {0.1};
  std::vector<double> rows;      // n x m
  std::vector<double> diagonal;  // m, of the quadratic
  std::vector<double> target;    // m
  std::vector<int64_t> looks;    // calls of ll_gradient in which the LL problem was active

  Losses(std::mt19937 &engine, int64_t n_, int64_t m_) : n(n_), m(m_) {
    std::uniform_real_distribution<double> uniform(-1, 1);
    for (int64_t i = 0; i < n * m; i++) {
      rows.push_back((uniform(engine) + 0.2) * (i % m == 0 ? 8 : 1));
    }
    for (int64_t j = 0; j < m; j++) {
      diagonal.push_back(std::pow(1e4, static_cast<double>(j) / static_cast<double>(m - 1)));
      target.push_back(uniform(engine));
    }
  }

  int64_t batch() const {
    return static_cast<int64_t>(lambda.size());
  }

  double margin(int64_t i, const ait_real *y) const {
    double sum = 0;
    for (int64_t j = 0; j < m; j++) {
      sum += rows[i * m + j] * static_cast<double>(y[j]);
    }
    return sum;
  }

  Problem problem(const Context &context, bool preconditioned);
};

double sigmoid(double v) {
  return 1 / (1 + std::exp(-v));
}

/* g and f of LL problem b, or with v the products H v and J'v. */
void logistic(const Losses &p, int64_t b, const ait_real *x, const ait_real *y, const ait_real *v, double *out,
              double *f, ait_real *xv) {
  for (int64_t j = 0; j < p.m; j++) {
    out[j] = p.lambda[b] * static_cast<double>(v != nullptr ? v[j] : y[j]);
    *f += 0.5 * p.lambda[b] * static_cast<double>(y[j]) * static_cast<double>(y[j]);
  }
  for (int64_t i = 0; i < p.n; i++) {
    const double margin = p.margin(i, y), wrong = sigmoid(-margin), weight = sigmoid(static_cast<double>(x[i]));
    const double along = v != nullptr ? p.margin(i, v) : 0;
    const double factor = v != nullptr ? weight * wrong * (1 - wrong) * along : -weight * wrong;
    for (int64_t j = 0; j < p.m; j++) {
      out[j] += factor * p.rows[i * p.m + j] / static_cast<double>(p.n);
    }
    *f += weight * (margin > 0 ? std::log1p(std::exp(-margin)) : std::log1p(std::exp(margin)) - margin) /
          static_cast<double>(p.n);
    if (xv != nullptr) {
      xv[i] -= static_cast<ait_real>(weight * (1 - weight) * wrong * along / static_cast<double>(p.n));
    }
  }
}

void quadratic(const Losses &p, const ait_real *x, const ait_real *y, const ait_real *v, double *out, double *f,
               ait_real *xv) {
  for (int64_t j = 0; j < p.m; j++) {
    const double away = static_cast<double>(y[j]) - static_cast<double>(x[j % p.n]);
    out[j] = p.diagonal[j] * (v != nullptr ? static_cast<double>(v[j]) : away);
    *f += 0.5 * p.diagonal[j] * away * away;
    if (xv != nullptr) {
      xv[j % p.n] -= static_cast<ait_real>(p.diagonal[j] * static_cast<double>(v[j]));
    }
  }
}

void evaluate(const Losses &p, int64_t b, const ait_real *x, const ait_real *y, const ait_real *v, ait_real *out,
              ait_real *f, ait_real *xv) {
  std::vector<double> sum(p.m, 0);
  double value = 0;
  if (p.quadratic) {
    quadratic(p, x, y, v, sum.data(), &value, xv);
  } else {
    logistic(p, b, x, y, v, sum.data(), &value, xv);
  }
  std::transform(sum.begin(), sum.end(), out, [](double entry) { return static_cast<ait_real>(entry); });
  if (f != nullptr) {
    *f = static_cast<ait_real>(value);
  }
}

/* What the contract allows for an LL problem that is not active is done to it: NaN. */
ait_status ll_gradient(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *g,
                       ait_real *f) {
  auto *p = static_cast<Losses *>(self);
  p->looks.resize(static_cast<size_t>(call->batch));
  for (int64_t b = 0; b < call->batch; b++) {
    if (call->active != nullptr && call->active[b] == 0) {
      std::fill(g + b * p->m, g + (b + 1) * p->m, static_cast<ait_real>(NAN));
      f[b] = static_cast<ait_real>(NAN);
      continue;
    }
    p->looks[b]++;
    evaluate(*p, b, x, y + b * p->m, nullptr, g + b * p->m, f + b, nullptr);
  }
  return AIT_OK;
}

ait_status ll_products(void *self, const ait_call *call, const ait_real *x, const ait_real *y, const ait_real *v,
                       ait_real *hv, ait_real *xv) {
  const auto *p = static_cast<const Losses *>(self);
  std::fill(xv, xv + p->n, ait_real(0));
  for (int64_t b = 0; b < call->batch; b++) {
    evaluate(*p, b, x, y + b * p->m, v + b * p->m, hv + b * p->m, nullptr, xv);
  }
  return AIT_OK;
}

ait_status ul_value(void *self, const ait_call *call, const ait_real *, const ait_real *y, ait_real *F) {
  const auto *p = static_cast<const Losses *>(self);
  for (int64_t b = 0; b < call->batch; b++) {
    double sum = 0;
    for (int64_t j = 0; j < p->m; j++) {
      sum += 0.5 * std::pow(static_cast<double>(y[b * p->m + j]) - p->target[j], 2);
    }
    F[b] = static_cast<ait_real>(sum);
  }
  return AIT_OK;
}

ait_status ul_gradient(void *self, const ait_call *call, const ait_real *, const ait_real *y, ait_real *gx,
                       ait_real *gy) {
  const auto *p = static_cast<const Losses *>(self);
  std::fill(gx, gx + p->n, ait_real(0));
  for (int64_t i = 0; i < call->batch * p->m; i++) {
    gy[i] = static_cast<ait_real>(static_cast<double>(y[i]) - p->target[i % p->m]);
  }
  return AIT_OK;
}

/* Of the quadratic exactly, off by a factor; of the logistic loss with every sigmoid at 1/2. */
ait_status ll_preconditioner(void *self, const ait_call *call, const ait_real *, const ait_real *,
                             ait_real *inverse_diagonal) {
  const auto *p = static_cast<const Losses *>(self);
  for (int64_t i = 0; i < call->batch * p->m; i++) {
    double sum = p->lambda[i / p->m];
    for (int64_t row = 0; row < p->n; row++) {
      sum += 0.125 * std::pow(p->rows[row * p->m + i % p->m], 2) / static_cast<double>(p->n);
    }
    inverse_diagonal[i] = static_cast<ait_real>(p->quadratic ? 3 / p->diagonal[i % p->m] : 1 / sum);
  }
  return AIT_OK;
}

ait_status ll_precondition(void *self, const ait_call *call, const ait_real *x, const ait_real *y, const ait_real *v,
                           ait_real *out) {
  EXPECT_OK(ll_preconditioner(self, call, x, y, out));
  for (int64_t i = 0; i < call->batch * static_cast<const Losses *>(self)->m; i++) {
    out[i] *= v[i];
  }
  return AIT_OK;
}

Problem Losses::problem(const Context &context, bool preconditioned) {
  ait_oracles oracles = host_oracles(ll_gradient, ll_products, ul_value, ul_gradient);
  oracles.ll_preconditioner = preconditioned ? ll_preconditioner : nullptr;
  oracles.ll_precondition = preconditioned && multiplies ? ll_precondition : nullptr;
  ait_problem *made = nullptr;
  EXPECT_OK(ait_problem_create(context.get(), &oracles, this, batch(), n, m, &made));
  return Problem(made, ait_problem_destroy);
}

ait_solver_options lbfgs_options(const char *method, int64_t looks, double tolerance) {
  ait_solver_options options = make_options(method, looks, 1e-3);
  options.method.mapping = AIT_MAPPING_LBFGS;
  options.method.lbfgs.tolerance = tolerance;
  return options;
}

/* What ait_solver_ll_solution tells. */
struct Solution {
  std::vector<double> residual;
  std::vector<int64_t> iterations, unsolved;

  Solution(const Solver &solver, size_t batch) : residual(batch, NAN), iterations(batch, -1), unsolved(batch, -1) {
    EXPECT_OK(ait_solver_ll_solution(solver.get(), residual.data(), iterations.data(), unsolved.data()));
  }
};

class QuasiNewton : public testing::Test {
 protected:
  QuasiNewton() : context(make_context()), losses(engine, 12, 6) {}

  Solver start(const Problem &problem, const ait_solver_options &options) {
    std::mt19937 point(29);
    return make_solver(problem, options, random_reals(point, 12, 1),
                       random_reals(point, static_cast<size_t>(losses.batch() * losses.m), 1));
  }

  Reals y_of(const Solver &solver) {
    Reals y(static_cast<size_t>(losses.batch() * losses.m));
    EXPECT_OK(ait_solver_get_y(solver.get(), y.data()));
    return y;
  }

  /* ||g(y)|| of LL problem b, by the oracle's formula. */
  double gradient_norm(int64_t b, const Reals &x, const ait_real *y) {
    Reals g(static_cast<size_t>(losses.m));
    evaluate(losses, b, x.data(), y, nullptr, g.data(), nullptr, nullptr);
    double sum = 0;
    for (const ait_real entry : g) {
      sum += static_cast<double>(entry) * static_cast<double>(entry);
    }
    return std::sqrt(sum);
  }

  Context context;
  std::mt19937 engine{11};
  Losses losses;
  const double tolerance = kDouble ? 1e-10 : 1e-4;
};

TEST_F(QuasiNewton, SolvesAnIllConditionedQuadratic) {
  losses.quadratic = true;
  std::vector<int64_t> steps;
  for (const bool preconditioned : {false, true}) {
    Problem problem = losses.problem(context, preconditioned);
    Solver solver = start(problem, lbfgs_options("ls", 100, tolerance));
    ASSERT_OK(ait_solver_rollout(solver.get()));
    Reals x(12);
    ASSERT_OK(ait_solver_get_x(solver.get(), x.data()));
    const Reals y = y_of(solver);
    for (int64_t j = 0; j < losses.m; j++) {
      EXPECT_NEAR(static_cast<double>(y[j]), static_cast<double>(x[j % 12]), kDouble ? 1e-5 : 0.5) << j;
    }
    const Solution solution(solver, 1);
    EXPECT_LE(solution.residual[0], tolerance);
    EXPECT_EQ(solution.unsolved[0], 0);
    steps.push_back(solution.iterations[0]);
  }
  EXPECT_LE(steps[1], 2) << "a diagonal that is right but for a factor";
  EXPECT_GT(steps[0], 6);
  EXPECT_LT(steps[0], 60);
}

/* Which does not hold where the numbers depend on y: these are taken at y_0 or at y_k. */
TEST_F(QuasiNewton, APreconditionerThatMultipliesIsAsGoodAsItsNumbers) {
  std::vector<Reals> y;
  losses.lambda = {0.3, 0.02};
  for (const bool multiplies : {false, true}) {
    losses.multiplies = multiplies;
    engine.seed(5);
    Problem problem = losses.problem(context, true);
    Solver solver = start(problem, lbfgs_options("ls", 20, tolerance));
    ASSERT_OK(ait_solver_rollout(solver.get()));
    y.push_back(y_of(solver));
  }
  EXPECT_EQ(y[0], y[1]);
}

/* The gradient at y_K, computed here, is what the solver tells of it; the others of a batch change nothing. */
TEST_F(QuasiNewton, EveryLowerLevelProblemIsSolvedByItself) {
  losses.lambda = {1, 0.1, 1e-3, 1e-3};
  for (const bool preconditioned : {false, true}) {
    Problem problem = losses.problem(context, preconditioned);
    Solver solver = start(problem, lbfgs_options("ls", 60, tolerance));
    Reals x(12), z(static_cast<size_t>(4 * losses.m));
    ASSERT_OK(ait_solver_get_x(solver.get(), x.data()));
    ASSERT_OK(ait_solver_get_z(solver.get(), z.data()));
    losses.looks.clear();
    ASSERT_OK(ait_solver_rollout(solver.get()));
    const Reals y = y_of(solver);
    const Solution solution(solver, 4);
    for (int64_t b = 0; b < 4; b++) {
      const double start_norm = gradient_norm(b, x, &z[b * losses.m]), end = gradient_norm(b, x, &y[b * losses.m]);
      EXPECT_LE(end, 1.01 * tolerance * start_norm) << b;
      EXPECT_NEAR(solution.residual[b], end / start_norm, 1e-5 * end / start_norm + (kDouble ? 1e-15 : 1e-6)) << b;
      EXPECT_EQ(solution.unsolved[b], 0) << b;
      EXPECT_LT(losses.looks[b], 60) << b;
      EXPECT_LE(solution.iterations[b], losses.looks[b] - 1) << b;
    }
    EXPECT_LT(solution.iterations[0], solution.iterations[2]);

    Losses alone = losses;
    alone.lambda = {losses.lambda[2]};
    Problem single = alone.problem(context, preconditioned);
    Solver other = make_solver(single, lbfgs_options("ls", 60, tolerance), x,
                               Reals(z.begin() + 2 * losses.m, z.begin() + 3 * losses.m));
    ASSERT_OK(ait_solver_rollout(other.get()));
    Reals y_alone(static_cast<size_t>(losses.m));
    ASSERT_OK(ait_solver_get_y(other.get(), y_alone.data()));
    EXPECT_EQ(y_alone, Reals(y.begin() + 2 * losses.m, y.begin() + 3 * losses.m));
  }
}

/* d/dx F(x, y(x)) of the solved problem, by differences of F at solutions for x + e and x - e. */
TEST_F(QuasiNewton, ImplicitHypergradientIsThatOfTheSolution) {
  losses.lambda = {0.3, 0.02};
  Problem problem = losses.problem(context, true);
  ait_solver_options options = lbfgs_options("ls", 50, kDouble ? 1e-13 : 1e-5);
  options.method.conjugate_gradient.preconditioner = AIT_PRECONDITIONER_DIAGONAL;
  options.method.conjugate_gradient.tolerance = kDouble ? 1e-13 : 1e-6;
  Solver solver = start(problem, options);
  Reals x(12), gx(12);
  ASSERT_OK(ait_solver_get_x(solver.get(), x.data()));
  ASSERT_OK(ait_solver_hypergradient(solver.get()));
  ASSERT_OK(ait_solver_get_gx(solver.get(), gx.data()));
  const double step = kDouble ? 1e-4 : 0.05;
  double difference = 0, norm = 0;
  for (size_t i = 0; i < x.size(); i++) {
    double F[2] = {0, 0};
    for (int side = 0; side < 2; side++) {
      Reals moved = x;
      moved[i] += static_cast<ait_real>(side == 0 ? step : -step);
      ASSERT_OK(ait_solver_set_x(solver.get(), moved.data()));
      ASSERT_OK(ait_solver_rollout(solver.get()));
      const Reals y = y_of(solver);
      for (size_t j = 0; j < y.size(); j++) {
        F[side] += 0.5 * std::pow(static_cast<double>(y[j]) - losses.target[j % static_cast<size_t>(losses.m)], 2);
      }
    }
    const double expected = (F[0] - F[1]) / (2 * step);
    difference += std::pow(static_cast<double>(gx[i]) - expected, 2);
    norm += expected * expected;
  }
  EXPECT_LE(std::sqrt(difference / norm), kDouble ? 1e-6 : 5e-3);
}

/* A start far off and a first step far too long: trials are refused until one is good. */
TEST_F(QuasiNewton, StepsThatAreTooLongAreShortened) {
  losses.lambda = {1e-2};
  Problem problem = losses.problem(context, false);
  ait_solver_options options = lbfgs_options("ls", 100, tolerance);
  options.ll_rate.rate = 1e6;
  Solver solver = start(problem, options);
  ASSERT_OK(ait_solver_rollout(solver.get()));
  const Solution solution(solver, 1);
  EXPECT_LE(solution.residual[0], tolerance);
  EXPECT_LT(solution.iterations[0] + 1, losses.looks[0]) << "some looks must have been refused";
}

TEST_F(QuasiNewton, TellsWhatWasNotSolved) {
  losses.lambda = {1, 1e-3};
  Problem problem = losses.problem(context, true);
  Solver solver = start(problem, lbfgs_options("ls", 8, kDouble ? 1e-6 : 1e-3));
  ASSERT_OK(ait_solver_rollout(solver.get()));
  ASSERT_OK(ait_solver_rollout(solver.get()));
  const Solution solution(solver, 2);
  EXPECT_EQ(solution.unsolved, (std::vector<int64_t>{0, 2}));
  EXPECT_GT(solution.residual[1], kDouble ? 1e-6 : 1e-3);
  Solver plain = start(problem, make_options("ls", 8, 1e-3));
  std::vector<double> residual(2);
  std::vector<int64_t> counts(2);
  EXPECT_EQ(AIT_UNSUPPORTED, ait_solver_ll_solution(plain.get(), residual.data(), counts.data(), counts.data()));
}

/* Where f has no least value, or stands at it already. */
TEST_F(QuasiNewton, EndsWhereThereIsNothingToSolve) {
  losses.quadratic = true;
  Problem problem = losses.problem(context, false);
  Reals x(12), z(6);
  std::copy(x.begin(), x.begin() + 6, z.begin());
  Solver solved = make_solver(problem, lbfgs_options("ls", 9, 1e-3), x, z);
  losses.looks.clear();
  ASSERT_OK(ait_solver_hypergradient(solved.get()));
  EXPECT_EQ(Solution(solved, 1).unsolved[0], 0);
  EXPECT_EQ(losses.looks[0], 1);

  losses.quadratic = false;
  losses.lambda = {0};
  std::fill(losses.rows.begin(), losses.rows.end(), 1);  // separable: f falls for ever
  Solver endless = start(problem, lbfgs_options("ls", 50, 1e-3));
  ASSERT_OK(ait_solver_rollout(endless.get()));
  EXPECT_LE(Solution(endless, 1).residual[0], 1e-3) << "the gradient becomes small all the same";
}

TEST_F(QuasiNewton, TheBitsDoNotDependOnThreads) {
  std::mt19937 data_engine(3);
  const CleaningData data(data_engine, {700, 8}, AIT_ACTIVATION_NONE, {60, 45}, 30, true);
  std::vector<Reals> found;
  for (const int threads : {1, 3}) {
    Context here = make_context(threads);
    Problem problem = data.problem(here);
    ait_solver_options options = lbfgs_options("ls", 12, 1e-2);
    options.method.conjugate_gradient.iterations = 5;
    std::mt19937 point(7);
    const auto size = static_cast<size_t>(2 * ait_problem_m(problem.get()));
    Solver solver = make_solver(problem, options, random_reals(point, 105, 1), random_reals(point, size, 0.1));
    Reals gx(105), y(size);
    for (int t = 0; t < 3; t++) {
      ASSERT_OK(ait_solver_step(solver.get()));
    }
    ASSERT_OK(ait_solver_get_gx(solver.get(), gx.data()));
    ASSERT_OK(ait_solver_get_y(solver.get(), y.data()));
    gx.insert(gx.end(), y.begin(), y.end());
    found.push_back(gx);
  }
  EXPECT_EQ(found[0], found[1]);
}

TEST_F(QuasiNewton, RefusesWhatMakesNoSense) {
  Problem problem = losses.problem(context, false);
  const auto refused = [&](const char *name, int64_t looks, const std::function<void(ait_method &)> &change,
                           const char *words) {
    ait_solver_options options = lbfgs_options(name, looks, 0.1);
    change(options.method);
    const Reals x(12), z(6);
    ait_solver *solver = nullptr;
    EXPECT_EQ(ait_solver_create(problem.get(), &options, x.data(), z.data(), &solver), AIT_INVALID_ARGUMENT) << words;
    EXPECT_NE(std::string(ait_last_error()).find(words), std::string::npos) << ait_last_error();
  };
  const auto nothing = [](ait_method &) {};
  refused("rhg", 5, nothing, "the LL mapping is L-BFGS but the hyper-gradient is by reverse accumulation");
  refused(
      "one-stage", 1, [](ait_method &o) { o.lbfgs.history = 3; }, "but there is one LL step");
  refused("ls", 1, nothing, "but there is one LL step");
  refused(
      "ls", 5, [](ait_method &o) { o.nesterov = 1; }, "L-BFGS but there is Nesterov acceleration");
  refused(
      "ls", 5, [](ait_method &o) { o.truncation = AIT_TRUNCATION_PESSIMISTIC; }, "L-BFGS but the truncation is");
  refused(
      "ls", 5, [](ait_method &o) { o.lbfgs.tolerance = 1; }, "L-BFGS's tolerance is 1");
  refused(
      "ls", 5, [](ait_method &o) { o.lbfgs.tolerance = NAN; }, "L-BFGS's tolerance is nan");
  refused(
      "ls", 5, [](ait_method &o) { o.lbfgs.history = -1; }, "L-BFGS's history is -1");
  refused(
      "ls", 5, [](ait_method &o) { o.mapping = AIT_MAPPING_GRADIENT; }, "settings of L-BFGS but the LL mapping");
  ASSERT_OK(ait_problem_bound_y(problem.get(), -1, INFINITY));
  refused("ls", 5, nothing, "the LL mapping is L-BFGS but Y has bounds [-1, inf]");
}

}  // namespace
