/* The LL mappings against a plain recomputation in double and against central differences: aggregation and proximal
 * steps, with bounds, acceleration, truncation and batches. */
#include <functional>
#include <limits>

#include "run/difference.h"
#include "solver_support.h"

namespace {

using Doubles = std::vector<double>;

/* A problem whose second derivatives all depend on the point. Of entry b, with x_i = x[i % n] and neighbours in a ring:
 *     f = sum_i a_b/2 (y_i - x_i)^2 + 1/2 cos(y_i + b) + 0.3 y_i y_{i+1}
 *     F = sum_i (1 + 0.2 x_i)/2 (y_i - c_b)^2 */
struct Coupled {
  static constexpr int64_t n = 2, m = 3;
  Doubles a = {1.5, 2.5, 0.8}, c = {0.3, -1.2, 2.5};
  int64_t first = 0;     /* the entry that a problem of one entry is */
  bool poisoned = false; /* products leave NaN in the rows of inactive entries */

  double left(const ait_real *y, int64_t i) const {
    return static_cast<double>(y[(i + m - 1) % m]);
  }
  double right(const ait_real *y, int64_t i) const {
    return static_cast<double>(y[(i + 1) % m]);
  }
  bool skips(const ait_call *call, int64_t b, ait_real *hv) const {
    const bool skipped = call->active != nullptr && call->active[b] == 0;
    for (int64_t i = 0; i < m && skipped; i++) {
      hv[i] = poisoned ? std::numeric_limits<ait_real>::quiet_NaN() : 0;
    }
    return skipped;
  }
};

ait_status ll_gradient(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *g,
                       ait_real *f) {
  const auto *p = static_cast<const Coupled *>(self);
  for (int64_t b = 0; b < call->batch; b++, y += p->m, g += p->m) {
    const double a = p->a[b + p->first], phase = static_cast<double>(b + p->first);
    double value = 0;
    for (int64_t i = 0; i < p->m; i++) {
      const double d = static_cast<double>(y[i]) - static_cast<double>(x[i % p->n]), angle = y[i] + phase;
      g[i] = static_cast<ait_real>(a * d - 0.5 * std::sin(angle) + 0.3 * (p->left(y, i) + p->right(y, i)));
      value += 0.5 * a * d * d + 0.5 * std::cos(angle) + 0.3 * y[i] * p->right(y, i);
    }
    f[b] = static_cast<ait_real>(value);
  }
  return AIT_OK;
}

ait_status ll_products(void *self, const ait_call *call, const ait_real *, const ait_real *y, const ait_real *v,
                       ait_real *hv, ait_real *xv) {
  const auto *p = static_cast<const Coupled *>(self);
  Doubles cross(p->n, 0);
  for (int64_t b = 0; b < call->batch; b++, y += p->m, v += p->m, hv += p->m) {
    const double a = p->a[b + p->first], phase = static_cast<double>(b + p->first);
    for (int64_t i = 0; i < p->m && !p->skips(call, b, hv); i++) {
      hv[i] = static_cast<ait_real>((a - 0.5 * std::cos(y[i] + phase)) * v[i] + 0.3 * (p->left(v, i) + p->right(v, i)));
      cross[i % p->n] -= a * v[i];
    }
  }
  std::copy(cross.begin(), cross.end(), xv);
  return AIT_OK;
}

ait_status ul_value(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *F) {
  const auto *p = static_cast<const Coupled *>(self);
  for (int64_t b = 0; b < call->batch; b++, y += p->m) {
    double value = 0;
    for (int64_t i = 0; i < p->m; i++) {
      value += 0.5 * (1 + 0.2 * x[i % p->n]) * std::pow(y[i] - p->c[b + p->first], 2);
    }
    F[b] = static_cast<ait_real>(value);
  }
  return AIT_OK;
}

ait_status ul_gradient(void *self, const ait_call *call, const ait_real *x, const ait_real *y, ait_real *gx,
                       ait_real *gy) {
  const auto *p = static_cast<const Coupled *>(self);
  Doubles sum(p->n, 0);
  for (int64_t b = 0; b < call->batch; b++, y += p->m, gy += p->m) {
    for (int64_t i = 0; i < p->m; i++) {
      const double d = y[i] - p->c[b + p->first];
      gy[i] = static_cast<ait_real>((1 + 0.2 * x[i % p->n]) * d);
      sum[i % p->n] += 0.1 * d * d;
    }
  }
  std::copy(sum.begin(), sum.end(), gx);
  return AIT_OK;
}

ait_status ul_products(void *self, const ait_call *call, const ait_real *x, const ait_real *y, const ait_real *v,
                       ait_real *hv, ait_real *xv) {
  const auto *p = static_cast<const Coupled *>(self);
  Doubles cross(p->n, 0);
  for (int64_t b = 0; b < call->batch; b++, y += p->m, v += p->m, hv += p->m) {
    for (int64_t i = 0; i < p->m && !p->skips(call, b, hv); i++) {
      hv[i] = static_cast<ait_real>((1 + 0.2 * x[i % p->n]) * v[i]);
      cross[i % p->n] += 0.2 * (y[i] - p->c[b + p->first]) * v[i];
    }
  }
  std::copy(cross.begin(), cross.end(), xv);
  return AIT_OK;
}

/* What a method is made of here, beside its mapping. */
struct Choice {
  std::string name;
  ait_method method;
  double lower = -INFINITY, upper = INFINITY; /* of Y */
};

/* One mapping, with bounds and without, with every truncation, plain and accelerated. */
void add_choices(const std::string &name, const ait_method &method, std::vector<Choice> &all) {
  for (const ait_truncation truncation : {AIT_TRUNCATION_NONE, AIT_TRUNCATION_PESSIMISTIC, AIT_TRUNCATION_LAST}) {
    for (const int nesterov : {0, 1}) {
      for (const bool bounded : {false, true}) {
        Choice choice = {name, method};
        choice.method.truncation = truncation;
        choice.method.nesterov = nesterov;
        choice.name += truncation == AIT_TRUNCATION_NONE   ? ""
                       : truncation == AIT_TRUNCATION_LAST ? "_last"
                                                           : "_pessimistic";
        choice.name += nesterov ? "_nesterov" : "";
        if (bounded) {
          choice.name += "_bounded";
          choice.lower = -0.4, choice.upper = 0.5;
        }
        all.push_back(choice);
      }
    }
  }
}

std::vector<Choice> choices() {
  const std::vector<std::pair<std::string, ait_proximal>> functions = {
      {"l1", {AIT_PROX_L1, 0.8, 0, 0, 0}},
      {"l2", {AIT_PROX_L2, 0.8, 0, 0, 0}},
      {"elastic_net", {AIT_PROX_ELASTIC_NET, 0.6, 1.5, 0, 0}},
      {"box", {AIT_PROX_BOX, 0, 0, -0.3, 0.6}}};
  std::vector<Choice> all;
  ait_method aggregate, proximal;
  EXPECT_OK(ait_method_by_name("bda", &aggregate));
  EXPECT_OK(ait_method_by_name("rhg", &proximal));
  add_choices("aggregate", aggregate, all);
  proximal.mapping = AIT_MAPPING_PROXIMAL;
  for (const auto &[name, function] : functions) {
    proximal.proximal = aggregate.proximal = function;
    add_choices(name, proximal, all);
    add_choices("aggregate_" + name, aggregate, all);
  }
  return all;
}

/* The y that minimises (y - v)^2 / 2 + alpha r(y) within the bounds. */
double resolvent(const Choice &choice, double alpha, double v) {
  const ait_proximal &r = choice.method.proximal;
  const double l1 = r.kind == AIT_PROX_L1 || r.kind == AIT_PROX_ELASTIC_NET ? r.weight : 0;
  const double l2 = r.kind == AIT_PROX_L2 ? r.weight : r.l2_weight;
  const double lower = r.kind == AIT_PROX_BOX ? std::max(r.lower, choice.lower) : choice.lower;
  const double upper = r.kind == AIT_PROX_BOX ? std::min(r.upper, choice.upper) : choice.upper;
  double best = v > 0 ? (v - alpha * l1) / (1 + alpha * l2) : (v + alpha * l1) / (1 + alpha * l2);
  best = best * v < 0 ? 0 : best;
  return std::min(std::max(best, lower), upper);
}

Problem coupled(const Context &context, Coupled *data, int64_t batch, const Choice &choice) {
  ait_oracles oracles = host_oracles(ll_gradient, ll_products, ul_value, ul_gradient);
  oracles.ul_products = ul_products;
  ait_problem *made = nullptr;
  EXPECT_OK(ait_problem_create(context.get(), &oracles, data, batch, data->n, data->m, &made));
  EXPECT_OK(ait_problem_bound_y(made, choice.lower, choice.upper));
  return Problem(made, ait_problem_destroy);
}

/* All choices of one mapping, so that a process has enough to do. */
struct Group {
  std::string name;
  std::vector<Choice> choices;
};

std::vector<Group> groups() {
  constexpr size_t each = 12; /* what add_choices adds */
  std::vector<Group> all;
  const std::vector<Choice> every = choices();
  for (size_t i = 0; i < every.size(); i += each) {
    all.push_back({every[i].name, {every.begin() + i, every.begin() + i + each}});
  }
  return all;
}

class Mappings : public testing::TestWithParam<Group> {
 protected:
  Mappings() : context(make_context()) {}

  ait_solver_options options(const Choice &choice, int64_t K) const {
    ait_solver_options made = make_options("rhg", K, 0.3);
    made.method = choice.method;
    return made;
  }

  void check_steps(const Choice &choice);
  void check_differences(const Choice &choice);
  void check_batch(const Choice &choice);

  Context context;
  const Reals x = {0.7f, -0.4f}, z = {0.3f, 1.1f, -0.2f, 0.9f, -1.4f, 0.2f, -0.6f, 0.1f, 0.8f};
};

/* y_1 .. y_K of entry b, step by step in double. */
Doubles recompute(const Choice &choice, const Coupled &data, const Reals &x, const Reals &z, int64_t b, int64_t K,
                  double alpha) {
  const ait_method &method = choice.method;
  const int64_t m = data.m;
  Doubles y(z.begin() + b * m, z.begin() + (b + 1) * m), u = y;
  double t = 1;
  for (int64_t k = 0; k < K; k++) {
    const double mu = method.aggregate.mu * std::pow(method.aggregate.decay, k);
    Doubles next(m), point = u;
    for (int64_t i = 0; i < m; i++) {
      const double from_f = data.a[b] * (point[i] - x[i % data.n]) - 0.5 * std::sin(point[i] + b) +
                            0.3 * (point[(i + 1) % m] + point[(i + m - 1) % m]);
      const double from_F = (1 + 0.2 * x[i % data.n]) * (point[i] - data.c[b]);
      next[i] = point[i] - alpha * ((1 - mu) * from_f + mu * from_F);
      next[i] = resolvent(choice, alpha, next[i]);
    }
    const double after = (1 + std::sqrt(1 + 4 * t * t)) / 2;
    for (int64_t i = 0; i < m; i++) {
      u[i] = next[i] + (method.nesterov ? (t - 1) / after * (next[i] - y[i]) : 0);
    }
    t = after;
    y = next;
  }
  return y;
}

void Mappings::check_steps(const Choice &choice) {
  Coupled data;
  Problem made = coupled(context, &data, 3, choice);
  for (const int64_t K : {1, 2, 7}) {
    Solver solver = make_solver(made, options(choice, K), x, z);
    Reals y(z.size());
    ASSERT_OK(ait_solver_rollout(solver.get()));
    ASSERT_OK(ait_solver_get_y(solver.get(), y.data()));
    for (int64_t b = 0; b < 3; b++) {
      const Doubles expected = recompute(choice, data, x, z, b, K, 0.3);
      for (int64_t i = 0; i < data.m; i++) {
        EXPECT_LE(std::abs(y[b * data.m + i] - expected[i]), kDouble ? 1e-13 : 2e-6) << K << " " << b << " " << i;
      }
    }
  }
}

/* The tolerances of ait check: in float a difference is rough. */
void Mappings::check_differences(const Choice &choice) {
  Coupled data;
  Problem made = coupled(context, &data, 3, choice);
  const double tolerance = kDouble ? 1e-6 : 2e-2;
  const ait_difference_settings settings = {0, 9, ait_difference_step(), tolerance};
  const ait_solver_options chosen = options(choice, 8);
  ait_difference result;
  const ait_status status = ait_difference_check(made.get(), &chosen, x.data(), z.data(), &settings, &result);
  if (chosen.method.nesterov && chosen.method.truncation == AIT_TRUNCATION_LAST) {
    EXPECT_EQ(status, AIT_UNSUPPORTED) << "no run from y_{K-T} has the momentum of the run before it";
    return;
  }
  ASSERT_EQ(status, AIT_OK) << ait_last_error();
  EXPECT_LE(result.error_gx, tolerance);
  EXPECT_LE(result.error_gz, tolerance);
}

/* Every entry has the numbers that it has alone, also where the others' products are not defined. */
void Mappings::check_batch(const Choice &choice) {
  Coupled data;
  data.poisoned = true;
  const ait_solver_options chosen = options(choice, 8);
  Problem together = coupled(context, &data, 3, choice);
  Solver solver = make_solver(together, chosen, x, z);
  ASSERT_OK(ait_solver_hypergradient(solver.get()));
  Reals gz(z.size()), gx(x.size()), alone_gz(data.m), alone_gx(x.size());
  ASSERT_OK(ait_solver_get_gz(solver.get(), gz.data()));
  ASSERT_OK(ait_solver_get_gx(solver.get(), gx.data()));
  Doubles sum(x.size(), 0);
  for (int64_t b = 0; b < 3; b++) {
    Coupled entry;
    entry.first = b;
    Problem one = coupled(context, &entry, 1, choice);
    Solver alone = make_solver(one, chosen, x, Reals(z.begin() + b * data.m, z.begin() + (b + 1) * data.m));
    ASSERT_OK(ait_solver_hypergradient(alone.get()));
    ASSERT_OK(ait_solver_get_gz(alone.get(), alone_gz.data()));
    ASSERT_OK(ait_solver_get_gx(alone.get(), alone_gx.data()));
    EXPECT_EQ(alone_gz, Reals(gz.begin() + b * data.m, gz.begin() + (b + 1) * data.m));
    EXPECT_EQ(ait_solver_kbar(alone.get())[0], ait_solver_kbar(solver.get())[b]);
    for (size_t i = 0; i < x.size(); i++) {
      sum[i] += alone_gx[i];
    }
  }
  for (size_t i = 0; i < x.size(); i++) {
    EXPECT_LE(std::abs(gx[i] - sum[i]), (kDouble ? 1e-13 : 2e-5) * std::abs(sum[i]));
  }
  if (chosen.method.truncation == AIT_TRUNCATION_PESSIMISTIC) {
    const int32_t *kbar = ait_solver_kbar(solver.get());
    EXPECT_FALSE(kbar[0] == kbar[1] && kbar[1] == kbar[2]) << "the entries are made to differ";
  }
}

/* An implicit hyper-gradient of a solved LL problem f + r is that of reverse accumulation through many steps. */
TEST(MappingSolutions, ImplicitHypergradientsAgreeWithReverseAccumulation) {
  Context context = make_context();
  for (const Choice &choice : choices()) {
    if (choice.method.mapping != AIT_MAPPING_PROXIMAL || choice.method.nesterov ||
        choice.method.truncation != AIT_TRUNCATION_NONE) {
      continue;
    }
    Coupled data;
    data.a = {1.9, 2.5, 1.8};
    Problem made = coupled(context, &data, 3, choice);
    const Reals x = {0.7f, -0.4f}, z(9, ait_real(0.1));
    const auto gx_by = [&](const char *name, int64_t steps) {
      ait_solver_options options = make_options(name, steps, 0.3);
      options.method.mapping = AIT_MAPPING_PROXIMAL;
      options.method.proximal = choice.method.proximal;
      if (options.method.hypergradient == AIT_HYPERGRADIENT_CONJUGATE_GRADIENT) {
        options.method.conjugate_gradient.tolerance = kDouble ? 1e-12 : 1e-6;
      }
      Solver solver = make_solver(made, options, x, z);
      Reals gx(x.size());
      EXPECT_OK(ait_solver_hypergradient(solver.get()));
      EXPECT_OK(ait_solver_get_gx(solver.get(), gx.data()));
      return gx;
    };
    const Reals expected = gx_by("rhg", 400);
    for (const char *name : {"ls", "ns"}) {
      const Reals found = gx_by(name, 400);
      for (size_t i = 0; i < x.size(); i++) {
        EXPECT_LE(std::abs(found[i] - expected[i]), kDouble ? 1e-9 : 1e-4) << choice.name << " " << name << " " << i;
      }
    }
  }
}

TEST_P(Mappings, StepsAreTheirFormulas) {
  for (const Choice &choice : GetParam().choices) {
    SCOPED_TRACE(choice.name);
    check_steps(choice);
  }
}

TEST_P(Mappings, HypergradientsAreDifferences) {
  for (const Choice &choice : GetParam().choices) {
    SCOPED_TRACE(choice.name);
    check_differences(choice);
  }
}

TEST_P(Mappings, EntriesOfABatchDoNotTouchEachOther) {
  for (const Choice &choice : GetParam().choices) {
    SCOPED_TRACE(choice.name);
    check_batch(choice);
  }
}

INSTANTIATE_TEST_SUITE_P(Choices, Mappings, testing::ValuesIn(groups()),
                         [](const auto &tested) { return tested.param.name; });

TEST(MappingRefusals, NameWhatIsOffOrClashes) {
  Context context = make_context();
  Coupled data;
  const ait_oracles oracles = host_oracles(ll_gradient, ll_products, ul_value, ul_gradient);
  ait_problem *made = nullptr;
  ASSERT_OK(ait_problem_create(context.get(), &oracles, &data, 1, data.n, data.m, &made));
  Problem problem(made, ait_problem_destroy);
  const auto refused = [&](const char *name, const auto &change, const char *words) {
    ait_solver_options options = make_options(name, 4, 0.1);
    change(options.method);
    const Reals x(data.n), z(data.m);
    ait_solver *solver = nullptr;
    EXPECT_EQ(ait_solver_create(problem.get(), &options, x.data(), z.data(), &solver), AIT_INVALID_ARGUMENT) << words;
    EXPECT_NE(std::string(ait_last_error()).find(words), std::string::npos) << ait_last_error();
  };
  const auto nothing = [](ait_method &) {};
  refused("bda", nothing, "the mapping is aggregate but the problem has no ul_products");
  refused(
      "bda", [](ait_method &o) { o.aggregate.mu = 0; }, "mu is 0; expected more than 0 and at most 1");
  refused(
      "bda", [](ait_method &o) { o.aggregate.mu = NAN; }, "mu is nan");
  refused(
      "bda", [](ait_method &o) { o.aggregate.decay = 1.5; }, "decay is 1.5; expected more than 0 and at most 1");
  refused(
      "bda", [](ait_method &o) { o.mapping = AIT_MAPPING_GRADIENT; }, "settings of the aggregate mapping but");
  refused(
      "rhg", [](ait_method &o) { o.aggregate.mu = 0.5; }, "settings of the aggregate mapping but");
  const auto proximal = [](const ait_proximal &function) {
    return [function](ait_method &o) {
      o.mapping = AIT_MAPPING_PROXIMAL;
      o.proximal = function;
    };
  };
  refused("rhg", proximal({}), "the mapping is proximal but there is no proximal function");
  refused(
      "rhg", [](ait_method &o) { o.proximal.kind = AIT_PROX_L1; },
      "a proximal function but the mapping is the gradient");
  refused("rhg", proximal({AIT_PROX_L1, 0, 0, 0, 0}), "weight is 0; expected more than 0");
  refused("rhg", proximal({AIT_PROX_L2, NAN, 0, 0, 0}), "weight is nan");
  refused("rhg", proximal({AIT_PROX_L1, 1, 2, 0, 0}), "l2_weight is 2; expected 0");
  refused("rhg", proximal({AIT_PROX_ELASTIC_NET, 1, 0, 0, 0}), "l2_weight is 0; expected more than 0");
  refused("rhg", proximal({AIT_PROX_BOX, 0, 0, 1, -1}), "the proximal box is [1, -1]");
  refused("rhg", proximal({AIT_PROX_BOX, 0, 0, 0, NAN}), "the proximal box is [0, nan]");
  refused("rhg", proximal({AIT_PROX_L1, 1, 0, -1, 1}), "bounds of a proximal box but the proximal function is another");
  ASSERT_OK(ait_problem_bound_y(made, 2, 3));
  refused("rhg", proximal({AIT_PROX_BOX, 0, 0, -1, 1}),
          "the proximal box [-1, 1] and the problem's bounds of y [2, 3] have no point in common");
  const auto aggregate = [](ait_method &o) {
    o.mapping = AIT_MAPPING_AGGREGATE;
    o.aggregate = {0.5, 0.9};
  };
  refused("ls", aggregate, "the mapping is aggregate but the hyper-gradient is by conjugate gradient");
  refused("ns", aggregate, "the mapping is aggregate but the hyper-gradient is by a Neumann series");
  refused("one-stage", aggregate, "the mapping is aggregate but the hyper-gradient is by finite differences");
}

}  // namespace
