// test_mlp_slots.cc - networks with activations over more rows than one slot of the CPU device holds: threads
// change no bit, and a pass over all rows is the mean of passes over parts, which other slots and chunks make up.
#include <memory>

extern "C" {
#include "problems/network.h"
}

#include "device_cases.h"

namespace device_tests {
namespace {

// A few slots of one chunk of rows each; and 64 slots, each of a few rows more than a chunk may have.
constexpr int64_t kRows = 1300, kManyRows = 33000;
constexpr int64_t kFeatures = 37, kHidden = 21, kClasses = 5;

struct Results {
  Reals loss{0}, gradient, product, cross, noise_cross;  // the last: where labels are noisy
};

struct SlotCase {
  ait_activation activation;
  bool noisy;
};

class MlpSlots : public testing::TestWithParam<SlotCase> {
 protected:
  void SetUp() override {
    const int64_t sizes[] = {kFeatures, kHidden, kClasses};
    ait_network network = {};
    network.layers = 2;
    network.sizes = sizes;
    network.activation = GetParam().activation;
    ASSERT_EQ(AIT_OK, ait_shape_of(&network, &shape_));
    y_ = RandomReals(1, shape_.parameters, -0.4, 0.4);
    v_ = RandomReals(2, shape_.parameters, -0.4, 0.4);
    x_ = RandomReals(3, kManyRows, -3, 3);
    scale_ = RandomReals(4, kFeatures, 0.002, 0.004);
    shift_ = RandomReals(5, kFeatures, -0.5, 0.1);
    labels_ = RandomLabels(6, kManyRows, kClasses);
    log_noise_ = RandomReals(8, kClasses * kClasses, -4, -0.5);
    std::mt19937_64 engine(7);
    for (int64_t i = 0; i < kManyRows * kFeatures; ++i) {
      pixels_.push_back(static_cast<uint8_t>(engine() % 256));
    }
  }

  // Loss and gradient, then products and cross terms, of the rows begin .. end - 1.
  Results Run(int32_t threads, int64_t begin, int64_t end) const {
    ait_device device;
    EXPECT_EQ(AIT_OK, ait_device_open_cpu(threads, &device));
    const ait_rows rows = {AIT_U8,        end - begin,   kFeatures, kFeatures, pixels_.data() + begin * kFeatures,
                           scale_.data(), shift_.data(), nullptr};
    Results results;
    results.gradient.assign(static_cast<size_t>(shape_.parameters), kNan);
    results.product = results.gradient;
    results.cross.assign(static_cast<size_t>(end - begin), kNan);
    ait_network_pass pass = {};
    pass.rows = &rows;
    pass.targets.labels = labels_.data() + begin;
    pass.targets.x = x_.data() + begin;
    pass.targets.log_noise = GetParam().noisy ? log_noise_.data() : nullptr;
    pass.y = y_.data();
    pass.loss = results.loss.data();
    pass.gradient = results.gradient.data();
    const size_t bytes = ait_network_workspace(&device, &shape_, &rows, GetParam().noisy);
    const auto workspace = std::make_unique<uint8_t[]>(bytes);
    std::memset(workspace.get(), 0xff, bytes);
    EXPECT_EQ(AIT_OK, ait_network_run(&device, &shape_, &pass, workspace.get())) << ait_last_error();
    pass.loss = pass.gradient = nullptr;
    pass.v = v_.data();
    pass.product = results.product.data();
    pass.cross = results.cross.data();
    if (GetParam().noisy) {
      results.noise_cross.assign(kClasses * kClasses, kNan);
      pass.noise_cross = results.noise_cross.data();
    }
    EXPECT_EQ(AIT_OK, ait_network_run(&device, &shape_, &pass, workspace.get())) << ait_last_error();
    device.runtime->close(&device);
    return results;
  }

  ait_shape shape_;
  Reals y_, v_, x_, scale_, shift_, log_noise_;
  std::vector<int32_t> labels_;
  std::vector<uint8_t> pixels_;
};

INSTANTIATE_TEST_SUITE_P(Activations, MlpSlots,
                         testing::Values(SlotCase{AIT_ACTIVATION_RELU, false}, SlotCase{AIT_ACTIVATION_TANH, false},
                                         SlotCase{AIT_ACTIVATION_RELU, true}),
                         [](const auto &tested) {
                           return std::string(tested.param.noisy ? "noisy_" : "") +
                                  (tested.param.activation == AIT_ACTIVATION_TANH ? "tanh" : "relu");
                         });

TEST_P(MlpSlots, ThreadsChangeNoBit) {
  const Results one = Run(1, 0, kRows);
  for (int32_t threads : {2, 3, 7}) {
    SCOPED_TRACE(testing::Message() << threads << " threads");
    const Results several = Run(threads, 0, kRows);
    EXPECT_TRUE(SameBits(one.loss, several.loss));
    EXPECT_TRUE(SameBits(one.gradient, several.gradient));
    EXPECT_TRUE(SameBits(one.product, several.product));
    EXPECT_TRUE(SameBits(one.cross, several.cross));
    EXPECT_TRUE(SameBits(one.noise_cross, several.noise_cross));
  }
}

// share * values, added to a sum.
void Add(double share, const Reals &values, std::vector<double> *sum) {
  sum->resize(values.size(), 0);
  for (size_t i = 0; i < values.size(); ++i) {
    (*sum)[i] += share * static_cast<double>(values[i]);
  }
}

// The means over parts of the rows, weighed by their shares: the mean over all.
Results MeanOfParts(const std::vector<Results> &parts, const std::vector<double> &share) {
  std::vector<double> loss, gradient, product, noise_cross;
  Results mean;
  for (size_t p = 0; p < parts.size(); ++p) {
    Add(share[p], parts[p].loss, &loss);
    Add(share[p], parts[p].gradient, &gradient);
    Add(share[p], parts[p].product, &product);
    Add(share[p], parts[p].noise_cross, &noise_cross);
    for (ait_real term : parts[p].cross) {
      mean.cross.push_back(static_cast<ait_real>(share[p] * static_cast<double>(term)));
    }
  }
  mean.loss.assign(loss.begin(), loss.end());
  mean.gradient.assign(gradient.begin(), gradient.end());
  mean.product.assign(product.begin(), product.end());
  mean.noise_cross.assign(noise_cross.begin(), noise_cross.end());
  return mean;
}

TEST_P(MlpSlots, SlotsAndChunksAddUp) {
  for (const std::vector<int64_t> &ends : {std::vector<int64_t>{0, 500, 1000, kRows}, {0, 20000, kManyRows}}) {
    SCOPED_TRACE(testing::Message() << ends.back() << " rows");
    const Results all = Run(2, 0, ends.back());
    std::vector<Results> parts;
    std::vector<double> share;
    for (size_t p = 0; p + 1 < ends.size(); ++p) {
      parts.push_back(Run(2, ends[p], ends[p + 1]));
      share.push_back(static_cast<double>(ends[p + 1] - ends[p]) / static_cast<double>(ends.back()));
    }
    const Results expected = MeanOfParts(parts, share);
    // Both sides round alike, each within a few epsilon.
    EXPECT_LE(RelativeError(all.loss, expected.loss), 16 * kEpsilon);
    EXPECT_LE(RelativeError(all.gradient, expected.gradient), 32 * kEpsilon);
    EXPECT_LE(RelativeError(all.product, expected.product), 32 * kEpsilon);
    EXPECT_LE(RelativeError(all.cross, expected.cross), 32 * kEpsilon);
    EXPECT_LE(RelativeError(all.noise_cross, expected.noise_cross), 32 * kEpsilon);
  }
}

}  // namespace
}  // namespace device_tests
