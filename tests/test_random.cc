/* test_random.cc - Philox numbers against published answers, permutations, splits and label noise. */
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "ait/dataset.h"
#include "data_support.h"

extern "C" {
#include "context/random.h"
}

namespace {

using Words = std::array<uint32_t, 4>;

/* Philox 4x32-10 written from its paper (Salmon et al., 2011): ten rounds of two 32 x 32 -> 64 bit
 * products, the key bumped by the Weyl constants between rounds. */
Words Philox(Words c, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    uint64_t p0 = uint64_t{0xD2511F53} * c[0], p1 = uint64_t{0xCD9E8D57} * c[2];
    c = {uint32_t(p1 >> 32) ^ c[1] ^ key[0], uint32_t(p1), uint32_t(p0 >> 32) ^ c[3] ^ key[1], uint32_t(p0)};
    key = {key[0] + 0x9E3779B9, key[1] + 0xBB67AE85};
  }
  return c;
}

uint64_t ReferenceBits(uint64_t seed, uint32_t stream, uint64_t counter, uint32_t attempt) {
  Words out =
      Philox({uint32_t(counter), uint32_t(counter >> 32), stream, attempt}, {uint32_t(seed), uint32_t(seed >> 32)});
  return uint64_t{out[1]} << 32 | out[0];
}

TEST(Philox, PublishedAnswers) {
  EXPECT_EQ(Philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(Philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, BitsArePhilox) {
  EXPECT_EQ(ait_random_bits(0, 0, 0), 0xe169c58d6627e8d5u);
  const uint64_t values[] = {0, 1, 0xffffffff, 0x100000000, 0x0123456789abcdef, UINT64_MAX};
  for (uint64_t seed : values) {
    for (uint64_t counter : values) {
      for (uint32_t stream : {0u, 1u, 5u, 0xffffffffu}) {
        EXPECT_EQ(ait_random_bits(seed, stream, counter), ReferenceBits(seed, stream, counter, 0));
      }
    }
  }
}

/* A bound above 2^63 rejects almost half of the draws, so that the redrawing is seen. The reference
 * rejects by the definition: of the 2^64 products, those whose low half is below 2^64 mod bound. */
TEST(Random, BelowRedrawsTheSurplus) {
  const uint64_t bounds[] = {1, 2, 3, 10, 1000003, (uint64_t{1} << 63) + 1, uint64_t{3} << 62, UINT64_MAX};
  int redrawn = 0;
  for (uint64_t bound : bounds) {
    uint64_t surplus = uint64_t(((unsigned __int128)1 << 64) % bound);
    for (uint64_t counter = 0; counter < 200; ++counter) {
      uint32_t attempt = 0;
      unsigned __int128 product;
      do {
        product = (unsigned __int128)ReferenceBits(7, 2, counter, attempt++) * bound;
      } while (uint64_t(product) < surplus);
      redrawn += attempt > 1;
      uint64_t drawn = ait_random_below(7, 2, counter, bound);
      EXPECT_EQ(drawn, uint64_t(product >> 64));
      EXPECT_LT(drawn, bound);
    }
  }
  EXPECT_GT(redrawn, 50);
}

/* Chi-square of 7 cells, 6 degrees of freedom: 22.5 is passed by chance once in a thousand seeds. */
TEST(Random, BelowIsUniform) {
  const int draws = 70000, cells = 7;
  std::vector<int> count(cells);
  for (int i = 0; i < draws; ++i) {
    ++count[ait_random_below(3, 1, i, cells)];
  }
  double chi = 0;
  for (int c : count) {
    chi += std::pow(c - draws / cells, 2) / (draws / cells);
  }
  EXPECT_LE(chi, 22.5);
}

TEST(Random, UniformIsExactInFloat) {
  double sum = 0;
  const int draws = 100000;
  for (int i = 0; i < draws; ++i) {
    double u = ait_random_uniform(11, 4, i);
    EXPECT_GE(u, 0.0);
    EXPECT_LT(u, 1.0);
    EXPECT_EQ(static_cast<double>(static_cast<float>(u)), u);
    EXPECT_EQ(u, std::ldexp(static_cast<double>(ReferenceBits(11, 4, i, 0) >> 40), -24));
    sum += u;
  }
  EXPECT_LE(std::fabs(sum / draws - 0.5), 4 * std::sqrt(1.0 / 12 / draws)); /* four standard errors */
}

std::vector<int64_t> Permutation(uint64_t seed, int64_t rows, int64_t count) {
  std::vector<int64_t> p(rows);
  ait_random_permutation(seed, AIT_STREAM_SPLIT, rows, count, p.data());
  p.resize(count);
  return p;
}

TEST(Random, PermutationHoldsEveryRowOnce) {
  for (int64_t rows : {0, 1, 2, 31, 1000}) {
    std::vector<int64_t> p = Permutation(5, rows, rows);
    std::sort(p.begin(), p.end());
    for (int64_t i = 0; i < rows; ++i) {
      EXPECT_EQ(p[i], i);
    }
  }
}

TEST(Random, ShorterPermutationIsAPrefix) {
  std::vector<int64_t> whole = Permutation(5, 1000, 1000);
  for (int64_t count : {0, 1, 17, 999}) {
    EXPECT_EQ(Permutation(5, 1000, count), std::vector<int64_t>(whole.begin(), whole.begin() + count));
  }
  EXPECT_NE(Permutation(6, 1000, 1000), whole);
}

/* All 24 orders of 4 rows come equally often: 23 degrees of freedom, 49.7 at one in a thousand. */
TEST(Random, PermutationsAreUniform) {
  const int seeds = 24000;
  std::vector<int> count(256);
  for (int seed = 0; seed < seeds; ++seed) {
    std::vector<int64_t> p = Permutation(seed, 4, 4);
    ++count[p[0] * 64 + p[1] * 16 + p[2] * 4 + p[3]];
  }
  double chi = 0;
  int orders = 0;
  for (int c : count) {
    orders += c > 0;
    chi += c > 0 ? std::pow(c - seeds / 24, 2) / (seeds / 24) : 0;
  }
  EXPECT_EQ(orders, 24);
  EXPECT_LE(chi, 49.7);
}

TEST(Split, SubsetsAreDisjoint) {
  const int64_t sizes[] = {300, 0, 150, 50};
  std::vector<int64_t> indices(500), again(500);
  ASSERT_EQ(ait_split(9, 500, 4, sizes, indices.data()), AIT_OK) << ait_last_error();
  ASSERT_EQ(ait_split(9, 500, 4, sizes, again.data()), AIT_OK);
  EXPECT_EQ(indices, again);
  std::set<int64_t> distinct(indices.begin(), indices.end());
  EXPECT_EQ(distinct.size(), 500u);
  EXPECT_EQ(*distinct.begin(), 0);
  EXPECT_EQ(*distinct.rbegin(), 499);
}

/* The first subset does not depend on the sizes of those after it. */
TEST(Split, LaterSubsetsShiftNothing) {
  const int64_t one[] = {40}, two[] = {40, 60};
  std::vector<int64_t> a(40), b(100);
  ASSERT_EQ(ait_split(1, 1000, 1, one, a.data()), AIT_OK);
  ASSERT_EQ(ait_split(1, 1000, 2, two, b.data()), AIT_OK);
  EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin()));
}

/* Every row is equally likely in the first subset: 2000 seeds, 5 of 20 rows, 19 degrees of freedom.
 * Cells of one draw exclude each other, which only lowers the statistic; 43.8 at one in a thousand. */
TEST(Split, IsUniform) {
  const int seeds = 2000;
  const int64_t size = 5;
  std::vector<int> count(20);
  for (int seed = 0; seed < seeds; ++seed) {
    int64_t rows[5];
    ASSERT_EQ(ait_split(seed, 20, 1, &size, rows), AIT_OK);
    for (int64_t i : rows) {
      ++count[i];
    }
  }
  double chi = 0;
  for (int c : count) {
    chi += std::pow(c - 500.0, 2) / 500.0;
  }
  EXPECT_LE(chi, 43.8);
  EXPECT_GE(chi, 1.0); /* an exact tie would mean the seed is not used */
}

TEST(Split, RefusesWhatDoesNotFit) {
  int64_t indices[8];
  const int64_t too_many[] = {5, 4}, negative[] = {3, -1}, huge[] = {INT64_MAX, INT64_MAX};
  EXPECT_EQ(ait_split(1, 8, 2, too_many, indices), AIT_INVALID_ARGUMENT);
  EXPECT_NE(std::string(ait_last_error()).find("only 3 of 8 rows are left"), std::string::npos) << ait_last_error();
  EXPECT_EQ(ait_split(1, 8, 2, negative, indices), AIT_INVALID_ARGUMENT);
  EXPECT_EQ(ait_split(1, 8, 2, huge, indices), AIT_INVALID_ARGUMENT);
  EXPECT_EQ(ait_split(1, -1, 0, nullptr, indices), AIT_INVALID_ARGUMENT);
  EXPECT_EQ(ait_split(1, 8, -1, too_many, indices), AIT_INVALID_ARGUMENT);
}

/* ---- noise --------------------------------------------------------------------------------- */

struct Noisy {
  std::vector<int32_t> before, after;
  std::vector<uint8_t> redrawn;
};

Noisy Corrupt(uint64_t seed, ait_noise_model model, double rate, int32_t classes, int64_t count) {
  Noisy noisy;
  for (int64_t i = 0; i < count; ++i) {
    noisy.before.push_back(static_cast<int32_t>(i * 7 % classes));
  }
  noisy.after = noisy.before;
  noisy.redrawn.assign(count, 9);
  EXPECT_EQ(ait_corrupt_labels(seed, model, rate, classes, count, noisy.after.data(), noisy.redrawn.data()), AIT_OK)
      << ait_last_error();
  return noisy;
}

TEST(Noise, CountIsExactAndOtherRowsAreUntouched) {
  for (ait_noise_model model : {AIT_NOISE_SYMMETRIC, AIT_NOISE_PAPER, AIT_NOISE_PAIR}) {
    for (double rate : {0.0, 0.1, 0.4995, 0.5, 1.0}) {
      Noisy noisy = Corrupt(4, model, rate, 10, 1001);
      int64_t redrawn = 0;
      for (int64_t i = 0; i < 1001; ++i) {
        EXPECT_LE(noisy.redrawn[i], 1);
        redrawn += noisy.redrawn[i];
        EXPECT_TRUE(noisy.redrawn[i] == 1 || noisy.after[i] == noisy.before[i]);
        EXPECT_TRUE(noisy.after[i] >= 0 && noisy.after[i] < 10);
      }
      EXPECT_EQ(redrawn, std::llround(rate * 1001)) << ait_noise_model_name(model) << " " << rate;
    }
  }
}

TEST(Noise, SymmetricAndPairAlwaysDiffer) {
  for (int32_t classes : {2, 3, 10}) {
    Noisy symmetric = Corrupt(1, AIT_NOISE_SYMMETRIC, 1.0, classes, 3000);
    Noisy pair = Corrupt(1, AIT_NOISE_PAIR, 1.0, classes, 3000);
    for (int i = 0; i < 3000; ++i) {
      EXPECT_NE(symmetric.after[i], symmetric.before[i]);
      EXPECT_EQ(pair.after[i], (pair.before[i] + 1) % classes);
    }
  }
}

/* Steps (new - old) mod 10 of 90,000 redrawn labels: nine cells for symmetric (8 degrees of freedom,
 * 26.1 at one in a thousand), ten for paper (9, 27.9), of which step 0 keeps the label. */
TEST(Noise, StepsAreUniform) {
  const int count = 90000;
  for (ait_noise_model model : {AIT_NOISE_SYMMETRIC, AIT_NOISE_PAPER}) {
    Noisy noisy = Corrupt(2, model, 1.0, 10, count);
    std::vector<double> steps(10);
    for (int i = 0; i < count; ++i) {
      ++steps[(noisy.after[i] - noisy.before[i] + 10) % 10];
    }
    int first = model == AIT_NOISE_SYMMETRIC ? 1 : 0;
    double expected = count / (10.0 - first), chi = 0;
    for (int s = first; s < 10; ++s) {
      chi += std::pow(steps[s] - expected, 2) / expected;
    }
    EXPECT_LE(chi, first == 1 ? 26.1 : 27.9);
  }
}

TEST(Noise, DependsOnTheSeedAlone) {
  Noisy a = Corrupt(3, AIT_NOISE_SYMMETRIC, 0.5, 10, 2000), b = Corrupt(3, AIT_NOISE_SYMMETRIC, 0.5, 10, 2000);
  EXPECT_EQ(a.after, b.after);
  EXPECT_EQ(a.redrawn, b.redrawn);
  EXPECT_NE(Corrupt(4, AIT_NOISE_SYMMETRIC, 0.5, 10, 2000).redrawn, a.redrawn);
}

/* Rows and labels have streams of their own: a higher rate redraws more rows, the same ones alike. */
TEST(Noise, HigherRateKeepsWhatALowerOneDrew) {
  Noisy low = Corrupt(3, AIT_NOISE_SYMMETRIC, 0.2, 10, 2000), high = Corrupt(3, AIT_NOISE_SYMMETRIC, 0.6, 10, 2000);
  for (int i = 0; i < 2000; ++i) {
    if (low.redrawn[i] == 1) {
      EXPECT_EQ(high.redrawn[i], 1);
      EXPECT_EQ(high.after[i], low.after[i]);
    }
  }
}

/* The rows redrawn are no function of the rows that a split of the same seed draws. */
TEST(Noise, RowsAreIndependentOfTheSplit) {
  const int64_t half = 1000;
  std::vector<int64_t> rows(half);
  ASSERT_EQ(ait_split(3, 2000, 1, &half, rows.data()), AIT_OK);
  Noisy noisy = Corrupt(3, AIT_NOISE_SYMMETRIC, 0.5, 10, 2000);
  int both = 0;
  for (int64_t i : rows) {
    both += noisy.redrawn[i];
  }
  EXPECT_LE(std::abs(both - 500), 45); /* hypergeometric, standard deviation 11.2: four of them */
}

TEST(Noise, RefusesBadArguments) {
  int32_t labels[] = {0, 1, 5, 2};
  uint8_t redrawn[4];
  EXPECT_EQ(ait_corrupt_labels(1, AIT_NOISE_PAIR, 0.5, 5, 4, labels, redrawn), AIT_INVALID_ARGUMENT);
  EXPECT_NE(std::string(ait_last_error()).find("label of row 2"), std::string::npos) << ait_last_error();
  EXPECT_EQ(labels[0], 0);
  for (double rate : {-0.1, 1.1, std::nan("")}) {
    EXPECT_EQ(ait_corrupt_labels(1, AIT_NOISE_PAIR, rate, 6, 4, labels, redrawn), AIT_INVALID_ARGUMENT);
  }
  EXPECT_EQ(ait_corrupt_labels(1, AIT_NOISE_PAIR, 0.5, 1, 4, labels, redrawn), AIT_INVALID_ARGUMENT);
  EXPECT_EQ(ait_corrupt_labels(1, AIT_NOISE_PAIR, 0.5, 6, -1, labels, redrawn), AIT_INVALID_ARGUMENT);
  EXPECT_EQ(ait_corrupt_labels(1, AIT_NOISE_MODEL_COUNT, 0.5, 6, 4, labels, redrawn), AIT_INVALID_ARGUMENT);
  EXPECT_EQ(ait_corrupt_labels(1, AIT_NOISE_PAIR, 0.5, 6, 0, labels, redrawn), AIT_OK);
}

TEST(Noise, ModelsHaveNames) {
  for (int i = 0; i < AIT_NOISE_MODEL_COUNT; ++i) {
    const ait_noise_model model = static_cast<ait_noise_model>(i);
    ait_noise_model found;
    ASSERT_EQ(ait_noise_model_by_name(ait_noise_model_name(model), &found), AIT_OK);
    EXPECT_EQ(found, model);
  }
  ait_noise_model found;
  EXPECT_EQ(ait_noise_model_by_name("uniform", &found), AIT_INVALID_ARGUMENT);
  EXPECT_NE(std::string(ait_last_error()).find("uniform"), std::string::npos);
}

/* ---- asymmetric noise ------------------------------------------------------------------------ */

const std::vector<int32_t> kPartners = {-1, 3, -1, 1, 0};

/* Labels in no order, the classes of unequal size. */
std::vector<int32_t> UnequalLabels(int64_t count) {
  std::vector<int32_t> labels;
  for (int64_t i = 0; i < count; ++i) {
    labels.push_back(static_cast<int32_t>(ait_random_below(9, 0, i, 15) % 7 % 5));
  }
  return labels;
}

Noisy Asymmetric(uint64_t seed, double rate, const std::vector<int32_t> &labels) {
  Noisy noisy = {labels, labels, std::vector<uint8_t>(labels.size(), 9)};
  EXPECT_EQ(ait_corrupt_labels_asymmetric(seed, rate, 5, kPartners.data(), static_cast<int64_t>(labels.size()),
                                          noisy.after.data(), noisy.redrawn.data()),
            AIT_OK)
      << ait_last_error();
  return noisy;
}

TEST(AsymmetricNoise, HitsTheSameShareOfEveryClassWithAPartner) {
  const std::vector<int32_t> labels = UnequalLabels(1003);
  for (double rate : {0.0, 0.1, 0.4, 0.731, 1.0}) {
    Noisy noisy = Asymmetric(6, rate, labels);
    std::array<int64_t, 5> rows{}, redrawn{};
    for (size_t i = 0; i < labels.size(); ++i) {
      ASSERT_LE(noisy.redrawn[i], 1);
      ++rows[labels[i]];
      redrawn[labels[i]] += noisy.redrawn[i];
      EXPECT_EQ(noisy.after[i], noisy.redrawn[i] == 1 ? kPartners[labels[i]] : labels[i]);
    }
    for (int c = 0; c < 5; ++c) {
      ASSERT_GT(rows[c], 50);
      EXPECT_EQ(redrawn[c], kPartners[c] < 0 ? 0 : std::llround(rate * static_cast<double>(rows[c])))
          << c << " " << rate;
    }
  }
}

TEST(AsymmetricNoise, DependsOnTheSeedAloneAndGrowsWithTheRate) {
  const std::vector<int32_t> labels = UnequalLabels(1003);
  Noisy low = Asymmetric(6, 0.2, labels), high = Asymmetric(6, 0.6, labels);
  EXPECT_EQ(Asymmetric(6, 0.2, labels).after, low.after);
  EXPECT_NE(Asymmetric(7, 0.2, labels).after, low.after);
  for (size_t i = 0; i < labels.size(); ++i) {
    EXPECT_LE(low.redrawn[i], high.redrawn[i]);
  }
}

/* Ten rows of each class, three of them redrawn: over 4,000 seeds each row's count is binomial with 0.3, standard
 * deviation 29; of the 30 counts none should be 4.5 of them off. */
TEST(AsymmetricNoise, EveryRowOfAClassIsAsLikely) {
  std::vector<int32_t> labels;
  for (int i = 0; i < 50; ++i) {
    labels.push_back(i % 5);
  }
  std::vector<int> count(50);
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    Noisy noisy = Asymmetric(seed, 0.3, labels);
    for (int i = 0; i < 50; ++i) {
      count[i] += noisy.redrawn[i];
    }
  }
  for (int i = 0; i < 50; ++i) {
    EXPECT_NEAR(count[i], kPartners[i % 5] < 0 ? 0 : 1200, 4.5 * 29) << i;
  }
}

TEST(AsymmetricNoise, RefusesBadArguments) {
  int32_t labels[] = {0, 1, 2, 1}, to_itself[] = {1, 1, -1}, too_large[] = {1, 3, -1}, negative[] = {-2, 0, 0};
  uint8_t redrawn[4];
  auto corrupt = [&](const int32_t *partners, double rate) {
    return ait_corrupt_labels_asymmetric(1, rate, 3, partners, 4, labels, redrawn);
  };
  EXPECT_EQ(corrupt(nullptr, 0.5), AIT_INVALID_ARGUMENT);
  EXPECT_TRUE(Says("asymmetric noise needs the partners"));
  EXPECT_EQ(corrupt(to_itself, 0.5), AIT_INVALID_ARGUMENT);
  EXPECT_TRUE(Says("the partner of class 1 is 1; expected another class from 0 to 2, or -1"));
  EXPECT_EQ(corrupt(too_large, 0.5), AIT_INVALID_ARGUMENT);
  EXPECT_EQ(corrupt(negative, 0.5), AIT_INVALID_ARGUMENT);
  EXPECT_EQ(corrupt(kPartners.data(), 1.5), AIT_INVALID_ARGUMENT);
  EXPECT_EQ(ait_corrupt_labels(1, AIT_NOISE_ASYMMETRIC, 0.5, 3, 4, labels, redrawn), AIT_INVALID_ARGUMENT);
  EXPECT_TRUE(Says("ait_corrupt_labels_asymmetric"));
  EXPECT_EQ(ait_corrupt_labels(1, AIT_NOISE_FEATURE, 0.5, 3, 4, labels, redrawn), AIT_INVALID_ARGUMENT);
  EXPECT_TRUE(Says("ait_corrupt_labels_feature"));
  EXPECT_EQ(labels[1], 1);
}

/* ---- feature-dependent noise ------------------------------------------------------------------- */

struct Rows {
  int64_t features;
  std::vector<double> values;
  std::vector<int32_t> labels;

  int64_t Count() const {
    return static_cast<int64_t>(labels.size());
  }
  Matrix View() const {
    ait_matrix *view = nullptr;
    EXPECT_EQ(ait_matrix_view(AIT_F64, Count(), features, features, values.data(), &view), AIT_OK);
    return Matrix(view);
  }
};

/* Clouds around the corners of a triangle, one of them half as wide; class 1 of the four has no rows. */
Rows Clouds(int64_t count) {
  const double corners[3][2] = {{0, 0}, {2, 0.3}, {0.4, 1.5}};
  Rows rows = {2, {}, {}};
  for (int64_t i = 0; i < count; ++i) {
    const int64_t cloud = i * 5 % 3;
    const double width = cloud == 1 ? 0.6 : 1.2;
    for (int j = 0; j < 2; ++j) {
      const double around = ait_random_uniform(1, 0, 4 * i + j) + ait_random_uniform(1, 0, 4 * i + 2 + j) - 1;
      rows.values.push_back(corners[cloud][j] + width * around);
    }
    rows.labels.push_back(cloud == 0 ? 0 : static_cast<int32_t>(cloud) + 1);
  }
  return rows;
}

Noisy Feature(uint64_t seed, double rate, const ait_matrix *view, const std::vector<int32_t> &labels) {
  Noisy noisy = {labels, labels, std::vector<uint8_t>(labels.size(), 9)};
  EXPECT_EQ(ait_corrupt_labels_feature(seed, rate, 4, view, noisy.after.data(), noisy.redrawn.data()), AIT_OK)
      << ait_last_error();
  return noisy;
}

/* The formula of docs/derivation.md#wrong-labels, written from the distances themselves. */
struct Expected {
  std::vector<int32_t> labels;
  std::vector<double> chances; /* of being the first row that is drawn */
};

double SquaredDistance(const Rows &rows, int64_t i, int32_t label) {
  std::vector<double> mean(rows.features);
  const double members = static_cast<double>(std::count(rows.labels.begin(), rows.labels.end(), label));
  double sum = 0;
  for (int64_t j = 0; j < rows.features; ++j) {
    for (int64_t k = 0; k < rows.Count(); ++k) {
      mean[j] += rows.labels[k] == label ? rows.values[k * rows.features + j] / members : 0;
    }
    sum += std::pow(rows.values[i * rows.features + j] - mean[j], 2);
  }
  return members > 0 ? sum : INFINITY;
}

Expected ExpectedNoise(const Rows &rows) {
  Expected expected;
  std::vector<double> closeness;
  double mean = 0, variance = 0, total = 0;
  for (int64_t i = 0; i < rows.Count(); ++i) {
    double nearest = INFINITY, own = SquaredDistance(rows, i, rows.labels[i]);
    expected.labels.push_back(-1);
    for (int32_t c = 0; c < 4; ++c) {
      const double distance = SquaredDistance(rows, i, c);
      if (c != rows.labels[i] && distance < nearest) {
        nearest = distance;
        expected.labels.back() = c;
      }
    }
    closeness.push_back(own / (own + nearest));
    mean += closeness.back() / static_cast<double>(rows.Count());
  }
  for (double t : closeness) {
    variance += (t - mean) * (t - mean) / static_cast<double>(rows.Count());
  }
  for (double t : closeness) {
    expected.chances.push_back(std::exp((t - mean) / std::sqrt(variance)));
    total += expected.chances.back();
  }
  for (double &chance : expected.chances) {
    chance /= total;
  }
  return expected;
}

TEST(FeatureNoise, CountIsExactAndTheLabelIsTheNearestOtherMean) {
  const Rows rows = Clouds(301);
  const Expected expected = ExpectedNoise(rows);
  for (double rate : {0.0, 0.1, 0.5, 1.0}) {
    Noisy noisy = Feature(3, rate, rows.View().get(), rows.labels);
    int64_t redrawn = 0;
    for (int64_t i = 0; i < rows.Count(); ++i) {
      ASSERT_LE(noisy.redrawn[i], 1);
      redrawn += noisy.redrawn[i];
      EXPECT_EQ(noisy.after[i], noisy.redrawn[i] == 1 ? expected.labels[i] : rows.labels[i]) << i;
    }
    EXPECT_EQ(redrawn, std::llround(rate * 301));
  }
}

/* Two of 20 rows are drawn with 20,000 seeds. Row i is among them with the chance p_i + sum over the others j of
 * p_j p_i / (1 - p_j); its count is binomial, and 4.5 standard deviations are exceeded once in 7,000 tests. */
TEST(FeatureNoise, RowsAreDrawnByTheirWeights) {
  const int seeds = 20000;
  const Rows rows = Clouds(20);
  const std::vector<double> p = ExpectedNoise(rows).chances;
  ASSERT_GT(*std::max_element(p.begin(), p.end()), 8 * *std::min_element(p.begin(), p.end())) << "weights too alike";
  const Matrix view = rows.View();
  std::vector<int> count(20);
  for (int seed = 0; seed < seeds; ++seed) {
    Noisy noisy = Feature(seed, 0.1, view.get(), rows.labels);
    for (int i = 0; i < 20; ++i) {
      count[i] += noisy.redrawn[i];
    }
  }
  for (int i = 0; i < 20; ++i) {
    double chance = p[i];
    for (int j = 0; j < 20; ++j) {
      chance += j != i ? p[j] * p[i] / (1 - p[j]) : 0;
    }
    EXPECT_NEAR(count[i], seeds * chance, 4.5 * std::sqrt(seeds * chance * (1 - chance))) << i;
  }
}

TEST(FeatureNoise, DependsOnTheSeedAloneAndGrowsWithTheRate) {
  const Rows rows = Clouds(301);
  const Matrix view = rows.View();
  Noisy low = Feature(3, 0.2, view.get(), rows.labels), high = Feature(3, 0.6, view.get(), rows.labels);
  EXPECT_EQ(Feature(3, 0.2, view.get(), rows.labels).after, low.after);
  EXPECT_NE(Feature(4, 0.2, view.get(), rows.labels).after, low.after);
  for (int64_t i = 0; i < rows.Count(); ++i) {
    EXPECT_LE(low.redrawn[i], high.redrawn[i]);
  }
}

/* The same values in another layout and of another type, and features on another scale. */
TEST(FeatureNoise, SeesValuesAlone) {
  const int64_t count = 200, features = 3, stride = 5;
  Rows rows = {features, {}, {}}, large = rows;
  std::vector<uint8_t> bytes(count * stride, 255);
  for (int64_t i = 0; i < count; ++i) {
    rows.labels.push_back(static_cast<int32_t>(i % 4));
    for (int64_t j = 0; j < features; ++j) {
      bytes[i * stride + j] = static_cast<uint8_t>(20 * (i % 4) + ait_random_below(2, 0, i * features + j, 100));
      rows.values.push_back(0.5 * bytes[i * stride + j] + 3);
      large.values.push_back(1024 * rows.values.back());
    }
  }
  large.labels = rows.labels;
  ait_matrix *made = nullptr;
  ASSERT_EQ(ait_matrix_view(AIT_U8, count, features, stride, bytes.data(), &made), AIT_OK);
  const Matrix view(made);
  const double scale[] = {0.5, 0.5, 0.5}, shift[] = {3, 3, 3};
  ASSERT_EQ(ait_matrix_set_scale(view.get(), scale, shift), AIT_OK);
  const Noisy expected = Feature(1, 0.3, rows.View().get(), rows.labels);
  EXPECT_EQ(Feature(1, 0.3, view.get(), rows.labels).after, expected.after);
  EXPECT_EQ(Feature(1, 0.3, large.View().get(), rows.labels).after, expected.after);
}

/* Rows that are all alike, and rows on their own means, have weights that are all equal. */
TEST(FeatureNoise, RowsWithoutADifference) {
  const Rows alike = {1, std::vector<double>(40, 2.5), UnequalLabels(40)};
  Noisy noisy = {alike.labels, alike.labels, std::vector<uint8_t>(40)};
  ASSERT_EQ(ait_corrupt_labels_feature(1, 0.5, 5, alike.View().get(), noisy.after.data(), noisy.redrawn.data()),
            AIT_OK);
  EXPECT_EQ(std::count(noisy.redrawn.begin(), noisy.redrawn.end(), 1), 20);
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(noisy.after[i] != alike.labels[i], noisy.redrawn[i] == 1);
  }
}

TEST(FeatureNoise, RefusesWhatHasNoDistances) {
  Rows rows = Clouds(30);
  std::vector<uint8_t> redrawn(30);
  std::vector<int32_t> labels = rows.labels;
  auto corrupt = [&](double rate, int32_t classes) {
    return ait_corrupt_labels_feature(1, rate, classes, rows.View().get(), labels.data(), redrawn.data());
  };
  EXPECT_EQ(corrupt(1.5, 4), AIT_INVALID_ARGUMENT);
  EXPECT_EQ(corrupt(0.5, 3), AIT_INVALID_ARGUMENT) << "a label of 3";
  rows.values[7] = std::nan("");
  EXPECT_EQ(corrupt(0.5, 4), AIT_BAD_DATA);
  EXPECT_TRUE(Says("the features of the rows"));
  rows.values[7] = 1e300; /* not finite as a float, and its square not even as a double */
  EXPECT_EQ(corrupt(0.5, 4), AIT_BAD_DATA);
  EXPECT_EQ(labels, rows.labels);
  rows.values[7] = 1;
  labels.assign(30, 2);
  EXPECT_EQ(corrupt(0.5, 4), AIT_BAD_DATA);
  EXPECT_TRUE(Says("rows of two classes or more"));
  EXPECT_EQ(corrupt(0, 4), AIT_OK);
}

}  // namespace
