// test_metrics.cc - ranking figures against their definitions, written out pair by pair, and intervals of means.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "run/bootstrap.h"
#include "run/memory.h"
#include "run/metrics.h"

namespace {

struct Sample {
  std::vector<double> score;
  std::vector<uint8_t> positive;
};

// Scores on a grid of `levels` values, so that ties abound where there are few.
Sample make_sample(int n, int levels, double share, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  Sample sample;
  for (int i = 0; i < n; i++) {
    const bool positive = uniform(random) < share;
    sample.positive.push_back(positive);
    sample.score.push_back(std::floor((uniform(random) + (positive ? 0.3 : 0)) * levels));
  }
  return sample;
}

// The chance that a positive stands above a negative, over all pairs.
double auroc_by_pairs(const Sample &s) {
  double wins = 0, pairs = 0;
  for (size_t i = 0; i < s.score.size(); i++) {
    for (size_t j = 0; j < s.score.size(); j++) {
      if (s.positive[i] && !s.positive[j]) {
        wins += s.score[i] > s.score[j] ? 1 : s.score[i] == s.score[j] ? 0.5 : 0;
        pairs += 1;
      }
    }
  }
  return wins / pairs;
}

std::vector<int64_t> stable_order(const Sample &s) {
  std::vector<int64_t> order(s.score.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return s.score[a] > s.score[b]; });
  return order;
}

double precision_of_first(const Sample &s, const std::vector<int64_t> &order, size_t count) {
  return std::accumulate(order.begin(), order.begin() + count, 0.0,
                         [&](double sum, int64_t row) { return sum + s.positive[row]; }) /
         count;
}

double average_precision_by_definition(const Sample &s) {
  const auto order = stable_order(s);
  double sum = 0, positives = 0;
  for (size_t place = 0; place < order.size(); place++) {
    if (s.positive[order[place]]) {
      sum += precision_of_first(s, order, place + 1);
      positives += 1;
    }
  }
  return sum / positives;
}

ait_ranking rank(const Sample &s) {
  ait_ranking ranking;
  EXPECT_EQ(ait_metrics_ranking(s.score.size(), s.score.data(), s.positive.data(), &ranking), AIT_OK);
  return ranking;
}

class Ranking : public testing::TestWithParam<std::tuple<int, int, double>> {};

TEST_P(Ranking, EqualsItsDefinition) {
  const auto [n, levels, share] = GetParam();
  for (unsigned seed = 0; seed < 5; seed++) {
    const Sample sample = make_sample(n, levels, share, seed);
    const size_t positives = std::count(sample.positive.begin(), sample.positive.end(), 1);
    if (positives == 0 || positives == sample.positive.size()) {
      continue;
    }
    const ait_ranking ranking = rank(sample);
    const auto order = stable_order(sample);
    EXPECT_EQ(ranking.positives, static_cast<int64_t>(positives));
    EXPECT_NEAR(ranking.auroc, auroc_by_pairs(sample), 1e-12);
    EXPECT_NEAR(ranking.average_precision, average_precision_by_definition(sample), 1e-12);
    EXPECT_NEAR(ranking.f1, precision_of_first(sample, order, positives), 1e-12);
    EXPECT_NEAR(ranking.found, ranking.f1 * positives, 1e-9);
    if (n >= 1000) {
      EXPECT_NEAR(ranking.precision_100, precision_of_first(sample, order, 100), 1e-12);
      EXPECT_NEAR(ranking.precision_1000, precision_of_first(sample, order, 1000), 1e-12);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sizes, Ranking,
                         testing::Combine(testing::Values(2, 7, 100, 1200), testing::Values(1, 3, 1000000),
                                          testing::Values(0.1, 0.5)));

TEST(Metrics, PerfectAndReversedOrder) {
  Sample sample{{4, 3, 2, 1}, {1, 1, 0, 0}};
  EXPECT_EQ(rank(sample).auroc, 1);
  EXPECT_EQ(rank(sample).average_precision, 1);
  EXPECT_EQ(rank(sample).f1, 1);
  sample.positive = {0, 0, 1, 1};
  EXPECT_EQ(rank(sample).auroc, 0);
  EXPECT_EQ(rank(sample).found, 0);
}

TEST(Metrics, FiguresThatAreNotDefinedAreNaN) {
  const ait_ranking none = rank({{1, 2, 3}, {0, 0, 0}});
  EXPECT_TRUE(std::isnan(none.auroc) && std::isnan(none.average_precision) && std::isnan(none.f1));
  const ait_ranking all = rank({{1, 2, 3}, {1, 1, 1}});
  EXPECT_TRUE(std::isnan(all.auroc));
  EXPECT_EQ(all.f1, 1);
  EXPECT_TRUE(std::isnan(all.precision_100)) << "there are only three rows";
  const ait_ranking broken = rank({{1, NAN, 3}, {1, 0, 0}});
  EXPECT_TRUE(std::isnan(broken.auroc) && std::isnan(broken.f1)) << "a score that is NaN ranks nothing";
}

TEST(Metrics, OrderPutsTiesByRowAndNaNLast) {
  const std::vector<double> score = {1, 2, NAN, 2, 1, NAN, 3};
  std::vector<int64_t> order(score.size());
  ASSERT_EQ(ait_metrics_order(score.size(), score.data(), order.data()), AIT_OK);
  EXPECT_EQ(order, (std::vector<int64_t>{6, 1, 3, 0, 4, 2, 5}));
}

// Half of 1,000 labels redrawn over ten classes: a tenth of those stays right.
TEST(Metrics, CleanF1OfThePapersProtocol) {
  const int n = 1000;
  std::vector<uint8_t> dirty(n), mislabelled(n), none(n, 0), all(n, 1);
  for (int i = 0; i < n; i++) {
    dirty[i] = i < n / 2;
    mislabelled[i] = dirty[i] && i % 10 != 0;
  }
  EXPECT_NEAR(ait_metrics_clean_f1(n, none.data(), dirty.data()), 2.0 / 3, 1e-12) << "every row called clean";
  EXPECT_NEAR(ait_metrics_clean_f1(n, mislabelled.data(), dirty.data()), 2 * 500 / (550.0 + 500), 1e-12) << "oracle";
  EXPECT_EQ(ait_metrics_clean_f1(n, dirty.data(), dirty.data()), 1);
  EXPECT_EQ(ait_metrics_clean_f1(n, all.data(), dirty.data()), 0);
  EXPECT_TRUE(std::isnan(ait_metrics_clean_f1(n, all.data(), all.data())));
}

TEST(Metrics, RowsThatTwoOrdersShare) {
  const int64_t order[] = {4, 2, 0, 1, 3}, other[] = {0, 3, 4, 2, 1};
  const int64_t expected[] = {0, 0, 0, 2, 3, 5};
  for (int64_t count = 0; count <= 5; count++) {
    int64_t shared = -1;
    ASSERT_EQ(ait_metrics_shared(5, count, order, other, &shared), AIT_OK);
    EXPECT_EQ(shared, expected[count]) << "the first " << count;
  }
}

// ---- peak memory -----------------------------------------------------------------------------

// Memory that is gone again counts, and what was there before does not.
TEST(Memory, PeakOfWhatWasTouched) {
  const size_t bytes = 64 << 20;
  const std::vector<char> before(bytes, 1);
  const double begun = ait_memory_begin();
  if (std::isnan(begun)) {
    GTEST_SKIP() << "this system resets no peak";
  }
  EXPECT_LT(ait_memory_peak(begun), 0.25 * bytes) << "nothing was taken";
  EXPECT_EQ(std::vector<char>(bytes, 2)[before[7]], 2);
  EXPECT_GE(ait_memory_peak(begun), 0.9 * bytes);
  EXPECT_LE(ait_memory_peak(begun), 1.5 * bytes);
}

// ---- intervals of means ----------------------------------------------------------------------

class Bootstrap : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(ait_bootstrap_begin(200, &bootstrap), AIT_OK);
  }
  void TearDown() override {
    ait_bootstrap_end(&bootstrap);
  }
  ait_interval of(const std::vector<double> &values) {
    ait_interval interval = {};
    EXPECT_EQ(ait_bootstrap_mean(&bootstrap, static_cast<int64_t>(values.size()), values.data(), &interval), AIT_OK);
    return interval;
  }
  ait_bootstrap bootstrap = {};
};

// The mean of 200 normal values has the standard error sd / sqrt(200), and its bootstrap distribution is as good as
// normal: the interval reaches 1.96 standard errors to both sides. Ten thousand resamples place a percentile to about 2
// %.
TEST_F(Bootstrap, OfManyValuesIsNormal) {
  std::mt19937 random(1);
  std::normal_distribution<double> normal(5, 2);
  std::vector<double> values;
  for (int i = 0; i < 200; i++) {
    values.push_back(normal(random));
  }
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / 200;
  double variance = 0;
  for (double value : values) {
    variance += (value - mean) * (value - mean) / 200;
  }
  const double reach = 1.96 * std::sqrt(variance / 200);
  const ait_interval interval = of(values);
  EXPECT_EQ(interval.count, 200);
  EXPECT_NEAR(interval.mean, mean, 1e-12);
  EXPECT_NEAR(interval.low, mean - reach, 0.06 * reach);
  EXPECT_NEAR(interval.high, mean + reach, 0.06 * reach);
}

// Of the 27 resamples of (0, 0, 9) eight have no 9, twelve one, six two and one three: chances of 0.30, 0.44, 0.22,
// 0.04. The 2.5th percentile of the means is 0, the 97.5th is the largest mean.
TEST_F(Bootstrap, OfThreeValuesByHand) {
  const ait_interval interval = of({0, 0, 9});
  EXPECT_EQ(interval.mean, 3);
  EXPECT_EQ(interval.low, 0);
  EXPECT_EQ(interval.high, 9);
  // Of the 256 resamples of (0, 0, 0, 4), 81 have no 4, 108 one, 54 two, 12 three and one four: a mean above 2 has a
  // chance of 5 %, one above 3 of 0.4 %.
  EXPECT_EQ(of({0, 0, 0, 4}).low, 0);
  EXPECT_EQ(of({0, 0, 0, 4}).high, 3);
}

TEST_F(Bootstrap, OfFewValuesHasNoInterval) {
  EXPECT_TRUE(std::isnan(of({}).mean));
  const ait_interval one = of({NAN, 7, NAN});
  EXPECT_EQ(one.count, 1);
  EXPECT_EQ(one.mean, 7);
  EXPECT_TRUE(std::isnan(one.low) && std::isnan(one.high));
  const ait_interval equal = of({3, NAN, 3, 3});
  EXPECT_EQ(equal.count, 3);
  EXPECT_EQ(equal.low, 3);
  EXPECT_EQ(equal.high, 3);
}

// What all values have added moves the interval by as much: the draws are shared.
TEST_F(Bootstrap, DrawsAreShared) {
  const ait_interval a = of({1, 4, 2, 8, 5}), b = of({11, 14, 12, 18, 15});
  EXPECT_NEAR(b.low - a.low, 10, 1e-12);
  EXPECT_NEAR(b.high - a.high, 10, 1e-12);
}

}  // namespace
