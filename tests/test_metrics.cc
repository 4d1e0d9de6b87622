// test_metrics.cc - ranking figures against their definitions, written out pair by pair.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

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

}  // namespace
