// test_metrics.cc - ranking figures against their definitions, written out pair by pair, intervals of means, and what
// known rows tell of a ranking.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "run/bootstrap.h"
#include "run/calibration.h"
#include "run/memory.h"
#include "run/metrics.h"
#include "run/validation_check.h"

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

// ---- calibration --------------------------------------------------------------------------------

// The bounds solve (p - share)^2 = z^2 p (1 - p) / rows.
TEST(Calibration, WilsonsBoundsSolveTheirEquation) {
  const double z = 1.959964;
  for (const double share : {0.0, 0.03, 0.5, 1.0}) {
    for (const double rows : {1.0, 12.5, 4000.0}) {
      const ait_estimate interval = ait_wilson(share, rows);
      for (const double p : {interval.low, interval.high}) {
        EXPECT_NEAR((p - share) * (p - share), z * z * p * (1 - p) / rows, 1e-12) << share << " " << rows;
      }
      EXPECT_LE(interval.low, share);
      EXPECT_GE(interval.high, share);
      EXPECT_LT(interval.low, interval.high);
    }
  }
  EXPECT_EQ(ait_wilson(0.3, 0).low, 0);
  EXPECT_EQ(ait_wilson(0.3, 0).high, 1);
}

// Rows whose scores follow one distribution where their label is right and another where it is wrong; known rows do so
// too.
struct Ranked {
  int64_t listed, wrong_listed = 0, wrong = 0;
  std::vector<double> score;
  std::vector<int64_t> order;
  ait_calibration calibration;

  static double draw(std::mt19937 &random, bool is_wrong) {
    return std::normal_distribution<double>(is_wrong ? 2 : 0, 1)(random);
  }
  // `copies`: so many known rows stand for each.
  Ranked(int64_t n, int64_t count, double rate, int64_t known, int copies, unsigned seed) : listed(count) {
    std::mt19937 random(seed);
    std::vector<bool> is_wrong;
    for (int64_t i = 0; i < n; i++) {
      is_wrong.push_back(std::uniform_real_distribution<double>(0, 1)(random) < rate);
      score.push_back(draw(random, is_wrong.back()));
    }
    order.resize(static_cast<size_t>(n));
    EXPECT_EQ(AIT_OK, ait_metrics_order(n, score.data(), order.data()));
    for (int64_t place = 0; place < n; place++) {
      wrong_listed += place < listed && is_wrong[order[place]];
      wrong += is_wrong[order[place]];
    }
    ait_calibration_begin(AIT_CALIBRATION_PLANTED, n, score.data(), order.data(), listed, &calibration);
    for (int64_t k = 0; k < 2 * known; k++) {
      const double value = draw(random, k % 2 != 0);
      for (int copy = 0; copy < copies; copy++) {
        EXPECT_EQ(AIT_OK, ait_calibration_add(&calibration, k % 2 != 0, value, 0.25));
      }
    }
    ait_calibration_finish(&calibration, 2 * known, static_cast<double>(known), static_cast<double>(known));
  }
  ~Ranked() {
    ait_calibration_end(&calibration);
  }
  Ranked(const Ranked &) = delete;
  Ranked &operator=(const Ranked &) = delete;
};

// 95 intervals in 100 hold the truth; 40 of 40 do so with a chance of 13 in 100, fewer than 33 with one of 1 in 10,000.
TEST(Calibration, IntervalsHoldWhatAListHolds) {
  int precisions = 0, recalls = 0;
  double difference = 0;
  for (unsigned seed = 0; seed < 40; seed++) {
    const Ranked ranked(4000, 1000, 0.3, 400, 1, seed);
    const ait_expectation e = ait_calibration_of(&ranked.calibration, ranked.listed);
    const double precision = static_cast<double>(ranked.wrong_listed) / static_cast<double>(ranked.listed);
    const double recall = static_cast<double>(ranked.wrong_listed) / static_cast<double>(ranked.wrong);
    EXPECT_EQ(e.threshold, ranked.score[ranked.order[999]]);
    EXPECT_NEAR(ranked.calibration.noise_rate, 0.3, 0.06);
    precisions += e.precision.low <= precision && precision <= e.precision.high;
    recalls += e.recall.low <= recall && recall <= e.recall.high;
    difference += (e.precision.value - precision) / 40;
    EXPECT_LT(e.precision.high - e.precision.low, 0.2);
  }
  EXPECT_GE(precisions, 33);
  EXPECT_GE(recalls, 33);
  EXPECT_NEAR(difference, 0, 0.015); /* its standard deviation is about 0.003 */
}

TEST(Calibration, OnlySharesOfWeightsCount) {
  const Ranked once(500, 100, 0.3, 50, 1, 7), thrice(500, 100, 0.3, 50, 3, 7);
  for (const int64_t rows : {1, 100, 499}) {
    const ait_expectation a = ait_calibration_of(&once.calibration, rows),
                          b = ait_calibration_of(&thrice.calibration, rows);
    EXPECT_NEAR(a.false_alarms, b.false_alarms, 1e-12);
    EXPECT_NEAR(a.precision.low, b.precision.low, 1e-12);
    EXPECT_NEAR(a.recall.value, b.recall.value, 1e-12);
  }
}

TEST(Calibration, SaysNothingOfNoRows) {
  const Ranked ranked(50, 0, 0.3, 20, 1, 3);
  EXPECT_TRUE(std::isnan(ait_calibration_of(&ranked.calibration, 0).precision.value));
  const ait_calibration nothing = {};
  EXPECT_TRUE(std::isnan(ait_calibration_of(&nothing, 0).recall.low));
}

// ---- the check of the validation rows -----------------------------------------------------------

// Labels of three classes as likely as classifiers say, of which a share is then another; what classifiers say is
// flattened, as by those that have learned from such rows.
ait_validation_check check_of(double wrong, std::vector<int32_t> *changed) {
  constexpr int kRows = 2000;
  std::mt19937 random(5);
  std::uniform_real_distribution<double> uniform(0, 1);
  std::vector<ait_real> p;
  std::vector<int32_t> labels;
  for (int j = 0; j < kRows; j++) {
    const double sure = 0.5 + 0.5 * uniform(random), at = uniform(random);
    const int32_t best = j % 3, label = at < sure ? best : (best + 1 + (at > (1 + sure) / 2)) % 3;
    double sum = 0;
    for (int c = 0; c < 3; c++) {
      p.push_back(static_cast<ait_real>(std::sqrt(c == best ? sure : (1 - sure) / 2)));
      sum += static_cast<double>(p.back());
    }
    for (int c = 0; c < 3; c++) {
      p[3 * j + c] = static_cast<ait_real>(static_cast<double>(p[3 * j + c]) / sum);
    }
    changed->push_back(uniform(random) < wrong);
    labels.push_back((label + changed->back()) % 3);
  }
  ait_clean_data data = {};
  data.validation_rows = kRows;
  data.classes = 3;
  data.validation_labels = labels.data();
  ait_validation_check check;
  EXPECT_EQ(AIT_OK, ait_validation_check_make(&data, p.data(), &check));
  return check;
}

TEST(ValidationCheck, FindsTheShareOfWrongLabels) {
  char sentence[AIT_DATA_SENTENCE];
  std::vector<int32_t> changed;
  ait_validation_check clean = check_of(0, &changed);
  EXPECT_FALSE(ait_validation_check_warning(&clean, sentence)) << sentence;
  EXPECT_LT(clean.share, 0.03);
  ait_validation_check_end(&clean);
  changed.clear();
  ait_validation_check impure = check_of(0.1, &changed);
  EXPECT_TRUE(ait_validation_check_warning(&impure, sentence));
  EXPECT_NEAR(impure.share, 0.1, 0.04) << sentence;
  ASSERT_GT(impure.contradicted, 20);
  int64_t found = 0;
  for (int64_t k = 0; k < impure.contradicted; k++) {
    found += changed[static_cast<size_t>(impure.contradictions[k].row)];
    EXPECT_LE(impure.contradictions[k].wrong, k == 0 ? 1 : impure.contradictions[k - 1].wrong);
  }
  EXPECT_GT(found, impure.contradicted / 2);
  ait_validation_check_end(&impure);
}

}  // namespace
