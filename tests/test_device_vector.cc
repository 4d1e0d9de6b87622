// test_device_vector.cc - conformance of the vector operations, at awkward lengths.
#include <algorithm>
#include <memory>

#include "device_cases.h"

namespace device_tests {
namespace {

class VectorTest : public testing::TestWithParam<DeviceCase> {};
INSTANTIATE_TEST_SUITE_P(Devices, VectorTest, testing::ValuesIn(Devices()), CaseName);

TEST_P(VectorTest, Copies) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (int64_t n : Lengths()) {
    Buffer<ait_real> source(device, RandomReals(1, n)), target(device, n + 1, 5);
    ASSERT_EQ(AIT_OK, device->vector->copy(device.get(), n, source.get(), target.get()));
    Reals expected = source.Host();
    expected.push_back(5);
    EXPECT_TRUE(SameBits(expected, target.Host())) << n;
  }
}

// ---- combine --------------------------------------------------------------------------------------

constexpr double kFactors[] = {1.5, -0.25, 3, -1};
const Reals kCoefficients = {0.5, -2, 0.1f, 4};

// The combination of `terms` vectors of one length; odd terms have no coefficient. Sets the size of
// the rounding error that the summation may make, too.
double Combination(const std::vector<Reals> &vectors, int32_t terms, size_t i, double *tolerance) {
  double sum = 0, size = 0;
  for (int32_t t = 0; t < terms; ++t) {
    const double coefficient = t % 2 == 0 ? static_cast<double>(kCoefficients[t]) : 1;
    const double value = kFactors[t] * coefficient * static_cast<double>(vectors[t][i]);
    sum += value;
    size += std::fabs(value);
  }
  *tolerance = 4 * kEpsilon * size;
  return sum;
}

// Runs combine with `out` a vector of its own (alias < 0) or one of the terms, and checks it.
void CheckCombine(Device &device, int64_t batch, int64_t m, int32_t terms, int32_t alias, bool masked) {
  const size_t n = static_cast<size_t>(batch * m);
  std::vector<Reals> vectors;
  std::vector<std::unique_ptr<Buffer<ait_real>>> buffers;
  Buffer<ait_real> coefficients(device, kCoefficients), separate(device, n, 7);
  std::vector<ait_term> term;
  for (int32_t t = 0; t < terms; ++t) {
    vectors.push_back(RandomReals(10 + t, static_cast<int64_t>(n)));
    buffers.push_back(std::make_unique<Buffer<ait_real>>(device, vectors[t]));
    term.push_back({kFactors[t], t % 2 == 0 ? coefficients.get() + t : nullptr, buffers[t]->get()});
  }
  std::vector<uint8_t> mask(static_cast<size_t>(batch));
  for (int64_t b = 0; b < batch; ++b) {
    mask[b] = masked ? b % 2 == 0 : 1;
  }
  Buffer<uint8_t> device_mask(device, mask);
  Buffer<ait_real> &out = alias < 0 ? separate : *buffers[alias];
  const Reals before = out.Host();
  ASSERT_EQ(AIT_OK, device->vector->combine(device.get(), batch, m, masked ? device_mask.get() : nullptr, terms,
                                            term.data(), out.get()));
  const Reals after = out.Host();
  for (size_t i = 0; i < n; ++i) {
    double tolerance = 0;
    const double expected = Combination(vectors, terms, i, &tolerance);
    if (mask[i / static_cast<size_t>(m)] != 0) {
      ASSERT_LE(std::fabs(static_cast<double>(after[i]) - expected), tolerance) << "entry " << i;
    } else {
      ASSERT_EQ(before[i], after[i]) << "entry " << i << " of a masked row was written";
    }
  }
}

TEST_P(VectorTest, CombinesUpToFourTerms) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (int64_t n : Lengths()) {
    for (int32_t terms = 1; terms <= AIT_MAX_TERMS; ++terms) {
      SCOPED_TRACE(testing::Message() << "length " << n << ", terms " << terms);
      CheckCombine(device, 1, n, terms, -1, false);
    }
  }
}

TEST_P(VectorTest, CombinesInPlace) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (int64_t n : {int64_t{33}, int64_t{70001}}) {
    for (int32_t terms = 1; terms <= AIT_MAX_TERMS; ++terms) {
      for (int32_t alias = 0; alias < terms; ++alias) {
        SCOPED_TRACE(testing::Message() << "length " << n << ", terms " << terms << ", alias " << alias);
        CheckCombine(device, 1, n, terms, alias, false);
      }
    }
  }
}

TEST_P(VectorTest, CombineLeavesMaskedRowsAlone) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (int64_t m : {int64_t{1}, int64_t{33}, int64_t{1000}, int64_t{20001}}) {
    SCOPED_TRACE(m);
    CheckCombine(device, 5, m, 2, -1, true);
    CheckCombine(device, 5, m, 3, 1, true);
    CheckCombine(device, 5, m, 3, 2, false);
  }
}

TEST_P(VectorTest, CombineReadsNothingOfMaskedRows) {
  AIT_OPEN_DEVICE(device, GetParam());
  Buffer<ait_real> v(device, Reals{1, 2, kNan, kNan});
  Buffer<ait_real> out(device, Reals{0, 0, 3, 4});
  Buffer<uint8_t> mask(device, std::vector<uint8_t>{1, 0});
  const ait_term term = {2, nullptr, v.get()};
  ASSERT_EQ(AIT_OK, device->vector->combine(device.get(), 2, 2, mask.get(), 1, &term, out.get()));
  EXPECT_EQ((Reals{2, 4, 3, 4}), out.Host());
}

TEST_P(VectorTest, CombineRefusesTooManyTerms) {
  AIT_OPEN_DEVICE(device, GetParam());
  Buffer<ait_real> v(device, Reals{1});
  const std::vector<ait_term> terms(AIT_MAX_TERMS + 1, {1, nullptr, v.get()});
  EXPECT_EQ(AIT_INVALID_ARGUMENT,
            device->vector->combine(device.get(), 1, 1, nullptr, AIT_MAX_TERMS + 1, terms.data(), v.get()));
  EXPECT_EQ(AIT_INVALID_ARGUMENT, device->vector->combine(device.get(), 1, 1, nullptr, 0, terms.data(), v.get()));
}

// ---- row by row -----------------------------------------------------------------------------------

const ait_real kScalars[] = {0.5, -2, 0, 0.1f, 4};

TEST_P(VectorTest, AddsScaledRowsAndLeavesMaskedOnesAlone) {
  AIT_OPEN_DEVICE(device, GetParam());
  const std::vector<uint8_t> mask = {1, 0, 1, 1, 0};
  Buffer<uint8_t> device_mask(device, mask);
  Buffer<ait_real> scalars(device, Reals(std::begin(kScalars), std::end(kScalars)));
  for (int64_t m : Lengths()) {
    for (int masked = 0; masked < 2; ++masked) {
      for (int target = 0; target < 3; ++target) {  // a vector of its own, a, c
        const Reals a = RandomReals(40, 5 * m), c = RandomReals(41, 5 * m);
        Buffer<ait_real> device_a(device, a), device_c(device, c), separate(device, 5 * m, 7);
        Buffer<ait_real> &out = target == 0 ? separate : target == 1 ? device_a : device_c;
        const Reals before = out.Host();
        ASSERT_EQ(AIT_OK, device->vector->add_scaled(device.get(), 5, m, masked ? device_mask.get() : nullptr,
                                                     device_a.get(), -1.5, scalars.get(), device_c.get(), out.get()));
        const Reals after = out.Host();
        for (int64_t i = 0; i < 5 * m; ++i) {
          if (masked && mask[i / m] == 0) {
            ASSERT_EQ(before[i], after[i]) << "entry " << i << " of a masked row was written";
            continue;
          }
          const double scaled = -1.5 * static_cast<double>(kScalars[i / m]) * static_cast<double>(c[i]);
          const double sum = static_cast<double>(a[i]) + scaled;
          ASSERT_LE(std::fabs(static_cast<double>(after[i]) - sum),
                    2 * kEpsilon * (std::fabs(static_cast<double>(a[i])) + std::fabs(scaled)))
              << "entry " << i << " of rows of " << m;
        }
      }
    }
  }
}

TEST_P(VectorTest, MultipliesEntriesAndLeavesMaskedRowsAlone) {
  AIT_OPEN_DEVICE(device, GetParam());
  const std::vector<uint8_t> mask = {0, 1, 1};
  Buffer<uint8_t> device_mask(device, mask);
  for (int64_t m : Lengths()) {
    for (int masked = 0; masked < 2; ++masked) {
      for (int target = 0; target < 3; ++target) {
        const Reals a = RandomReals(42, 3 * m), c = RandomReals(43, 3 * m);
        Buffer<ait_real> device_a(device, a), device_c(device, c), separate(device, 3 * m, 7);
        Buffer<ait_real> &out = target == 0 ? separate : target == 1 ? device_a : device_c;
        Reals expected = out.Host();
        for (int64_t i = masked ? m : 0; i < 3 * m; ++i) {
          expected[i] = a[i] * c[i];
        }
        ASSERT_EQ(AIT_OK, device->vector->multiply(device.get(), 3, m, masked ? device_mask.get() : nullptr,
                                                   device_a.get(), device_c.get(), out.get()));
        EXPECT_TRUE(SameBits(expected, out.Host())) << m;
      }
    }
  }
}

TEST_P(VectorTest, RowsThatAreMaskedAreNotRead) {
  AIT_OPEN_DEVICE(device, GetParam());
  Buffer<ait_real> a(device, Reals{1, kNan}), c(device, Reals{2, kNan}), scalars(device, Reals{3, kNan});
  Buffer<ait_real> out(device, Reals{0, 5});
  Buffer<uint8_t> mask(device, std::vector<uint8_t>{1, 0});
  ASSERT_EQ(AIT_OK,
            device->vector->add_scaled(device.get(), 2, 1, mask.get(), a.get(), 1, scalars.get(), c.get(), out.get()));
  EXPECT_EQ((Reals{7, 5}), out.Host());
  ASSERT_EQ(AIT_OK, device->vector->multiply(device.get(), 2, 1, mask.get(), a.get(), c.get(), out.get()));
  EXPECT_EQ((Reals{2, 5}), out.Host());
}

// ---- projection -----------------------------------------------------------------------------------

TEST_P(VectorTest, ProjectsAndCountsWhatLiesAtABound) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (int64_t n : Lengths()) {
    Reals values = RandomReals(2, n);
    Reals expected = values;
    int32_t count = 0;
    for (ait_real &value : expected) {
      value = std::min(std::max(value, static_cast<ait_real>(-0.5)), static_cast<ait_real>(0.25));
      count += std::fabs(value) >= 0.5 || value >= 0.25;
    }
    Buffer<ait_real> v(device, values);
    Buffer<int32_t> at_bound(device, 1, -1);
    ASSERT_EQ(AIT_OK, device->vector->project(device.get(), n, -0.5, 0.25, v.get(), at_bound.get()));
    EXPECT_TRUE(SameBits(expected, v.Host())) << n;
    EXPECT_EQ(count, at_bound.Host()[0]) << n;
  }
}

TEST_P(VectorTest, ProjectKeepsNanAndCountsBoundsHitExactly) {
  AIT_OPEN_DEVICE(device, GetParam());
  Buffer<ait_real> v(device, Reals{kNan, -1, 1, 0, kInfinity, -kInfinity, 2});
  Buffer<int32_t> at_bound(device, 1, -1);
  ASSERT_EQ(AIT_OK, device->vector->project(device.get(), 7, -1, 1, v.get(), at_bound.get()));
  const Reals after = v.Host();
  EXPECT_TRUE(std::isnan(after[0]));
  EXPECT_EQ((Reals{-1, 1, 0, 1, -1, 1}), Reals(after.begin() + 1, after.end()));
  EXPECT_EQ(5, at_bound.Host()[0]);
}

TEST_P(VectorTest, ProjectWithOneBoundAndWithoutCount) {
  AIT_OPEN_DEVICE(device, GetParam());
  Buffer<ait_real> v(device, Reals{-3, 5});
  ASSERT_EQ(AIT_OK, device->vector->project(device.get(), 2, -1, INFINITY, v.get(), nullptr));
  EXPECT_EQ((Reals{-1, 5}), v.Host());
}

TEST_P(VectorTest, TheAdjointOfProjectionStopsOutsideTheBounds) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (int64_t n : Lengths()) {
    const Reals u = RandomReals(3, n);
    Reals expected = RandomReals(4, n);
    Buffer<ait_real> device_u(device, u), v(device, expected);
    for (int64_t i = 0; i < n; ++i) {
      expected[i] = u[i] < -0.5 || u[i] > 0.25 ? 0 : expected[i];
    }
    ASSERT_EQ(AIT_OK, device->vector->project_adjoint(device.get(), n, -0.5, 0.25, device_u.get(), v.get()));
    EXPECT_EQ(expected, v.Host()) << n;
  }
  Buffer<ait_real> u(device, Reals{-1, 1, -2, 2}), v(device, Reals{3, kNan, kNan, 6});
  ASSERT_EQ(AIT_OK, device->vector->project_adjoint(device.get(), 4, -1, 1, u.get(), v.get()));
  const Reals after = v.Host();
  EXPECT_EQ(3, after[0]) << "a point exactly on a bound lets the adjoint through";
  EXPECT_TRUE(std::isnan(after[1]));
  EXPECT_EQ(0, after[2]);
  EXPECT_EQ(0, after[3]);
}

// ---- proximal steps -------------------------------------------------------------------------------

TEST_P(VectorTest, ProxMinimisesItsObjective) {
  AIT_OPEN_DEVICE(device, GetParam());
  Buffer<ait_real> alpha(device, Reals{0.5});
  for (const auto &[l1, l2] : {std::pair(0.75, 0.0), std::pair(0.0, 3.0), std::pair(0.75, 3.0), std::pair(0.0, 0.0)}) {
    for (int64_t n : Lengths()) {
      const Reals values = RandomReals(21, n);
      Buffer<ait_real> v(device, values);
      ASSERT_EQ(AIT_OK, device->vector->prox(device.get(), n, alpha.get(), l1, l2, v.get()));
      const Reals after = v.Host();
      for (int64_t i = 0; i < n; ++i) {
        // 0 is in the subdifferential: y - v + alpha (l1 s + l2 y) = 0 with s = sign(y), or |s| <= 1 where y = 0.
        const double y = after[i], rest = (values[i] - y) - 0.5 * l2 * y;
        const double tolerance = 8 * kEpsilon * (std::fabs(y) + std::fabs(values[i]));
        if (y == 0) {
          ASSERT_LE(std::fabs(rest), 0.5 * l1 + tolerance) << values[i] << " becomes 0";
        } else {
          ASSERT_LE(std::fabs(rest - std::copysign(0.5 * l1, y)), tolerance) << values[i] << " becomes " << y;
        }
      }
    }
  }
}

TEST_P(VectorTest, ProxKeepsNanAndInfinity) {
  AIT_OPEN_DEVICE(device, GetParam());
  Buffer<ait_real> alpha(device, Reals{0.5});
  Buffer<ait_real> v(device, Reals{kNan, kInfinity, -kInfinity, 1, -1, 3, -3, 0});
  ASSERT_EQ(AIT_OK, device->vector->prox(device.get(), 8, alpha.get(), 2, 2, v.get()));
  const Reals after = v.Host();
  EXPECT_TRUE(std::isnan(after[0]));
  EXPECT_EQ((Reals{kInfinity, -kInfinity, 0, 0, 1, -1, 0}), Reals(after.begin() + 1, after.end()))
      << "a value exactly at the threshold becomes 0";
}

TEST_P(VectorTest, TheAdjointOfProxIsReadOffItsResult) {
  AIT_OPEN_DEVICE(device, GetParam());
  Buffer<ait_real> alpha(device, Reals{0.5});
  for (int64_t n : Lengths()) {
    Reals y = RandomReals(22, n);
    for (int64_t i = 0; i < n; i += 3) {
      y[i] = i % 2 == 0 ? ait_real(0) : -ait_real(0);
    }
    const Reals before = RandomReals(23, n);
    Reals halved = before, held = before;
    for (int64_t i = 0; i < n; ++i) {
      halved[i] = before[i] / 2;
      held[i] = i % 3 == 0 ? 0 : halved[i];
    }
    Buffer<ait_real> device_y(device, y), both(device, before), smooth(device, before);
    ASSERT_EQ(AIT_OK, device->vector->prox_adjoint(device.get(), n, alpha.get(), 0.1, 2, device_y.get(), both.get()));
    ASSERT_EQ(AIT_OK, device->vector->prox_adjoint(device.get(), n, alpha.get(), 0, 2, device_y.get(), smooth.get()));
    EXPECT_EQ(held, both.Host()) << n;
    EXPECT_EQ(halved, smooth.Host()) << n << ": without an l1 part 0 is no kink";
  }
  Buffer<ait_real> y(device, Reals{kNan, 1, 0}), v(device, Reals{3, kNan, kNan});
  ASSERT_EQ(AIT_OK, device->vector->prox_adjoint(device.get(), 3, alpha.get(), 1, 0, y.get(), v.get()));
  const Reals after = v.Host();
  EXPECT_EQ(3, after[0]);
  EXPECT_TRUE(std::isnan(after[1]));
  EXPECT_EQ(0, after[2]);
}

// ---- sums -----------------------------------------------------------------------------------------

TEST_P(VectorTest, DotProductsAreSummedInDouble) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (int64_t batch : {1, 3}) {
    for (int64_t m : Lengths()) {
      const Reals a = RandomReals(5, batch * m, 0, 1), c = RandomReals(6, batch * m, -0.1, 1);
      Buffer<ait_real> device_a(device, a), device_c(device, c), out(device, batch, kNan);
      ASSERT_EQ(AIT_OK, device->vector->dot(device.get(), batch, m, device_a.get(), device_c.get(), out.get()));
      const Reals result = out.Host();
      for (int64_t b = 0; b < batch; ++b) {
        long double expected = 0;
        for (int64_t i = b * m; i < (b + 1) * m; ++i) {
          expected += static_cast<long double>(a[i]) * static_cast<long double>(c[i]);
        }
        // In the float build one rounding at the end; in the double build a few in partial sums.
        const double tolerance = (kDouble ? 100 : 1) * kEpsilon * static_cast<double>(fabsl(expected));
        EXPECT_LE(std::fabs(static_cast<double>(result[b]) - static_cast<double>(expected)), tolerance)
            << "batch " << batch << ", length " << m;
      }
    }
  }
}

TEST_P(VectorTest, RatioIsGuarded) {
  AIT_OPEN_DEVICE(device, GetParam());
  Buffer<ait_real> a(device, Reals{6, 1, 0, kNan, 1, kInfinity, 1, 1});
  Buffer<ait_real> c(device, Reals{3, 0, 0, 1, kNan, 1, kInfinity, -4});
  Buffer<ait_real> out(device, 8, kNan);
  ASSERT_EQ(AIT_OK, device->vector->ratio(device.get(), 8, a.get(), c.get(), out.get()));
  EXPECT_EQ((Reals{2, 0, 0, 0, 0, 0, 0, -0.25}), out.Host());
}

TEST_P(VectorTest, TheStepOfADifferenceIsEpsilonOverTheNorm) {
  AIT_OPEN_DEVICE(device, GetParam());
  const auto step = [&](ait_real square) {
    Buffer<ait_real> in(device, Reals{square}), out(device, 2, kNan);
    EXPECT_EQ(AIT_OK, device->vector->difference_step(device.get(), 0.25, in.get(), out.get()));
    return out.Host();
  };
  EXPECT_EQ((Reals{0.0625, 8}), step(16));
  EXPECT_EQ((Reals{0, 0}), step(0)) << "no direction, no difference";
  EXPECT_EQ((Reals{0, kInfinity}), step(kInfinity));
  const Reals unknown = step(kNan);
  EXPECT_TRUE(std::isnan(unknown[0]) && std::isnan(unknown[1]));
}

TEST_P(VectorTest, PowersAreTakenInDouble) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (const int64_t n : Lengths()) {
    for (const double exponent : {0.25, -0.75, 1.75, 0.0}) {
      Reals in = RandomReals(11, n);
      for (auto &value : in) {
        value = std::fabs(value);
      }
      Buffer<ait_real> source(device, in), out(device, n, kNan);
      ASSERT_EQ(AIT_OK, device->vector->power(device.get(), n, -3.5, 1e-12, exponent, source.get(), out.get()));
      const Reals result = out.Host();
      for (int64_t i = 0; i < n; ++i) {
        const double expected = -3.5 * std::pow(static_cast<double>(in[i]) + 1e-12, exponent);
        EXPECT_LE(std::fabs(result[i] - expected), 2 * kEpsilon * std::fabs(expected)) << n << " " << exponent;
      }
    }
  }
}

TEST_P(VectorTest, CountsWhatIsNotFinite) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (int64_t n : Lengths()) {
    Reals values = RandomReals(7, n);
    int32_t expected = 0;
    for (int64_t i = 0; i < n; i += 7, ++expected) {
      values[i] = i % 3 == 0 ? kNan : i % 3 == 1 ? kInfinity : -kInfinity;
    }
    for (int64_t i = 1; i < n; i += 7) {
      values[i] = std::numeric_limits<ait_real>::max();
    }
    Buffer<ait_real> v(device, values);
    Buffer<int32_t> count(device, 1, -1);
    ASSERT_EQ(AIT_OK, device->vector->count_nonfinite(device.get(), n, v.get(), count.get()));
    EXPECT_EQ(expected, count.Host()[0]) << n;
  }
}

// ---- trial points ---------------------------------------------------------------------------------

// Rows of an ait_trial on a device, one column for each LL problem.
struct Trials {
  Buffer<ait_real> f, slope, square, secant, bend, best_slope, best_f, step, scaling, rho, start, limit, residual,
      iterations;
  Buffer<uint8_t> active, accepted;

  Trials(Device &device, size_t batch)
      : f(device, batch, 0),
        slope(device, batch, 0),
        square(device, batch, 1),
        secant(device, batch, 2),
        bend(device, batch, 8),
        best_slope(device, batch, -4),
        best_f(device, batch, 10),
        step(device, batch, 0.5),
        scaling(device, batch, 3),
        rho(device, batch, 7),
        start(device, batch, 100),
        limit(device, batch, 0.5),
        residual(device, batch, 50),
        iterations(device, batch, 6),
        active(device, batch, 1),
        accepted(device, batch, 9) {}

  ait_trial Of(int32_t first, double tolerance) {
    return {first,       tolerance,        f.get(),        slope.get(),      square.get(),  secant.get(),
            bend.get(),  best_slope.get(), best_f.get(),   step.get(),       scaling.get(), rho.get(),
            start.get(), limit.get(),      residual.get(), iterations.get(), active.get(),  accepted.get()};
  }
};

TEST_P(VectorTest, TheFirstTrialIsAccepted) {
  AIT_OPEN_DEVICE(device, GetParam());
  Trials trials(device, 2);
  Buffer<ait_real> square(device, Reals{16, 0});
  ait_trial trial = trials.Of(1, 0.5);
  trial.square = square.get();
  ASSERT_EQ(AIT_OK, device->vector->judge_trials(device.get(), 2, &trial));
  EXPECT_EQ((std::vector<uint8_t>{1, 1}), trials.accepted.Host());
  EXPECT_EQ((std::vector<uint8_t>{1, 0}), trials.active.Host()) << "no gradient: solved";
  EXPECT_EQ((Reals{16, 0}), trials.start.Host());
  EXPECT_EQ((Reals{4, 0}), trials.limit.Host());
  EXPECT_EQ((Reals{16, 0}), trials.residual.Host());
  EXPECT_EQ((Reals{0, 0}), trials.iterations.Host());
  EXPECT_EQ((Reals{0, 0}), trials.rho.Host());
  EXPECT_EQ((Reals{1, 1}), trials.step.Host());
  EXPECT_EQ((Reals{0, 0}), trials.best_f.Host());
}

// f = 10 at y, its slope there -4, the step 0.5: Armijo's rule wants f <= 9.9998 or so.
TEST_P(VectorTest, TrialsAreAcceptedThatLowerF) {
  AIT_OPEN_DEVICE(device, GetParam());
  const ait_real near = 10 * (1 + 4 * std::numeric_limits<ait_real>::epsilon()),
                 noisy = std::nextafter(near, kInfinity);
  // Low enough; too high; as high but for rounding with a good slope, and with a bad one; not finite: f, its slope.
  Trials trials(device, 7);
  Buffer<ait_real> f(device, Reals{9, 11, noisy, 10, kNan, 9, kInfinity});
  Buffer<ait_real> slope(device, Reals{0, 0, 3, 5, 0, kNan, 0});
  ait_trial trial = trials.Of(0, 0.5);
  trial.f = f.get();
  trial.slope = slope.get();
  ASSERT_EQ(AIT_OK, device->vector->judge_trials(device.get(), 7, &trial));
  EXPECT_EQ((std::vector<uint8_t>{1, 0, 1, 0, 0, 0, 0}), trials.accepted.Host());
  const Reals best = trials.best_f.Host(), step = trials.step.Host(), rho = trials.rho.Host();
  EXPECT_EQ((Reals{9, 10, noisy, 10, 10, 10, 10}), best);
  EXPECT_EQ((Reals{0.5, 0, 0.5, 0, 0, 0, 0}), rho);
  EXPECT_EQ(1, step[0]);
  // The parabola through 10, slope -4 and 11 at 0.5 is least at 2 * 0.5 / (2 * 3) = 1/6.
  EXPECT_LE(std::fabs(static_cast<double>(step[1]) - 1.0 / 6), 2 * kEpsilon);
  EXPECT_EQ(static_cast<ait_real>(0.25), step[3]) << "at most half";
  EXPECT_EQ(static_cast<ait_real>(0.05), step[4]) << "at least a tenth";
  EXPECT_EQ(static_cast<ait_real>(0.05), step[6]);
  EXPECT_EQ((Reals{7, 6, 7, 6, 6, 6, 6}), trials.iterations.Host());
}

TEST_P(VectorTest, PairsOfTrialsNeedCurvatureAndSolvedOnesAreLeftAlone) {
  AIT_OPEN_DEVICE(device, GetParam());
  Trials trials(device, 6);
  // Curvature; none; negative; hardly any beside the scaling; solved by this trial; left alone before.
  Buffer<ait_real> secant(device, Reals{2, 0, -1, 1e-7f, 2, 2}), square(device, Reals{1, 1, 1, 1, 0.5, 0.1f});
  Buffer<uint8_t> active(device, std::vector<uint8_t>{1, 1, 1, 1, 1, 0});
  ait_trial trial = trials.Of(0, 0.5);
  trial.secant = secant.get();
  trial.square = square.get();
  trial.active = active.get();
  ASSERT_EQ(AIT_OK, device->vector->judge_trials(device.get(), 6, &trial));
  EXPECT_EQ((Reals{0.5, 0, 0, 0, 0.5, 0}), trials.rho.Host());
  EXPECT_EQ((Reals{0.25, 3, 3, 3, 0.25, 3}), trials.scaling.Host());
  EXPECT_EQ((std::vector<uint8_t>{1, 1, 1, 1, 1, 0}), trials.accepted.Host());
  EXPECT_EQ((std::vector<uint8_t>{1, 1, 1, 1, 0, 0}), active.Host());
  EXPECT_EQ((Reals{1, 1, 1, 1, 0.5, 50}), trials.residual.Host());
  EXPECT_EQ((Reals{100, 100, 100, 100, 100, 100}), trials.start.Host());
}

TEST_P(VectorTest, TrialsEndWhereNoStepIsShortEnough) {
  AIT_OPEN_DEVICE(device, GetParam());
  Trials trials(device, 2);
  Buffer<ait_real> step(device, Reals{1, static_cast<ait_real>(1.5e-12)}), f(device, Reals{20, 20});
  ait_trial trial = trials.Of(0, 0.5);
  trial.step = step.get();
  trial.f = f.get();
  ASSERT_EQ(AIT_OK, device->vector->judge_trials(device.get(), 2, &trial));
  EXPECT_EQ((std::vector<uint8_t>{0, 0}), trials.accepted.Host());
  EXPECT_EQ((std::vector<uint8_t>{1, 0}), trials.active.Host());
}

TEST_P(VectorTest, WhatIsMissingIsNotAdded) {
  AIT_OPEN_DEVICE(device, GetParam());
  Buffer<ait_real> c(device, Reals{1, 2, 3, 4}), scalars(device, Reals{2, -1});
  ASSERT_EQ(AIT_OK,
            device->vector->add_scaled(device.get(), 2, 2, nullptr, nullptr, 3, scalars.get(), c.get(), c.get()));
  EXPECT_EQ((Reals{6, 12, -9, -12}), c.Host());
}

// ---- truncation -----------------------------------------------------------------------------------

TEST_P(VectorTest, ArgmaxTakesTheSmallestOfEqualsAndTheFirstNan) {
  AIT_OPEN_DEVICE(device, GetParam());
  // Four trajectories of k = 0 .. 4: a tie; NaN beats infinity; two NaN; the largest lies at k = 0.
  Buffer<ait_real> values(device, Reals{9, 9,         9,    9,  //
                                        1, kInfinity, 1,    1,  //
                                        5, 2,         kNan, 4,  //
                                        5, kNan,      3,    2,  //
                                        0, 7,         kNan, 3});
  Buffer<int32_t> kbar(device, 4, -1);
  ASSERT_EQ(AIT_OK, device->vector->argmax(device.get(), 4, 1, 4, values.get(), kbar.get()));
  EXPECT_EQ((std::vector<int32_t>{2, 3, 2, 2}), kbar.Host());
  ASSERT_EQ(AIT_OK, device->vector->argmax(device.get(), 4, 0, 4, values.get(), kbar.get()));
  EXPECT_EQ((std::vector<int32_t>{0, 3, 2, 0}), kbar.Host());
  ASSERT_EQ(AIT_OK, device->vector->argmax(device.get(), 4, 4, 4, values.get(), kbar.get()));
  EXPECT_EQ((std::vector<int32_t>{4, 4, 4, 4}), kbar.Host());
}

TEST_P(VectorTest, TruncationMasksCompareWithTheNextStep) {
  AIT_OPEN_DEVICE(device, GetParam());
  Buffer<int32_t> kbar(device, std::vector<int32_t>{4, 5, 6}), step(device, std::vector<int32_t>{100, 4});
  Buffer<uint8_t> enter(device, 3, 9), active(device, 3, 9);
  ASSERT_EQ(AIT_OK,
            device->vector->truncation_masks(device.get(), 3, kbar.get(), step.get(), enter.get(), active.get()));
  EXPECT_EQ((std::vector<uint8_t>{0, 1, 0}), enter.Host());
  EXPECT_EQ((std::vector<uint8_t>{0, 1, 1}), active.Host());
}

TEST_P(VectorTest, SelectsRows) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (int64_t m : Lengths()) {
    const Reals source = RandomReals(8, 3 * m);
    Reals expected(3 * m, 2);
    std::copy(source.begin() + m, source.begin() + 2 * m, expected.begin() + m);
    Buffer<ait_real> device_source(device, source), target(device, 3 * m, 2);
    Buffer<uint8_t> mask(device, std::vector<uint8_t>{0, 1, 0});
    ASSERT_EQ(AIT_OK, device->vector->select(device.get(), 3, m, mask.get(), device_source.get(), target.get()));
    EXPECT_EQ(expected, target.Host()) << m;
  }
}

TEST_P(VectorTest, GathersEachEntryFromItsState) {
  AIT_OPEN_DEVICE(device, GetParam());
  for (int64_t m : Lengths()) {
    const int64_t stride = 5 * m + 5, slots = 4;
    const Reals states = RandomReals(9, slots * stride), before = RandomReals(10, 5 * m);
    Buffer<ait_real> device_states(device, states), out(device, before);
    Buffer<int32_t> kbar(device, std::vector<int32_t>{7, 5, 8, 4, 10});
    ASSERT_EQ(AIT_OK, device->vector->gather(device.get(), 5, m, kbar.get(), 5, 8, slots, stride, device_states.get(),
                                             out.get()));
    Reals expected = before;  // of the entries whose state is not among 5 .. 8
    const int64_t slot_of[] = {3, 1, 0};
    for (int64_t b = 0; b < 3; ++b) {
      const auto from = states.begin() + slot_of[b] * stride + b * m;
      std::copy(from, from + m, expected.begin() + b * m);
    }
    EXPECT_EQ(expected, out.Host()) << m;
  }
}

// ---- optimiser ------------------------------------------------------------------------------------

constexpr double kScale = 8;

TEST_P(VectorTest, SgdFollowsItsFormulaForThreeSteps) {
  AIT_OPEN_DEVICE(device, GetParam());
  const ait_update numbers = {0.125, 0.75, 0, 0, 0, 1, 1, kScale};
  Buffer<ait_update> update(device, std::vector<ait_update>{numbers});
  for (int64_t n : Lengths()) {
    const Reals g = RandomReals(11, n), start = RandomReals(12, n);
    Buffer<ait_real> device_g(device, g), v(device, n, 0), x(device, start);
    std::vector<double> expected(start.begin(), start.end()), momentum(n, 0);
    for (int step = 0; step < 3; ++step) {
      ASSERT_EQ(AIT_OK, device->vector->update(device.get(), AIT_OPTIMIZER_SGD, n, update.get(), device_g.get(),
                                               v.get(), nullptr, x.get()));
      for (int64_t i = 0; i < n; ++i) {
        momentum[i] = numbers.momentum * momentum[i] + kScale * static_cast<double>(g[i]);
        expected[i] -= numbers.rate * momentum[i];
      }
    }
    EXPECT_LE(RelativeError(x.Host(), expected), 4 * kEpsilon) << n;
    EXPECT_LE(RelativeError(v.Host(), momentum), 4 * kEpsilon) << n;
  }
}

TEST_P(VectorTest, AdamFollowsItsFormulaForThreeSteps) {
  AIT_OPEN_DEVICE(device, GetParam());
  ait_update numbers = {0.01, 0, 0.9, 0.999, 1e-3, 1, 1, kScale};
  for (int64_t n : Lengths()) {
    const Reals start = RandomReals(13, n);
    Buffer<ait_real> first(device, n, 0), second(device, n, 0), x(device, start);
    std::vector<double> expected(start.begin(), start.end()), m(n, 0), v(n, 0);
    for (int step = 1; step <= 3; ++step) {
      const Reals g = RandomReals(14 + step, n);
      numbers.correction1 = 1 - std::pow(numbers.beta1, step);
      numbers.correction2 = 1 - std::pow(numbers.beta2, step);
      Buffer<ait_update> update(device, std::vector<ait_update>{numbers});
      Buffer<ait_real> device_g(device, g);
      ASSERT_EQ(AIT_OK, device->vector->update(device.get(), AIT_OPTIMIZER_ADAM, n, update.get(), device_g.get(),
                                               first.get(), second.get(), x.get()));
      for (int64_t i = 0; i < n; ++i) {
        const double s = kScale * static_cast<double>(g[i]);
        m[i] = numbers.beta1 * m[i] + (1 - numbers.beta1) * s;
        v[i] = numbers.beta2 * v[i] + (1 - numbers.beta2) * s * s;
        expected[i] -=
            numbers.rate * (m[i] / numbers.correction1) / (std::sqrt(v[i] / numbers.correction2) + numbers.epsilon);
      }
    }
    EXPECT_LE(RelativeError(x.Host(), expected), 4 * kEpsilon) << n;
    EXPECT_LE(RelativeError(first.Host(), m), 4 * kEpsilon) << n;
    EXPECT_LE(RelativeError(second.Host(), v), 8 * kEpsilon) << n;
  }
}

// ---- threads --------------------------------------------------------------------------------------

// Everything that a few operations write, with one number of threads.
std::vector<Reals> RunEverything(const DeviceCase &device_case, int32_t threads) {
  Device device(device_case, threads);
  EXPECT_EQ(AIT_OK, device.status());
  const int64_t n = 300007;
  Buffer<ait_real> a(device, RandomReals(20, n)), c(device, RandomReals(21, n)), m(device, n, 0), v(device, n, 0);
  Buffer<ait_real> sum(device, 1, 0);
  Buffer<ait_update> update(device, std::vector<ait_update>{{0.1, 0, 0.9, 0.99, 1e-8, 0.1, 0.01, 3}});
  EXPECT_EQ(AIT_OK, device->vector->dot(device.get(), 1, n, a.get(), c.get(), sum.get()));
  EXPECT_EQ(AIT_OK, device->vector->update(device.get(), AIT_OPTIMIZER_ADAM, n, update.get(), a.get(), m.get(), v.get(),
                                           c.get()));
  const ait_term terms[] = {{0.3, sum.get(), a.get()}, {-0.7, nullptr, c.get()}, {1.1, nullptr, m.get()}};
  EXPECT_EQ(AIT_OK, device->vector->combine(device.get(), 1, n, nullptr, 3, terms, a.get()));
  return {sum.Host(), a.Host(), c.Host(), m.Host(), v.Host()};
}

TEST_P(VectorTest, TheBitsDoNotDependOnThreads) {
  AIT_OPEN_DEVICE(device, GetParam());
  const std::vector<Reals> one = RunEverything(GetParam(), 1);
  for (int32_t threads : {1, 2, 3, 7}) {
    const std::vector<Reals> other = RunEverything(GetParam(), threads);
    for (size_t i = 0; i < one.size(); ++i) {
      EXPECT_TRUE(SameBits(one[i], other[i])) << "result " << i << " with " << threads << " threads";
    }
  }
}

}  // namespace
}  // namespace device_tests
