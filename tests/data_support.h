/* data_support.h - what the tests of matrices and readers share: temporary folders, broken files,
 * sentences. */
#ifndef AIT_TESTS_DATA_SUPPORT_H
#define AIT_TESTS_DATA_SUPPORT_H

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>

#include "ait/dataset.h"

/* Made empty, removed with all that is in it. */
class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "ait-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) {
      throw std::runtime_error("no temporary folder");
    }
    path_ = pattern;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder &) = delete;
  TempFolder &operator=(const TempFolder &) = delete;

  std::string Path(const std::string &name = "") const {
    return name.empty() ? path_ : path_ + "/" + name;
  }
  /* Writes a new file, with the folders above it, in place of an old one; returns its path. */
  std::string Write(const std::string &name, const std::string &bytes) const {
    std::filesystem::create_directories(std::filesystem::path(Path(name)).parent_path());
    std::filesystem::remove(Path(name));
    std::ofstream(Path(name), std::ios::binary) << bytes;
    return Path(name);
  }
  /* Files and folders directly in it. */
  size_t Entries() const {
    std::filesystem::directory_iterator first(path_);
    return static_cast<size_t>(std::distance(first, std::filesystem::directory_iterator()));
  }

 private:
  std::string path_;
};

inline std::string ReadBytes(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

/* Reference material beside the source tree; it may not be there. */
inline std::filesystem::path SharedFolder() {
  return std::filesystem::absolute(__FILE__).parent_path().parent_path().parent_path() / "shared";
}

struct DestroyMatrix {
  void operator()(ait_matrix *matrix) const {
    ait_matrix_destroy(matrix);
  }
};
using Matrix = std::unique_ptr<ait_matrix, DestroyMatrix>;

struct DestroyDataset {
  void operator()(ait_dataset *dataset) const {
    ait_dataset_destroy(dataset);
  }
};
using Dataset = std::unique_ptr<ait_dataset, DestroyDataset>;

/* Whether the last error's sentence holds every part. */
inline ::testing::AssertionResult Says(std::initializer_list<std::string> parts) {
  std::string sentence = ait_last_error();
  for (const std::string &part : parts) {
    if (sentence.find(part) == std::string::npos) {
      return ::testing::AssertionFailure() << "\"" << sentence << "\" does not say \"" << part << "\"";
    }
  }
  return ::testing::AssertionSuccess();
}

inline ::testing::AssertionResult Says(const std::string &part) {
  return Says({part});
}

#endif
