// test_rankings.cc - the cheap rankings, on rows whose wrong labels are known.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <random>
#include <vector>

#include "ait/ait.h"
#include "run/rankings.h"

namespace {

using testing::HasSubstr;

constexpr int CLASSES = 3;

// Three clouds around the corners of a triangle, so far apart that hardly a row is on a wrong side; every `wrong`-th
// training row has the label of the next class.
class Rankings : public testing::Test {
 protected:
  void SetUp() override {
    ait_clean_settings_init(&settings);
    settings.ll_rate = 0.3;
    settings.activation = AIT_ACTIVATION_NONE;
    settings.quiet = 1;
    ASSERT_EQ(ait_model_parse("linear", &settings.model), AIT_OK);
    open_context(1);
  }
  void TearDown() override {
    ait_rankings_free(&made);
    ait_context_destroy(context);
    ait_matrix_destroy(train);
    ait_matrix_destroy(validation);
  }
  void open_context(int32_t threads) {
    ait_context_destroy(context);
    ait_context_options options;
    ait_context_options_init(&options);
    options.device = "cpu";
    options.threads = threads;
    ASSERT_EQ(ait_context_create(&options, &context), AIT_OK);
  }
  void draw(int rows, unsigned seed, std::vector<float> *points, std::vector<int32_t> *labels) {
    const float corners[CLASSES][2] = {{0, 2}, {-1.7f, -1}, {1.7f, -1}};
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0, 0.4f);
    for (int i = 0; i < rows; i++) {
      labels->push_back(i % CLASSES);
      points->push_back(corners[i % CLASSES][0] + normal(random));
      points->push_back(corners[i % CLASSES][1] + normal(random));
    }
  }
  void make_data(int rows, int validation_rows, int every, bool truth_known) {
    draw(rows, 1, &train_points, &truth);
    draw(validation_rows, 2, &validation_points, &validation_labels);
    given = truth;
    mislabelled.assign(rows, 0);
    for (int i = 0; i < rows; i++) {
      source_rows.push_back(i);
      if (i % every == 1) {
        given[i] = (truth[i] + 1) % CLASSES;
        mislabelled[i] = 1;
        data.mislabelled_rows++;
      }
    }
    ASSERT_EQ(ait_matrix_view(AIT_F32, rows, 2, 2, train_points.data(), &train), AIT_OK);
    ASSERT_EQ(ait_matrix_view(AIT_F32, validation_rows, 2, 2, validation_points.data(), &validation), AIT_OK);
    data.train = train;
    data.validation = validation;
    data.given = given.data();
    data.validation_labels = validation_labels.data();
    data.train_rows = rows;
    data.validation_rows = validation_rows;
    data.features = 2;
    data.classes = CLASSES;
    data.source_rows = source_rows.data();
    data.truth = truth_known ? truth.data() : nullptr;
    data.mislabelled = truth_known ? mislabelled.data() : nullptr;
  }
  ait_status make(std::vector<int32_t> asked) {
    ait_rankings_free(&made);
    return ait_rankings_make(context, &settings, &data, asked.data(), 60, &stop, &made);
  }
  double auroc(int kind) {
    ait_ranking figures;
    EXPECT_EQ(ait_metrics_ranking(data.train_rows, made.each[kind].score, mislabelled.data(), &figures), AIT_OK);
    return figures.auroc;
  }

  ait_context *context = nullptr;
  ait_clean_settings settings = {};
  ait_clean_data data = {};
  ait_rankings made = {};
  volatile sig_atomic_t stop = 0;
  ait_matrix *train = nullptr, *validation = nullptr;
  std::vector<float> train_points, validation_points;
  std::vector<int32_t> truth, given, validation_labels;
  std::vector<uint8_t> mislabelled;
  std::vector<int64_t> source_rows;
};

const std::vector<int32_t> all(AIT_RANKING_COUNT, 1);

TEST_F(Rankings, FindWrongLabelsThatAreClear) {
  make_data(203, 31, 4, true);
  ASSERT_EQ(make(all), AIT_OK) << ait_last_error();
  for (int kind = 0; kind < AIT_RANKING_COUNT; kind++) {
    ASSERT_TRUE(made.each[kind].made) << ait_ranking_words[kind] << ": " << made.each[kind].failure;
    EXPECT_GE(auroc(kind), 0.99) << ait_ranking_words[kind];
    EXPECT_EQ(made.each[kind].figures.auroc, auroc(kind));
    EXPECT_TRUE(mislabelled[made.orders[kind][0]]) << ait_ranking_words[kind];
    EXPECT_EQ(std::isnan(made.each[kind].held_out_auroc), kind == AIT_RANKING_MARGIN);
  }
  EXPECT_EQ(made.pruned, data.mislabelled_rows);
  EXPECT_GE(made.each[AIT_RANKING_VALIDATION].held_out_auroc, 0.99);
  EXPECT_NEAR(made.estimated_noise, 0.25, 0.03);
  EXPECT_NE(made.best, AIT_RANKING_MARGIN);
}

// The truth decides nothing: without it the rankings are the same, but for how many rows are pruned.
TEST_F(Rankings, DoNotLookAtTheTruth) {
  make_data(150, 40, 5, true);
  ASSERT_EQ(make(all), AIT_OK);
  std::vector<std::vector<double>> scores;
  for (const ait_made_ranking &ranking : made.each) {
    scores.emplace_back(ranking.score, ranking.score + data.train_rows);
  }
  const int32_t best = made.best;
  data.truth = nullptr;
  data.mislabelled = nullptr;
  data.mislabelled_rows = 0;
  ASSERT_EQ(make(all), AIT_OK);
  EXPECT_EQ(made.pruned, std::llround(made.estimated_noise * 150));
  EXPECT_EQ(made.best, best);
  for (int kind = 0; kind < AIT_RANKING_COUNT; kind++) {
    ASSERT_TRUE(made.each[kind].made) << made.each[kind].failure;
    if (kind != AIT_RANKING_PRUNED) {
      EXPECT_EQ(scores[kind], std::vector<double>(made.each[kind].score, made.each[kind].score + 150))
          << ait_ranking_words[kind];
    }
  }
}

TEST_F(Rankings, AreTheSameForEveryNumberOfThreads) {
  make_data(101, 20, 4, true);
  std::vector<std::vector<double>> scores;
  for (int32_t threads : {1, 2}) {
    open_context(threads);
    ASSERT_EQ(make(all), AIT_OK);
    for (const ait_made_ranking &ranking : made.each) {
      ASSERT_TRUE(ranking.made);
      scores.emplace_back(ranking.score, ranking.score + data.train_rows);
    }
    ait_rankings_free(&made);
  }
  for (int kind = 0; kind < AIT_RANKING_COUNT; kind++) {
    EXPECT_EQ(scores[kind], scores[AIT_RANKING_COUNT + kind]) << ait_ranking_words[kind];
  }
}

// A row's own label takes no part in an out-of-fold score: with it changed, the row's probabilities stay.
TEST_F(Rankings, OutOfFoldScoresHaveNotSeenTheirRow) {
  make_data(60, 30, 4, false);
  settings.ll_rate = 0.05;
  std::vector<int32_t> asked(AIT_RANKING_COUNT, 0);
  asked[AIT_RANKING_CROSS_VALIDATED] = 1;
  ASSERT_EQ(ait_rankings_make(context, &settings, &data, asked.data(), 1, &stop, &made), AIT_OK);
  const std::vector<double> before(made.each[AIT_RANKING_CROSS_VALIDATED].suggested_probability,
                                   made.each[AIT_RANKING_CROSS_VALIDATED].suggested_probability + 60);
  ait_rankings_free(&made);
  const int row = 7;
  given[row] = (given[row] + 1) % CLASSES;
  ASSERT_EQ(ait_rankings_make(context, &settings, &data, asked.data(), 1, &stop, &made), AIT_OK);
  int changed = 0;
  for (int i = 0; i < 60; i++) {
    changed += before[i] != made.each[AIT_RANKING_CROSS_VALIDATED].suggested_probability[i];
  }
  EXPECT_EQ(before[row], made.each[AIT_RANKING_CROSS_VALIDATED].suggested_probability[row]);
  EXPECT_GE(changed, 40) << "the other folds have seen it";
  EXPECT_LE(changed, 48);
}

TEST_F(Rankings, SayWhyTheyAreNotMade) {
  make_data(30, 1, 4, true);
  ASSERT_EQ(make(all), AIT_OK);
  EXPECT_FALSE(made.each[AIT_RANKING_VALIDATION].made);
  EXPECT_THAT(made.each[AIT_RANKING_VALIDATION].failure, HasSubstr("at least 2 rows to be trained on; there is 1"));
  EXPECT_THAT(made.each[AIT_RANKING_PRUNED].failure, HasSubstr("without the out-of-fold ranking"));
  EXPECT_TRUE(made.each[AIT_RANKING_CROSS_VALIDATED].made) << made.each[AIT_RANKING_CROSS_VALIDATED].failure;
  EXPECT_TRUE(made.each[AIT_RANKING_MARGIN].made);
  EXPECT_EQ(made.best, AIT_RANKING_CROSS_VALIDATED);
  stop = 1;
  ASSERT_EQ(make(all), AIT_OK);
  EXPECT_TRUE(made.skipped);
  EXPECT_EQ(made.best, -1);
  EXPECT_THAT(made.each[AIT_RANKING_MARGIN].failure, HasSubstr("a signal asked to stop"));
}

TEST_F(Rankings, PrunedBringsOutOfFoldAlong) {
  make_data(40, 10, 4, true);
  std::vector<int32_t> asked(AIT_RANKING_COUNT, 0);
  asked[AIT_RANKING_PRUNED] = 1;
  ASSERT_EQ(make(asked), AIT_OK);
  for (int kind = 0; kind < AIT_RANKING_COUNT; kind++) {
    EXPECT_EQ(made.each[kind].made, kind == AIT_RANKING_OUT_OF_FOLD || kind == AIT_RANKING_PRUNED);
  }
}

// Folds of many rows are trained one after another; every row is scored all the same.
TEST_F(Rankings, OfManyRows) {
  make_data(50010, 30, 4, true);
  std::vector<int32_t> asked(AIT_RANKING_COUNT, 0);
  asked[AIT_RANKING_CROSS_VALIDATED] = asked[AIT_RANKING_OUT_OF_FOLD] = 1;
  ASSERT_EQ(ait_rankings_make(context, &settings, &data, asked.data(), 10, &stop, &made), AIT_OK);
  for (int kind : {AIT_RANKING_CROSS_VALIDATED, AIT_RANKING_OUT_OF_FOLD}) {
    ASSERT_TRUE(made.each[kind].made) << made.each[kind].failure;
    EXPECT_GE(auroc(kind), 0.99);
    EXPECT_GT(*std::min_element(made.each[kind].given_probability, made.each[kind].given_probability + 50010), 0);
    EXPECT_NEAR(static_cast<double>(made.each[kind].disagreeing), static_cast<double>(data.mislabelled_rows), 500);
  }
}

// Logits (3, 1, 0) and (0, 2, 2), with labels 0 and 0 and then 1 and 1: margins 2 and -2, -2 and 0.
TEST(Margins, ByHand) {
  const double logits[2][3] = {{3, 1, 0}, {0, 2, 2}};
  std::vector<ait_real> probabilities;
  for (const auto &row : logits) {
    const double sum = std::exp(row[0]) + std::exp(row[1]) + std::exp(row[2]);
    for (double logit : row) {
      probabilities.push_back(static_cast<ait_real>(std::exp(logit) / sum));
    }
  }
  const double tolerance = sizeof(ait_real) == 8 ? 1e-14 : 1e-6;  // a few roundings of the probabilities
  const int32_t first[] = {0, 0}, second[] = {1, 1};
  double sum[] = {0, 10};
  ait_rankings_add_margins(2, 3, probabilities.data(), first, sum);
  EXPECT_NEAR(sum[0], 2, tolerance);
  EXPECT_NEAR(sum[1], 10 - 2, tolerance);
  ait_rankings_add_margins(2, 3, probabilities.data(), second, sum);
  EXPECT_NEAR(sum[0], 2 - 2, tolerance);
  EXPECT_NEAR(sum[1], 10 - 2 + 0, tolerance);
}

TEST(Margins, StayFiniteWhereAProbabilityIsZero) {
  const ait_real probabilities[] = {1, 0, 0};
  const int32_t label = 1;
  double sum = 0;
  ait_rankings_add_margins(1, 3, probabilities, &label, &sum);
  EXPECT_TRUE(std::isfinite(sum));
  EXPECT_LE(sum, -80);
}

// A classifier that is right on nine rows of ten and labels of which a fifth is wrong: 0.8 * 0.9 + 0.2 * 0.1 / 2.
TEST(NoiseEstimate, ByHand) {
  EXPECT_NEAR(ait_rankings_noise(0.9, 0.73, 3), 0.2, 1e-12);
  EXPECT_EQ(ait_rankings_noise(0.9, 0.95, 3), 0);
  EXPECT_EQ(ait_rankings_noise(0.9, 0.0, 3), 1);
  EXPECT_TRUE(std::isnan(ait_rankings_noise(0.2, 0.2, 3)));
}

}  // namespace
