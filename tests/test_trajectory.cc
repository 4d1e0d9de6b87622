/* Trajectories stored in part: every plan gives the bits of the one that stores all states, takes the steps and the
 * memory that it tells, and is the best one for its budget. */
#include <algorithm>
#include <cstring>
#include <functional>

#include "context/context.h"
#include "solver_support.h"

namespace {

/* f = 1/2 sum_i h_i (y_i - x_b)^2 and F = sum_i (1 + x_b^2 / 9) cos(3 y_i + b): F rises and falls along a trajectory,
 * so that kbar may be anywhere, and is elsewhere in every entry of a batch. */
struct Waves {
  static constexpr int64_t m = 3;
  const double h[m] = {0.5, 1, 1.7};
  int64_t gradients = 0; /* calls of ll_gradient */
};

ait_status ll_gradient(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *g,
                       ait_real *f) {
  auto *p = static_cast<Waves *>(self);
  p->gradients++;
  for (int64_t b = 0; b < call->batch; b++) {
    double value = 0;
    for (int64_t i = 0; i < p->m; i++) {
      const double d = y[b * p->m + i] - x[b];
      g[b * p->m + i] = static_cast<ait_real>(p->h[i] * d);
      value += 0.5 * p->h[i] * d * d;
    }
    f[b] = static_cast<ait_real>(value);
  }
  return AIT_OK;
}

ait_status ll_products(void *self, const ait_call *call, const ait_real *, const ait_real *, const ait_real *v,
                       ait_real *hv, ait_real *xv) {
  const auto *p = static_cast<const Waves *>(self);
  for (int64_t b = 0; b < call->batch; b++) {
    const bool active = call->active == nullptr || call->active[b] != 0;
    double sum = 0;
    for (int64_t i = 0; i < p->m; i++) {
      hv[b * p->m + i] = static_cast<ait_real>(p->h[i] * v[b * p->m + i]);
      sum -= p->h[i] * v[b * p->m + i];
    }
    xv[b] = static_cast<ait_real>(active ? sum : 0);
  }
  return AIT_OK;
}

ait_status ul_value(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *F) {
  const auto *p = static_cast<const Waves *>(self);
  for (int64_t b = 0; b < call->batch; b++) {
    double value = 0;
    for (int64_t i = 0; i < p->m; i++) {
      value += (1 + x[b] * x[b] / 9) * std::cos(3 * y[b * p->m + i] + static_cast<double>(b));
    }
    F[b] = static_cast<ait_real>(value);
  }
  return AIT_OK;
}

ait_status ul_gradient(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *gx,
                       ait_real *gy) {
  const auto *p = static_cast<const Waves *>(self);
  for (int64_t b = 0; b < call->batch; b++) {
    double sum = 0;
    for (int64_t i = 0; i < p->m; i++) {
      const double angle = 3 * y[b * p->m + i] + static_cast<double>(b);
      gy[b * p->m + i] = static_cast<ait_real>(-3 * (1 + x[b] * x[b] / 9) * std::sin(angle));
      sum += 2 * x[b] / 9 * std::cos(angle);
    }
    gx[b] = static_cast<ait_real>(sum);
  }
  return AIT_OK;
}

ait_status ul_products(void *self, const ait_call *call, const ait_real *x, const ait_real *y, const ait_real *v,
                       ait_real *hv, ait_real *xv) {
  const auto *p = static_cast<const Waves *>(self);
  for (int64_t b = 0; b < call->batch; b++) {
    const bool active = call->active == nullptr || call->active[b] != 0;
    double sum = 0;
    for (int64_t i = 0; i < p->m; i++) {
      const double angle = 3 * y[b * p->m + i] + static_cast<double>(b), direction = v[b * p->m + i];
      hv[b * p->m + i] = static_cast<ait_real>(-9 * (1 + x[b] * x[b] / 9) * std::cos(angle) * direction);
      sum -= 6 * x[b] / 9 * std::sin(angle) * direction;
    }
    xv[b] = static_cast<ait_real>(active ? sum : 0);
  }
  return AIT_OK;
}

Problem waves_problem(Waves &waves, const Context &context, int64_t batch) {
  ait_oracles oracles = host_oracles(ll_gradient, ll_products, ul_value, ul_gradient);
  oracles.ul_products = ul_products;
  ait_problem *made = nullptr;
  EXPECT_OK(ait_problem_create(context.get(), &oracles, &waves, batch, batch, Waves::m, &made));
  return Problem(made, ait_problem_destroy);
}

/* ---- equal bits ------------------------------------------------------------------------------------ */

constexpr int64_t kSteps = 7, kIterations = 3;

struct Steps {
  std::string name, method;
  std::function<void(ait_solver_options &)> change;
  bool bounded = false;
};

void last_steps(ait_solver_options &o) {
  o.method.last_steps = 5;
}
void accelerated(ait_solver_options &o) {
  o.method.nesterov = 1;
}
void shrunk(ait_solver_options &o) {
  o.method.mapping = AIT_MAPPING_PROXIMAL;
  o.method.proximal.kind = AIT_PROX_L1;
  o.method.proximal.weight = 0.05;
}

const std::vector<Steps> kMethods = {
    {"pessimistic", "iaptt-gm", nullptr},
    {"pessimistic_nesterov", "iaptt-gm", accelerated},
    {"pessimistic_shrunk", "iaptt-gm", shrunk},
    {"pessimistic_bounded", "iaptt-gm", nullptr, true},
    {"nesterov", "ia-gm-a", nullptr},
    {"nesterov_shrunk_bounded", "ia-gm-a", shrunk, true},
    {"warm", "rhg", [](auto &o) { o.method.initialisation = AIT_INITIALISATION_WARM; }},
    {"last", "t-rhg", last_steps},
    {"last_nesterov", "t-rhg", [](auto &o) { last_steps(o), accelerated(o); }},
    {"aggregate", "bda", nullptr},
    {"aggregate_pessimistic_nesterov", "bda",
     [](auto &o) { accelerated(o), o.method.truncation = AIT_TRUNCATION_PESSIMISTIC; }},
};

/* All that a solver tells, as bytes. */
class Told {
 public:
  void add(const void *data, size_t size) {
    const auto *bytes = static_cast<const char *>(data);
    bytes_.insert(bytes_.end(), bytes, bytes + size);
  }
  void add(ait_status (*get)(ait_solver *, ait_real *), const Solver &solver, size_t n) {
    Reals values(n);
    ASSERT_OK(get(solver.get(), values.data()));
    add(values.data(), n * sizeof(ait_real));
  }
  void add_all(const Solver &solver, const Problem &problem) {
    const auto n = static_cast<size_t>(ait_problem_n(problem.get()));
    const auto batch = static_cast<size_t>(ait_problem_batch(problem.get()));
    const size_t m = batch * static_cast<size_t>(ait_problem_m(problem.get()));
    for (const auto get : {ait_solver_get_x, ait_solver_get_gx}) {
      add(get, solver, n);
    }
    for (const auto get : {ait_solver_get_z, ait_solver_get_gz, ait_solver_get_y, ait_solver_get_y_kbar}) {
      add(get, solver, m);
    }
    add(ait_solver_kbar(solver.get()), batch * sizeof(int32_t));
    add(ait_solver_trajectory_F(solver.get()), batch * (kSteps + 1) * sizeof(ait_real));
  }
  bool operator==(const Told &other) const {
    return bytes_ == other.bytes_;
  }

 private:
  std::vector<char> bytes_;
};

/* Which kbar there were, over iterations and entries. */
using Seen = std::vector<int32_t>;

Told run(const Problem &problem, const ait_solver_options &options, double scale, Seen *seen) {
  std::mt19937 engine(5);
  const int64_t batch = ait_problem_batch(problem.get()), m = batch * ait_problem_m(problem.get());
  const Reals x = random_reals(engine, static_cast<size_t>(ait_problem_n(problem.get())), 0.5);
  Solver solver = make_solver(problem, options, x, random_reals(engine, static_cast<size_t>(m), scale));
  Told told;
  for (int64_t t = 0; t < kIterations; t++) {
    EXPECT_OK(ait_solver_step(solver.get()));
    told.add_all(solver, problem);
    const int32_t *kbar = ait_solver_kbar(solver.get());
    seen->insert(seen->end(), kbar, kbar + batch);
  }
  return told;
}

ait_solver_options options_of(const Steps &steps, double rate) {
  ait_solver_options options = make_options(steps.method.c_str(), kSteps, rate);
  options.ll_rate = {AIT_SCHEDULE_STEP, rate, 0.9, 0, 2};
  options.init_optimizer.rate.rate = 0.02;
  options.ul_optimizer.rate.rate = 0.05;
  options.divergence_limit = INFINITY;
  if (steps.change != nullptr) {
    steps.change(options);
  }
  return options;
}

/* Whether some kbar is neither 1 nor K and the first two entries have different ones somewhere: or little would be
 * seen. */
bool sees_truncation(const Seen &seen) {
  bool differ = false, inside = false;
  for (size_t i = 0; i < seen.size(); i += seen.size() / kIterations) {
    differ = differ || seen[i] != seen[i + 1];
    inside = inside || (seen[i] > 1 && seen[i] < kSteps);
  }
  return differ && inside;
}

/* Plans with these c against the one that stores all states. */
Seen expect_equal_plans(const Problem &problem, ait_solver_options options, double scale,
                        const std::vector<int64_t> &plans) {
  Seen seen, again;
  const Told whole = run(problem, options, scale, &seen);
  for (const int64_t every : plans) {
    options.trajectory_every = every;
    EXPECT_TRUE(run(problem, options, scale, &again) == whole) << "every " << every;
  }
  return seen;
}

class Plans : public testing::TestWithParam<Steps> {};

TEST_P(Plans, GiveEqualBits) {
  const Context context = make_context();
  Waves waves;
  Problem problem = waves_problem(waves, context, 3);
  if (GetParam().bounded) {
    ASSERT_OK(ait_problem_bound_y(problem.get(), -1.2, 1.1));
  }
  const ait_solver_options options = options_of(GetParam(), 0.8);
  const Seen seen = expect_equal_plans(problem, options, 2, {1, 2, 3, 4, 5, 6, 7});
  EXPECT_TRUE(options.method.truncation != AIT_TRUNCATION_PESSIMISTIC || sees_truncation(seen));
}

INSTANTIATE_TEST_SUITE_P(Methods, Plans, testing::ValuesIn(kMethods),
                         [](const auto &param_info) { return param_info.param.name; });

/* The data pass takes many steps in one piece where there is no activation; with one they are taken one by one. F of
 * the first entry, whose labels are noise, rises along a trajectory; that of the second, on its own training rows,
 * falls. */
class CleaningPlans : public testing::TestWithParam<Steps> {};

TEST_P(CleaningPlans, GiveEqualBits) {
  const Context context = make_context(2);
  const ait_solver_options options = options_of(GetParam(), 1);
  for (const auto activation : {AIT_ACTIVATION_NONE, AIT_ACTIVATION_TANH}) {
    std::mt19937 engine(17);
    CleaningData data(engine, {9, 4, 3}, activation, {20, 23}, 15, true);
    data.entries[1].validation = data.entries[1].train;
    data.entries[1].validation_labels = data.entries[1].train_labels;
    const Seen seen = expect_equal_plans(data.problem(context), options, 0.3, {1, 3, 5});
    EXPECT_TRUE(options.method.truncation != AIT_TRUNCATION_PESSIMISTIC || seen[0] != seen[1]);
  }
}

INSTANTIATE_TEST_SUITE_P(Methods, CleaningPlans,
                         testing::Values(kMethods[0], kMethods[1], kMethods[4], kMethods[7], kMethods[8]),
                         [](const auto &param_info) { return param_info.param.name; });

/* ---- steps and memory ------------------------------------------------------------------------------ */

class Trajectories : public testing::Test {
 protected:
  ait_solver_options options_of(const char *method, int64_t K, int64_t last = 0, int nesterov = 0) const {
    ait_solver_options options = make_options(method, K, 0.1);
    options.method.last_steps = last;
    options.method.nesterov = nesterov;
    return options;
  }

  ait_trajectory_plan plan_of(const ait_solver_options &options, int64_t batch = 1, int64_t m = 1) const {
    ait_trajectory_plan plan = {};
    EXPECT_OK(ait_solver_plan_trajectory(&options, batch, m, &plan));
    return plan;
  }

  Context context = make_context();
  Waves waves;
};

size_t bytes_allocated;
const ait_runtime_ops *device_runtime;

ait_status counted_allocate(ait_device *device, size_t bytes, void **memory) {
  bytes_allocated += bytes;
  return device_runtime->allocate(device, bytes, memory);
}

TEST_F(Trajectories, TakeTheStepsAndTheMemoryThatTheyTell) {
  device_runtime = context->device.runtime;
  ait_runtime_ops runtime = *device_runtime;
  runtime.allocate = counted_allocate;
  context->device.runtime = &runtime;
  Problem problem = waves_problem(waves, context, 2);
  for (const int nesterov : {0, 1}) {
    for (const int64_t last : {0, 1, 6, 10}) {
      ait_solver_options options = options_of(last > 0 ? "t-rhg" : "rhg", 10, last, nesterov);
      size_t whole_memory = 0;
      const ait_trajectory_plan whole = plan_of(options, 2, Waves::m);
      EXPECT_EQ(whole.recomputed_steps, 0);
      for (int64_t every = last > 0 ? last : 10; every >= 1; every--) {
        options.trajectory_every = every;
        const ait_trajectory_plan plan = plan_of(options, 2, Waves::m);
        EXPECT_EQ(plan.bytes, plan.states * 2 * Waves::m * static_cast<int64_t>(sizeof(ait_real)));
        bytes_allocated = 0;
        Solver solver = make_solver(problem, options, {1, 2}, Reals(2 * Waves::m, 1));
        whole_memory = whole_memory == 0 ? bytes_allocated : whole_memory;
        EXPECT_EQ(static_cast<int64_t>(bytes_allocated) - static_cast<int64_t>(whole_memory), plan.bytes - whole.bytes);
        waves.gradients = 0;
        ASSERT_OK(ait_solver_step(solver.get()));
        EXPECT_EQ(waves.gradients, options.ll_steps + plan.recomputed_steps)
            << every << " of " << last << ", " << nesterov;
      }
    }
  }
  context->device.runtime = device_runtime;
}

/* With c = K, K + 1 states; the least is about 2 sqrt(K). */
TEST_F(Trajectories, BestPlanOfEveryBudget) {
  for (const int nesterov : {0, 1}) {
    for (const int64_t last : {0, 30}) {
      ait_solver_options options = options_of(last > 0 ? "t-rhg" : "rhg", 40, last, nesterov);
      std::vector<ait_trajectory_plan> plans;
      for (int64_t every = 1; every <= (last > 0 ? last : 40); every++) {
        options.trajectory_every = every;
        plans.push_back(plan_of(options));
        EXPECT_EQ(plans.back().every, every);
      }
      options.trajectory_every = 0;
      EXPECT_EQ(plan_of(options).states, last > 0 ? last + 1 + nesterov : 41);
      const auto fewer = [](const auto &a, const auto &b) { return a.bytes < b.bytes; };
      const ait_trajectory_plan least = *std::min_element(plans.begin(), plans.end(), fewer);
      EXPECT_LE(least.states, nesterov ? 20 : 14);
      for (options.trajectory_bytes = least.bytes;
           options.trajectory_bytes <= 42 * static_cast<int64_t>(sizeof(ait_real)); options.trajectory_bytes++) {
        const ait_trajectory_plan chosen = plan_of(options);
        EXPECT_LE(chosen.bytes, options.trajectory_bytes);
        for (const auto &plan : plans) {
          EXPECT_TRUE(plan.bytes > options.trajectory_bytes || plan.recomputed_steps >= chosen.recomputed_steps);
        }
      }
      options.trajectory_bytes = least.bytes - 1;
      ait_trajectory_plan told = {};
      EXPECT_EQ(ait_solver_plan_trajectory(&options, 1, 1, &told), AIT_INVALID_ARGUMENT);
      EXPECT_EQ(told.bytes, least.bytes);
      EXPECT_NE(std::string(ait_last_error()).find("at least " + std::to_string(least.bytes)), std::string::npos)
          << ait_last_error();
    }
  }
}

TEST_F(Trajectories, ImplicitHyperGradientsStoreTheLastStatesAlone) {
  ait_solver_options options = options_of("ls", 40);
  options.trajectory_bytes = 3 * static_cast<int64_t>(sizeof(ait_real));
  const ait_trajectory_plan plan = plan_of(options);
  EXPECT_EQ(plan.every, 0);
  EXPECT_EQ(plan.states, 3);
  EXPECT_EQ(plan.recomputed_steps, 0);
  EXPECT_EQ(plan.bytes, options.trajectory_bytes);
}

TEST_F(Trajectories, RefusesWhatDoesNotFit) {
  Problem problem = waves_problem(waves, context, 1);
  const auto refused = [&](auto change, ait_status status, const char *word) {
    ait_solver_options options = options_of("rhg", 100);
    change(options);
    const Reals x = {1}, z(Waves::m, 1);
    ait_solver *solver = nullptr;
    EXPECT_EQ(ait_solver_create(problem.get(), &options, x.data(), z.data(), &solver), status);
    EXPECT_EQ(solver, nullptr);
    EXPECT_NE(std::string(ait_last_error()).find(word), std::string::npos) << ait_last_error();
  };
  refused([](auto &o) { o.trajectory_bytes = 1; }, AIT_INVALID_ARGUMENT, "at least");
  refused([](auto &o) { o.trajectory_bytes = 1, o.trajectory_every = 50; }, AIT_INVALID_ARGUMENT, "numbers take ");
  refused([](auto &o) { o.trajectory_bytes = -1; }, AIT_INVALID_ARGUMENT, "trajectory_bytes is -1");
  refused([](auto &o) { o.trajectory_every = -2; }, AIT_INVALID_ARGUMENT, "trajectory_every is -2");
  ait_solver_options options = options_of("rhg", 100);
  ait_trajectory_plan plan = {};
  EXPECT_EQ(ait_solver_plan_trajectory(&options, 0, 1, &plan), AIT_INVALID_ARGUMENT);
  EXPECT_EQ(ait_solver_plan_trajectory(&options, INT64_MAX / 2, 3, &plan), AIT_OUT_OF_MEMORY);
}

}  // namespace
