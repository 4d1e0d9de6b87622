/* test_dataset.cc - published data sets and where they are looked for, and a user's own arrays. */
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "ait/dataset.h"
#include "data/duplicates.h"
#include "data_support.h"

namespace {

/* Sets AIT_DATA_DIR, or removes it for NULL, until the end of the test. */
class DataDir {
 public:
  explicit DataDir(const char *value) {
    const char *before = std::getenv("AIT_DATA_DIR");
    had_ = before != nullptr;
    before_ = had_ ? before : "";
    Set(value);
  }
  ~DataDir() {
    Set(had_ ? before_.c_str() : nullptr);
  }
  DataDir(const DataDir &) = delete;
  DataDir &operator=(const DataDir &) = delete;

 private:
  static void Set(const char *value) {
    if (value != nullptr) {
      setenv("AIT_DATA_DIR", value, 1);
    } else {
      unsetenv("AIT_DATA_DIR");
    }
  }
  bool had_;
  std::string before_;
};

Dataset Load(const char *name, const char *directory, ait_part part) {
  ait_dataset *dataset = nullptr;
  EXPECT_EQ(ait_dataset_load(name, directory, part, &dataset), AIT_OK) << ait_last_error();
  return Dataset(dataset);
}

void ExpectLoadFails(const char *name, const char *directory, ait_status status,
                     std::initializer_list<std::string> parts) {
  ait_dataset *dataset = nullptr;
  EXPECT_EQ(ait_dataset_load(name, directory, AIT_TRAIN_PART, &dataset), status) << ait_last_error();
  EXPECT_EQ(dataset, nullptr);
  EXPECT_TRUE(Says(parts));
  ait_dataset_destroy(dataset);
}

std::string IdxImages(unsigned char rows, unsigned char first_pixel) {
  std::string bytes("\0\0\x08\x03\0\0\0", 7);
  bytes += static_cast<char>(rows);
  bytes += std::string("\0\0\0\2\0\0\0\3", 8);
  for (int k = 0; k < rows * 6; ++k) {
    bytes += static_cast<char>(first_pixel + k);
  }
  return bytes;
}

std::string IdxLabels(const std::string &labels) {
  return std::string("\0\0\x08\x01\0\0\0", 7) + static_cast<char>(labels.size()) + labels;
}

/* Two folders, each with another first pixel, so that the folder that was read can be told. */
void WritePart(const TempFolder &folder, const std::string &below, const std::string &separator,
               unsigned char first_pixel) {
  folder.Write(below + "train-images" + separator + "idx3-ubyte", IdxImages(3, first_pixel));
  folder.Write(below + "train-labels" + separator + "idx1-ubyte", IdxLabels("\1\2\3"));
}

int FirstPixel(const Dataset &dataset) {
  return static_cast<const uint8_t *>(ait_matrix_data(ait_dataset_images(dataset.get())))[0];
}

/* ---- published data sets ------------------------------------------------------------------- */

/* Both parts as published: sizes, 28 x 28 pixels, every class as often as it should come. */
void ExpectPublished(const char *name, const char *directory, bool balanced) {
  for (ait_part part : {AIT_TRAIN_PART, AIT_TEST_PART}) {
    Dataset dataset = Load(name, directory, part);
    ASSERT_NE(dataset, nullptr);
    const int64_t rows = part == AIT_TRAIN_PART ? 60000 : 10000;
    const ait_matrix *images = ait_dataset_images(dataset.get());
    ASSERT_EQ(ait_dataset_rows(dataset.get()), rows);
    ASSERT_EQ(ait_matrix_rows(images), rows);
    EXPECT_EQ(ait_matrix_columns(images), 784);
    EXPECT_EQ(ait_matrix_type(images), AIT_U8);
    EXPECT_EQ(ait_dataset_classes(dataset.get()), 10);
    std::vector<int64_t> count(10);
    for (int64_t i = 0; i < rows; ++i) {
      ++count.at(ait_dataset_labels(dataset.get())[i]);
    }
    for (int64_t c : count) {
      EXPECT_LE(std::llabs(c - rows / 10), balanced ? 0 : rows / 50);
    }
    double mean = 0;
    for (int64_t i = 0; i < 1000; ++i) {
      for (int64_t j = 0; j < 784; ++j) {
        double value = ait_matrix_value(images, i, j);
        mean += value / 784000;
        ASSERT_TRUE(value >= 0 && value <= 1);
      }
    }
    EXPECT_NEAR(mean, balanced ? 0.286 : 0.131, 0.015); /* the published means of the pixels */
  }
}

TEST(DatasetLoad, FashionMnistOfTheSystem) {
  DataDir none(nullptr);
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist")) {
    GTEST_SKIP() << "the package dataset-fashion-mnist is not installed";
  }
  ExpectPublished("fashion-mnist", nullptr, true);
  Dataset dataset = Load("fashion-mnist", nullptr, AIT_TRAIN_PART);
  const int32_t first[] = {9, 0, 0, 3, 0, 2, 7, 2, 5, 5}; /* as every tutorial shows them */
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(ait_dataset_labels(dataset.get())[i], first[i]);
  }
}

TEST(DatasetLoad, MnistOfSharedMaterial) {
  std::filesystem::path folder = SharedFolder() / "data" / "mnist";
  if (!std::filesystem::exists(folder)) {
    GTEST_SKIP() << "no MNIST in " << folder;
  }
  ExpectPublished("mnist", folder.c_str(), false);
  Dataset dataset = Load("mnist", folder.c_str(), AIT_TRAIN_PART);
  const int32_t first[] = {5, 0, 4, 1, 9, 2, 1, 3, 1, 4};
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(ait_dataset_labels(dataset.get())[i], first[i]);
  }
}

TEST(DatasetLoad, PixelsHaveScale) {
  TempFolder folder;
  WritePart(folder, "", "-", 254);
  Dataset dataset = Load("mnist", folder.Path().c_str(), AIT_TRAIN_PART);
  const ait_matrix *images = ait_dataset_images(dataset.get());
  EXPECT_EQ(ait_matrix_columns(images), 6);
  EXPECT_EQ(ait_matrix_shift(images), nullptr);
  for (int j = 0; j < 6; ++j) {
    EXPECT_EQ(ait_matrix_scale(images)[j], 1.0 / 255.0);
  }
  EXPECT_EQ(ait_matrix_value(images, 0, 1), 1.0);
  EXPECT_EQ(ait_matrix_value(images, 0, 2), 0.0);
  EXPECT_EQ(ait_dataset_labels(dataset.get())[2], 3);
}

TEST(DatasetLoad, ClassNames) {
  TempFolder folder;
  WritePart(folder, "", "-", 0);
  Dataset clothes = Load("fashion-mnist", folder.Path().c_str(), AIT_TRAIN_PART);
  EXPECT_STREQ(ait_dataset_class_name(clothes.get(), 0), "T-shirt/top");
  EXPECT_STREQ(ait_dataset_class_name(clothes.get(), 9), "Ankle boot");
  EXPECT_EQ(ait_dataset_class_name(clothes.get(), -1), nullptr);
  EXPECT_EQ(ait_dataset_class_name(clothes.get(), 10), nullptr);
  Dataset digits = Load("mnist", folder.Path().c_str(), AIT_TRAIN_PART);
  EXPECT_STREQ(ait_dataset_class_name(digits.get(), 7), "7");
}

/* Classes that are mistaken for others, by name. */
std::vector<std::string> PartnersByName(const ait_dataset *dataset) {
  std::vector<std::string> pairs;
  for (int32_t c = 0; c < ait_dataset_classes(dataset); ++c) {
    const int32_t partner = ait_dataset_partners(dataset)[c];
    if (partner != -1) {
      pairs.push_back(std::string(ait_dataset_class_name(dataset, c)) + " for " +
                      ait_dataset_class_name(dataset, partner));
    }
  }
  return pairs;
}

TEST(DatasetLoad, Partners) {
  TempFolder folder;
  WritePart(folder, "", "-", 0);
  const std::vector<std::string> clothes = {"T-shirt/top for Shirt", "Pullover for Coat",     "Coat for Pullover",
                                            "Sandal for Sneaker",    "Shirt for T-shirt/top", "Sneaker for Ankle boot"};
  EXPECT_EQ(PartnersByName(Load("fashion-mnist", folder.Path().c_str(), AIT_TRAIN_PART).get()), clothes);
  const std::vector<std::string> digits = {"2 for 7", "3 for 8", "5 for 6", "6 for 5", "7 for 1"};
  EXPECT_EQ(PartnersByName(Load("mnist", folder.Path().c_str(), AIT_TRAIN_PART).get()), digits);
}

TEST(DatasetLoad, BothSpellingsOfTheFiles) {
  for (const char *separator : {"-", "."}) {
    TempFolder folder;
    WritePart(folder, "", separator, 7);
    EXPECT_EQ(FirstPixel(Load("mnist", folder.Path().c_str(), AIT_TRAIN_PART)), 7);
  }
}

/* AIT_DATA_DIR/NAME goes before AIT_DATA_DIR, a directory that is given before both. */
TEST(DatasetLoad, OrderOfPlaces) {
  TempFolder folder, given;
  DataDir data_dir(folder.Path().c_str());
  WritePart(folder, "", "-", 1);
  EXPECT_EQ(FirstPixel(Load("mnist", nullptr, AIT_TRAIN_PART)), 1);
  WritePart(folder, "MNIST/raw/", "-", 9);
  EXPECT_EQ(FirstPixel(Load("mnist", nullptr, AIT_TRAIN_PART)), 1);
  WritePart(folder, "mnist/", "-", 2);
  EXPECT_EQ(FirstPixel(Load("mnist", nullptr, AIT_TRAIN_PART)), 2);
  EXPECT_EQ(FirstPixel(Load("fashion-mnist", nullptr, AIT_TRAIN_PART)), 1);
  WritePart(given, "MNIST/raw/", "-", 3);
  EXPECT_EQ(FirstPixel(Load("mnist", given.Path().c_str(), AIT_TRAIN_PART)), 3);
}

TEST(DatasetLoad, MissingDataSaysWhereItLooked) {
  TempFolder folder;
  {
    DataDir data_dir(folder.Path().c_str());
    ExpectLoadFails("cifar10", nullptr, AIT_NOT_FOUND,
                    {"data set cifar10", folder.Path("cifar10") + ", " + folder.Path() + ", ",
                     "/usr/share/datasets/cifar10", "cifar-10-batches-bin", "--data-dir", "AIT_DATA_DIR"});
  }
  DataDir none(nullptr);
  ExpectLoadFails("fashion-mnist", folder.Path().c_str(), AIT_NOT_FOUND,
                  {"no train-images-idx3-ubyte.gz in " + folder.Path() + " (", "package dataset-fashion-mnist"});
  ExpectLoadFails("mnist", folder.Path("none").c_str(), AIT_NOT_FOUND, {folder.Path("none"), "IDX files"});
}

TEST(DatasetLoad, LongPlacesDoNotHideTheAdvice) {
  std::string long_name = "/" + std::string(900, 'x');
  DataDir data_dir(long_name.c_str());
  ExpectLoadFails("cifar10", nullptr, AIT_NOT_FOUND, {"data set cifar10", " ...", "--data-dir or AIT_DATA_DIR"});
}

TEST(DatasetLoad, HalfADataSet) {
  TempFolder folder;
  folder.Write("train-images-idx3-ubyte", IdxImages(3, 0));
  ExpectLoadFails("mnist", folder.Path().c_str(), AIT_NOT_FOUND,
                  {folder.Path("train-labels-idx1-ubyte.gz"), "is missing", "beside train-images-idx3-ubyte"});
  std::string labels = folder.Write("train-labels-idx1-ubyte", IdxLabels("\1\2"));
  ExpectLoadFails("mnist", folder.Path().c_str(), AIT_BAD_DATA,
                  {labels + " holds 2 labels", folder.Path("train-images-idx3-ubyte") + " holds 3 images"});
  folder.Write("train-labels-idx1-ubyte", IdxLabels("\1\2\x0a"));
  ExpectLoadFails("mnist", folder.Path().c_str(), AIT_BAD_DATA, {labels, "label of row 2", "is 10", "expected 0 to 9"});
  folder.Write("train-images-idx3-ubyte", "broken");
  ExpectLoadFails("mnist", folder.Path().c_str(), AIT_BAD_DATA, {folder.Path("train-images-idx3-ubyte")});
}

TEST(DatasetLoad, UnknownNameAndPart) {
  ExpectLoadFails("imagenet", nullptr, AIT_INVALID_ARGUMENT, {"imagenet", "fashion-mnist, mnist or cifar10"});
  ait_dataset *dataset = nullptr;
  EXPECT_EQ(ait_dataset_load("mnist", nullptr, static_cast<ait_part>(7), &dataset), AIT_INVALID_ARGUMENT);
  ait_dataset_destroy(nullptr);
}

TEST(DatasetLoad, Cifar10) {
  TempFolder folder;
  for (int batch = 1; batch <= 5; ++batch) {
    std::string record(3073, static_cast<char>(batch));
    folder.Write("cifar-10-batches-bin/data_batch_" + std::to_string(batch) + ".bin", record + record);
  }
  Dataset dataset = Load("cifar10", folder.Path().c_str(), AIT_TRAIN_PART);
  ASSERT_EQ(ait_dataset_rows(dataset.get()), 10);
  const ait_matrix *images = ait_dataset_images(dataset.get());
  EXPECT_EQ(ait_matrix_columns(images), 3072);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(ait_dataset_labels(dataset.get())[i], 1 + i / 2);
    EXPECT_EQ(ait_matrix_value(images, i, 3071), 1.0 / 255.0 * (1 + i / 2));
  }
  EXPECT_STREQ(ait_dataset_class_name(dataset.get(), 5), "dog");
  const std::vector<std::string> partners = {"bird for airplane", "cat for dog", "deer for horse", "dog for cat",
                                             "truck for automobile"};
  EXPECT_EQ(PartnersByName(dataset.get()), partners);
  ait_dataset *test = nullptr;
  EXPECT_EQ(ait_dataset_load("cifar10", folder.Path().c_str(), AIT_TEST_PART, &test), AIT_NOT_FOUND);
  EXPECT_TRUE(Says("no test_batch.bin"));
  std::filesystem::remove(folder.Path("cifar-10-batches-bin/data_batch_4.bin"));
  ExpectLoadFails("cifar10", folder.Path().c_str(), AIT_NOT_FOUND, {"data_batch_4.bin", "is missing"});
}

/* ---- a user's own arrays ------------------------------------------------------------------- */

template <typename T>
std::string WriteNpy(const TempFolder &folder, const std::string &name, ait_type type, int64_t columns,
                     const std::vector<T> &values) {
  ait_matrix *matrix = nullptr;
  const int64_t rows = static_cast<int64_t>(values.size()) / columns;
  EXPECT_EQ(ait_matrix_view(type, rows, columns, columns, values.data(), &matrix), AIT_OK);
  EXPECT_EQ(ait_matrix_write_npy(matrix, 1, folder.Path(name).c_str()), AIT_OK) << ait_last_error();
  ait_matrix_destroy(matrix);
  return folder.Path(name);
}

Dataset Open(const std::string &images, const std::string &labels, int32_t classes) {
  ait_dataset *dataset = nullptr;
  EXPECT_EQ(ait_dataset_open_npy(images.c_str(), labels.c_str(), classes, &dataset), AIT_OK) << ait_last_error();
  return Dataset(dataset);
}

void ExpectOpenFails(const std::string &images, const std::string &labels, int32_t classes, ait_status status,
                     std::initializer_list<std::string> parts) {
  ait_dataset *dataset = nullptr;
  EXPECT_EQ(ait_dataset_open_npy(images.c_str(), labels.c_str(), classes, &dataset), status) << ait_last_error();
  EXPECT_EQ(dataset, nullptr);
  EXPECT_TRUE(Says(parts));
  ait_dataset_destroy(dataset);
}

TEST(DatasetOpen, EveryTypeOfImagesAndLabels) {
  TempFolder folder;
  const std::vector<int32_t> expected = {2, 0, 1};
  const std::string labels[] = {WriteNpy<uint8_t>(folder, "u1.npy", AIT_U8, 1, {2, 0, 1}),
                                WriteNpy<int32_t>(folder, "i4.npy", AIT_I32, 1, {2, 0, 1}),
                                WriteNpy<int64_t>(folder, "i8.npy", AIT_I64, 1, {2, 0, 1})};
  const std::string images[] = {
      WriteNpy<uint8_t>(folder, "a.npy", AIT_U8, 2, {0, 255, 51, 3, 4, 5}),
      WriteNpy<uint16_t>(folder, "b.npy", AIT_F16, 2, {0, 0x3c00, 0x3266, 3, 4, 5}),
      WriteNpy<float>(folder, "c.npy", AIT_F32, 2, {0, 1, 0.2f, 3, 4, 5}),
      WriteNpy<double>(folder, "d.npy", AIT_F64, 2, {0, 1, 0.2, 3, 4, 5}),
  };
  for (const std::string &image : images) {
    for (const std::string &label : labels) {
      Dataset dataset = Open(image, label, 0);
      ASSERT_NE(dataset, nullptr);
      ASSERT_EQ(ait_dataset_rows(dataset.get()), 3);
      EXPECT_EQ(ait_dataset_classes(dataset.get()), 3);
      EXPECT_EQ(std::vector<int32_t>(ait_dataset_labels(dataset.get()), ait_dataset_labels(dataset.get()) + 3),
                expected);
      const ait_matrix *matrix = ait_dataset_images(dataset.get());
      EXPECT_EQ(ait_matrix_value(matrix, 0, 1), 1.0) << image; /* u8 pixels have scale 1/255, floats none */
      EXPECT_NEAR(ait_matrix_value(matrix, 1, 0), 0.2, 1e-4) << image;
      EXPECT_EQ(ait_dataset_class_name(dataset.get(), 0), nullptr);
    }
  }
  EXPECT_EQ(ait_dataset_classes(Open(images[0], labels[0], 7).get()), 7);
}

TEST(DatasetOpen, LabelsThatAreNotLabels) {
  TempFolder folder;
  std::string images = WriteNpy<float>(folder, "images.npy", AIT_F32, 2, {1, 2, 3, 4, 5, 6});
  std::string floats = WriteNpy<float>(folder, "floats.npy", AIT_F32, 1, {0, 1, 2});
  ExpectOpenFails(images, floats, 0, AIT_BAD_DATA, {floats, "holds f32", "integer type"});
  std::string wide = WriteNpy<int32_t>(folder, "wide.npy", AIT_I32, 2, {0, 1, 1, 0, 1, 0});
  ExpectOpenFails(images, wide, 0, AIT_BAD_DATA, {wide, "2 numbers a row", "one label a row"});
  std::string two = WriteNpy<int32_t>(folder, "two.npy", AIT_I32, 1, {0, 1});
  ExpectOpenFails(images, two, 0, AIT_BAD_DATA, {two + " holds 2 labels", images + " holds 3 rows"});
  std::string negative = WriteNpy<int64_t>(folder, "negative.npy", AIT_I64, 1, {0, 1, -1});
  ExpectOpenFails(images, negative, 0, AIT_BAD_DATA, {negative, "label of row 2", "is -1"});
  std::string large = WriteNpy<int64_t>(folder, "large.npy", AIT_I64, 1, {0, int64_t{1} << 32, 0});
  ExpectOpenFails(images, large, 0, AIT_BAD_DATA, {large, "label of row 1", "is 4294967296"});
  std::string last = WriteNpy<int32_t>(folder, "last.npy", AIT_I32, 1, {0, (1 << 20) - 1, 0});
  EXPECT_EQ(ait_dataset_classes(Open(images, last, 0).get()), 1 << 20);
  std::string id = WriteNpy<int32_t>(folder, "id.npy", AIT_I32, 1, {0, 1 << 20, 0});
  ExpectOpenFails(images, id, 0, AIT_BAD_DATA, {id, "label of row 1", "is 1048576", "expected 0 to 1048575"});
  std::string above = WriteNpy<uint8_t>(folder, "above.npy", AIT_U8, 1, {0, 3, 2});
  ExpectOpenFails(images, above, 3, AIT_BAD_DATA, {above, "label of row 1", "is 3", "expected 0 to 2"});
  ExpectOpenFails(images, above, -1, AIT_INVALID_ARGUMENT, {"-1 classes"});
}

TEST(DatasetOpen, ImagesThatAreNotImages) {
  TempFolder folder;
  std::string labels = WriteNpy<uint8_t>(folder, "labels.npy", AIT_U8, 1, {0, 1});
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  std::string bad = WriteNpy<double>(folder, "nan.npy", AIT_F64, 2, {0, 1, 2, nan});
  ExpectOpenFails(bad, labels, 0, AIT_BAD_DATA, {bad, "row 1, column 1", "is nan"});
  bad = WriteNpy<double>(folder, "infinite.npy", AIT_F64, 2, {0, -infinity, 2, nan});
  ExpectOpenFails(bad, labels, 0, AIT_BAD_DATA, {bad, "row 0, column 1", "is -inf"});
  ExpectOpenFails(folder.Path("none.npy"), labels, 0, AIT_NOT_FOUND, {folder.Path("none.npy")});
  std::string good = WriteNpy<float>(folder, "good.npy", AIT_F32, 2, {0, 1, 2, 3});
  ExpectOpenFails(good, folder.Path("none.npy"), 0, AIT_NOT_FOUND, {folder.Path("none.npy")});
  ExpectOpenFails(folder.Write("text.npy", "1,2,3\n"), labels, 0, AIT_BAD_DATA, {"text.npy", "no .npy file"});
}

TEST(DatasetOpen, ReferenceCase) {
  std::filesystem::path folder = SharedFolder() / "golden" / "clean_u8_linear";
  if (!std::filesystem::exists(folder)) {
    GTEST_SKIP() << "no reference cases in " << folder;
  }
  Dataset dataset = Open((folder / "train_images.npy").string(), (folder / "train_labels.npy").string(), 0);
  ASSERT_NE(dataset, nullptr);
  EXPECT_EQ(ait_dataset_rows(dataset.get()), 193);
  EXPECT_EQ(ait_dataset_classes(dataset.get()), 11);
  EXPECT_EQ(ait_matrix_scale(ait_dataset_images(dataset.get()))[0], 1.0 / 255.0);
}

/* Equal rows among rows of 13 bytes, which no whole word holds, in a matrix with bytes between the rows. */
TEST(Duplicates, AreFoundByTheirBytes) {
  constexpr int64_t kRows = 1000, kColumns = 13, kStride = 15;
  std::vector<uint8_t> stored(kRows * kStride);
  std::mt19937 random(1);
  std::generate(stored.begin(), stored.end(), [&] { return static_cast<uint8_t>(random()); });
  const auto copy = [&](int64_t from, int64_t to) {
    std::copy_n(stored.begin() + from * kStride, kColumns, stored.begin() + to * kStride);
  };
  copy(3, 500);
  copy(3, 999);
  copy(17, 18);
  stored[18 * kStride + kColumns - 1] ^= 1; /* all but the last byte is equal */
  ait_matrix *all = nullptr, *few = nullptr;
  ASSERT_EQ(AIT_OK, ait_matrix_view(AIT_U8, kRows, kColumns, kStride, stored.data(), &all));
  ASSERT_EQ(AIT_OK, ait_matrix_view(AIT_U8, 2, kColumns, kStride, &stored[500 * kStride], &few));
  std::vector<uint64_t> all_hashes(kRows), few_hashes(2);
  std::vector<int64_t> first(kRows);
  ait_rows_hash(all, all_hashes.data());
  ait_rows_hash(few, few_hashes.data());
  ASSERT_EQ(AIT_OK, ait_rows_find(all, all_hashes.data(), all, all_hashes.data(), first.data()));
  for (int64_t i = 0; i < kRows; i++) {
    EXPECT_EQ(first[i], i == 500 || i == 999 ? 3 : i);
  }
  ASSERT_EQ(AIT_OK, ait_rows_find(few, few_hashes.data(), all, all_hashes.data(), first.data()));
  for (int64_t i = 0; i < kRows; i++) {
    EXPECT_EQ(first[i], i == 3 || i == 500 || i == 999 ? 0 : i == 501 ? 1 : -1);
  }
  /* Hashes that agree by accident deceive nobody. */
  std::fill(all_hashes.begin(), all_hashes.end(), 7);
  ASSERT_EQ(AIT_OK, ait_rows_find(all, all_hashes.data(), all, all_hashes.data(), first.data()));
  EXPECT_EQ(first[999], 3);
  EXPECT_EQ(first[18], 18);
  ait_matrix_destroy(few);
  ait_matrix_destroy(all);
}

}  // namespace
