// test_noise_model.cc - noise models against what is known of them in closed form.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "run/noise_model.h"

namespace {

constexpr int kClasses = 4, kRows = 4000;

// Rows of known classes, whose labels move from class c to c + 1 with the chance `rate`; probabilities are `sure` of
// the class and share the rest.
struct Rows {
  std::vector<int32_t> truth, labels;
  std::vector<ait_real> p;

  Rows(double rate, double sure, unsigned seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> uniform(0, 1);
    for (int i = 0; i < kRows; i++) {
      const int32_t c = i % kClasses;
      truth.push_back(c);
      labels.push_back(uniform(random) < rate ? (c + 1) % kClasses : c);
      for (int k = 0; k < kClasses; k++) {
        p.push_back(static_cast<ait_real>(k == c ? sure : (1 - sure) / (kClasses - 1)));
      }
    }
  }
  ait_noisy_rows view() const {
    return {kRows, kClasses, p.data(), labels.data(), nullptr, 0};
  }
  std::vector<double> fit(double pseudo_counts) const {
    std::vector<double> chances(kClasses * kClasses);
    const ait_noisy_rows rows = view();
    EXPECT_EQ(AIT_OK, ait_noise_fit(&rows, pseudo_counts, chances.data()));
    return chances;
  }
};

TEST(NoiseModel, CountsLabelsWhereTheClassesAreKnown) {
  const Rows rows(0.3, 1, 1);
  const double counts = 30;
  std::vector<double> expected(kClasses * kClasses), classes(kClasses);
  double wrong = 0;
  for (int i = 0; i < kRows; i++) {
    expected[rows.truth[i] * kClasses + rows.labels[i]] += 1;
    classes[rows.truth[i]] += 1;
    wrong += rows.truth[i] != rows.labels[i];
  }
  const double rate = wrong / kRows;
  const std::vector<double> chances = rows.fit(counts);
  for (int k = 0; k < kClasses * kClasses; k++) {
    const int c = k / kClasses;
    const double pseudo = c == k % kClasses ? 1 - rate : rate / (kClasses - 1);
    EXPECT_NEAR(chances[k], (expected[k] + counts * pseudo) / (classes[c] + counts), 1e-6) << k;
  }
  const ait_noisy_rows view = rows.view();
  EXPECT_NEAR(ait_noise_rate(&view, chances.data()), rate, 1e-6);
}

// What the classifier doubts is told from what the labels doubt.
TEST(NoiseModel, FindsTheModelBehindUnsureProbabilities) {
  const Rows rows(0.3, 0.9, 2);
  Rows drawn = rows;  // classes drawn by the probabilities, so that these are right
  std::mt19937 random(3);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (int i = 0; i < kRows; i++) {
    const int32_t c = uniform(random) < 0.9 ? rows.truth[i] : (rows.truth[i] + 1 + static_cast<int>(random() % 3)) % 4;
    drawn.labels[i] = uniform(random) < 0.3 ? (c + 1) % kClasses : c;
  }
  const std::vector<double> chances = drawn.fit(1);
  for (int c = 0; c < kClasses; c++) {
    for (int g = 0; g < kClasses; g++) {
      const double expected = g == c ? 0.7 : g == (c + 1) % kClasses ? 0.3 : 0;
      EXPECT_NEAR(chances[c * kClasses + g], expected, 0.04) << c << " to " << g;
    }
  }
}

TEST(NoiseModel, ManyPseudoCountsMakeItSymmetric) {
  const Rows rows(0.3, 0.97, 4);
  const std::vector<double> chances = rows.fit(1e8);
  for (int k = 0; k < kClasses * kClasses; k++) {
    EXPECT_NEAR(chances[k], k % (kClasses + 1) == 0 ? chances[0] : (1 - chances[0]) / (kClasses - 1), 1e-4) << k;
  }
}

TEST(NoiseModel, OddsAreThoseOfThePosterior) {
  const Rows rows(0.3, 0.9, 5);
  const ait_noisy_rows view = rows.view();
  const std::vector<double> chances = rows.fit(30);
  for (int i = 0; i < 40; i++) {
    std::vector<double> posterior(kClasses);
    ait_noise_posterior(&view, chances.data(), i, posterior.data());
    double sum = 0, all = 0;
    for (int c = 0; c < kClasses; c++) {
      all += static_cast<double>(rows.p[i * kClasses + c]) * chances[c * kClasses + rows.labels[i]];
      sum += posterior[c];
    }
    const double right = static_cast<double>(rows.p[i * kClasses + rows.labels[i]]) *
                         chances[rows.labels[i] * kClasses + rows.labels[i]] / all;
    EXPECT_NEAR(sum, 1, 1e-12);
    EXPECT_NEAR(posterior[rows.labels[i]], right, 1e-12);
    EXPECT_NEAR(ait_noise_log_odds(&view, chances.data(), i), std::log((1 - right) / right), 1e-6);
  }
}

TEST(NoiseModel, OddsOfTheImpossibleAreFinite) {
  const std::vector<ait_real> p = {1, 0, 0, 1};
  const std::vector<int32_t> labels = {1, 1};
  const std::vector<double> chances = {1, 0, 0, 1};
  const ait_noisy_rows rows = {2, 2, p.data(), labels.data(), nullptr, 0};
  EXPECT_TRUE(std::isfinite(ait_noise_log_odds(&rows, chances.data(), 0)));
  EXPECT_LT(ait_noise_log_odds(&rows, chances.data(), 1), -20);
}

// The likelihood of a row's label comes from a model that did not see its fold.
TEST(NoiseModel, LikelihoodsAreOutOfFold) {
  const Rows rows(0.3, 0.9, 6);
  std::vector<int32_t> folds(kRows);
  for (int i = 0; i < kRows; i++) {
    folds[i] = (i / 7) % 3;
  }
  ait_noisy_rows view = rows.view();
  std::vector<double> likelihoods(kRows, NAN);
  ASSERT_EQ(AIT_OK, ait_noise_likelihoods(&view, folds.data(), 3, 30, likelihoods.data()));
  Rows others = rows;  // those that are not in fold 1
  others.p.clear(), others.labels.clear();
  for (int i = 0; i < kRows; i++) {
    if (folds[i] != 1) {
      others.labels.push_back(rows.labels[i]);
      others.p.insert(others.p.end(), rows.p.begin() + i * kClasses, rows.p.begin() + (i + 1) * kClasses);
    }
  }
  const ait_noisy_rows kept = {
      static_cast<int64_t>(others.labels.size()), kClasses, others.p.data(), others.labels.data(), nullptr, 0};
  std::vector<double> chances(kClasses * kClasses);
  ASSERT_EQ(AIT_OK, ait_noise_fit(&kept, 30, chances.data()));
  for (int i = 0; i < kRows; i++) {
    double sum = 0;
    for (int c = 0; c < kClasses; c++) {
      sum += static_cast<double>(rows.p[i * kClasses + c]) * chances[c * kClasses + rows.labels[i]];
    }
    EXPECT_TRUE(std::isfinite(likelihoods[i]));
    if (folds[i] == 1) {
      EXPECT_NEAR(likelihoods[i], std::log(sum), 1e-12) << i;
    }
  }
}

// Labels tell which kind of noise they have: that is what the choice between noise models rests on.
TEST(NoiseModel, LikelihoodsTellStructuredNoiseFromSymmetric) {
  const std::vector<int32_t> folds = [] {
    std::vector<int32_t> drawn(kRows);
    for (int i = 0; i < kRows; i++) {
      drawn[i] = (i / kClasses) % 5;
    }
    return drawn;
  }();
  const auto gain = [&](const Rows &rows) {
    const ait_noisy_rows view = rows.view();
    std::vector<double> full(kRows), symmetric(kRows);
    EXPECT_EQ(AIT_OK, ait_noise_likelihoods(&view, folds.data(), 5, 30, full.data()));
    EXPECT_EQ(AIT_OK, ait_noise_likelihoods(&view, folds.data(), 5, 1e6, symmetric.data()));
    double sum = 0;
    for (int i = 0; i < kRows; i++) {
      sum += full[i] - symmetric[i];
    }
    return sum;
  };
  Rows structured(0.05, 0.99, 7), symmetric = structured;
  std::mt19937 random(8);
  for (int i = 0; i < kRows; i++) {
    symmetric.labels[i] =
        (symmetric.truth[i] + (random() % 20 == 0 ? 1 + static_cast<int>(random() % 3) : 0)) % kClasses;
  }
  EXPECT_GT(gain(structured), 20);
  EXPECT_LT(gain(symmetric), 5);
}

// Rows of different certainty, their classes drawn by the probabilities; every label moves from c to c + 1 with a
// chance that may depend on how sure the classifier is.
Rows draw_unsure(double rate_of_unsure, double rate_of_sure, unsigned seed) {
  Rows rows(0, 1, 0);
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (int i = 0; i < kRows; i++) {
    const double sure = 0.5 + 0.49 * uniform(random), rate = sure < 0.75 ? rate_of_unsure : rate_of_sure;
    const int c = i % kClasses;
    const int truth = uniform(random) < sure ? c : (c + 1 + static_cast<int>(random() % 3)) % kClasses;
    rows.labels[i] = (truth + (uniform(random) < rate ? 1 : 0)) % kClasses;
    for (int k = 0; k < kClasses; k++) {
      rows.p[i * kClasses + k] = static_cast<ait_real>(k == c ? sure : (1 - sure) / (kClasses - 1));
    }
  }
  return rows;
}

double dependence_under(const Rows &rows, const std::vector<double> &chances) {
  const ait_noisy_rows view = rows.view();
  double z = NAN;
  EXPECT_EQ(AIT_OK, ait_noise_dependence(&view, chances.data(), &z));
  return z;
}

double dependence(const Rows &rows) {
  return dependence_under(rows, rows.fit(1));
}

TEST(NoiseModel, DependenceIsStandardNormalWhereTheModelHolds) {
  const int draws = 60;
  double sum = 0, squares = 0;
  for (unsigned seed = 0; seed < draws; seed++) {
    const double z = dependence(draw_unsure(0.2, 0.2, 100 + seed));
    sum += z;
    squares += z * z;
  }
  EXPECT_LT(std::fabs(sum) / std::sqrt(draws), 3.5);  // a standard normal number
  EXPECT_NEAR(squares / draws, 1, 3.5 * std::sqrt(2. / draws)) << "the mean of squares of such";
}

TEST(NoiseModel, DependenceTellsWhereWrongLabelsPileUp) {
  EXPECT_GT(dependence(draw_unsure(0.05, 0.3, 1)), 6);
  EXPECT_LT(dependence(draw_unsure(0.3, 0.05, 2)), -6);
}

// The slope of the log likelihood as the logit of every class's e_c moves along the sureness less its mean, by
// differences.
TEST(NoiseModel, DependenceIsASlopeOfTheLikelihood) {
  const Rows rows = draw_unsure(0.1, 0.3, 3);
  const std::vector<double> chances = rows.fit(30);
  const auto log_chance = [&](int i, int moved, double by) {
    double sum = 0;
    for (int c = 0; c < kClasses; c++) {
      const double e = 1 - chances[c * kClasses + c], step = c == moved ? by : 0;
      const double next = 1 / (1 + std::exp(-std::log(e / (1 - e)) - step));
      const double chance = rows.labels[i] == c ? 1 - next : chances[c * kClasses + rows.labels[i]] * next / e;
      sum += static_cast<double>(rows.p[i * kClasses + c]) * chance;
    }
    return std::log(sum);
  };
  const auto slope = [&](int i, int c) { return (log_chance(i, c, 1e-5) - log_chance(i, c, -1e-5)) / 2e-5; };
  const auto sure = [&](int i) {
    const double p = static_cast<double>(rows.p[i * kClasses + i % kClasses]);
    return std::log(p / (1 - p));
  };
  std::vector<double> scores(kRows);
  for (int c = 0; c < kClasses; c++) {
    double all = 0, mean = 0;
    for (int i = 0; i < kRows; i++) {
      all += slope(i, c) * slope(i, c);
      mean += slope(i, c) * slope(i, c) * sure(i);
    }
    for (int i = 0; i < kRows; i++) {
      scores[i] += slope(i, c) * (sure(i) - mean / all);
    }
  }
  double sum = 0, squares = 0;
  for (const double score : scores) {
    sum += score;
    squares += score * score;
  }
  EXPECT_NEAR(dependence_under(rows, chances), sum / std::sqrt(squares), 1e-5);
}

}  // namespace
