/* test_readers.cc - files written whole or not at all; .npy, IDX and CIFAR-10 files, good and broken.
 * Every broken file must give one sentence with its name and what was expected. */
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "ait/matrix.h"
#include "data_support.h"

extern "C" {
#include "data/file.h"
#include "data/matrix.h"
#include "data/readers.h"
}

namespace {

/* ---- files written whole or not at all ----------------------------------------------------- */

TEST(File, TargetIsUntouchedUntilTheCommit) {
  TempFolder folder;
  std::string path = folder.Write("result.csv", "old");
  ait_file file;
  ASSERT_EQ(ait_file_begin(&file, path.c_str()), AIT_OK) << ait_last_error();
  std::fputs("new", file.stream);
  EXPECT_EQ(ReadBytes(path), "old");
  ASSERT_EQ(ait_file_commit(&file), AIT_OK) << ait_last_error();
  EXPECT_EQ(ReadBytes(path), "new");
  EXPECT_EQ(folder.Entries(), 1u);
  ait_file_abandon(&file); /* allowed after the commit */
  EXPECT_EQ(ReadBytes(path), "new");
}

TEST(File, AbandonLeavesNothing) {
  TempFolder folder;
  std::string path = folder.Write("result.csv", "old");
  ait_file file;
  ASSERT_EQ(ait_file_begin(&file, path.c_str()), AIT_OK);
  std::fputs("new", file.stream);
  ait_file_abandon(&file);
  EXPECT_EQ(ReadBytes(path), "old");
  EXPECT_EQ(folder.Entries(), 1u);
}

TEST(File, PermissionsFollowTheUmask) {
  TempFolder folder;
  mode_t before = umask(027);
  ait_file file;
  ASSERT_EQ(ait_file_begin(&file, folder.Path("a").c_str()), AIT_OK);
  ASSERT_EQ(ait_file_commit(&file), AIT_OK);
  umask(before);
  struct stat info;
  ASSERT_EQ(stat(folder.Path("a").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
}

TEST(File, RefusesWhatCannotBeATarget) {
  TempFolder folder;
  ait_file file;
  std::string plain = folder.Write("plain", "x");
  EXPECT_EQ(ait_file_begin(&file, folder.Path("none/a").c_str()), AIT_IO_ERROR);
  EXPECT_TRUE(Says({folder.Path("none/a"), "folder does not exist"}));
  EXPECT_EQ(ait_file_begin(&file, (plain + "/a").c_str()), AIT_IO_ERROR);
  EXPECT_TRUE(Says({plain + "/a", "Not a directory"}));
  EXPECT_EQ(ait_file_begin(&file, folder.Path().c_str()), AIT_IO_ERROR);
  EXPECT_TRUE(Says({folder.Path(), "it is a folder"}));
  EXPECT_EQ(ait_file_begin(&file, "/dev/full"), AIT_IO_ERROR);
  EXPECT_TRUE(Says({"/dev/full", "expected a regular file"}));
  EXPECT_EQ(ait_file_begin(&file, ""), AIT_IO_ERROR);
  EXPECT_EQ(folder.Entries(), 1u);
}

/* Moves what is written to the stream onto the device that is always full. */
void FillDisk(const ait_file &file) {
  int full = open("/dev/full", O_WRONLY);
  ASSERT_GE(full, 0);
  ASSERT_GE(dup2(full, fileno(file.stream)), 0);
  close(full);
}

/* The disk is full when the buffer is flushed, when a large write goes through it, and for a small
 * write that failed long before the commit. */
TEST(File, FullDiskIsReported) {
  TempFolder folder;
  std::string path = folder.Write("result.bin", "old");
  std::string large(1 << 20, 'x');
  for (size_t bytes : {size_t{3}, large.size()}) {
    for (bool remembered : {false, true}) {
      ait_file file;
      ASSERT_EQ(ait_file_begin(&file, path.c_str()), AIT_OK);
      FillDisk(file);
      if (remembered) {
        ait_file_write(&file, large.data(), bytes);
      } else {
        std::fwrite(large.data(), 1, bytes, file.stream);
      }
      EXPECT_EQ(ait_file_commit(&file), AIT_IO_ERROR);
      EXPECT_TRUE(Says({path, "could not be written in full"}));
      EXPECT_TRUE(!remembered || Says("No space left on device"));
      EXPECT_EQ(ReadBytes(path), "old");
      EXPECT_EQ(folder.Entries(), 1u);
    }
  }
}

TEST(File, SyncFolder) {
  TempFolder folder;
  EXPECT_EQ(ait_file_sync_folder(folder.Path("any").c_str()), AIT_OK) << ait_last_error();
  EXPECT_EQ(ait_file_sync_folder(folder.Path("none/any").c_str()), AIT_IO_ERROR);
  EXPECT_TRUE(Says("could not be synced"));
}

/* ---- .npy ---------------------------------------------------------------------------------- */

/* The bytes of an .npy file with any header; `major` chooses the width of the length field. */
std::string Npy(const std::string &header, const std::string &data, int major = 1) {
  int width = major == 1 ? 2 : 4;
  std::string text = header;
  text.append(64 - (8 + width + text.size() + 1) % 64, ' ');
  text += '\n';
  std::string bytes = "\x93NUMPY";
  bytes += static_cast<char>(major);
  bytes += '\0';
  for (int i = 0; i < width; ++i) {
    bytes += static_cast<char>(text.size() >> (8 * i) & 255);
  }
  return bytes + text + data;
}

std::string Dict(const std::string &dtype, const std::string &shape, const std::string &order = "False") {
  return "{'descr': '" + dtype + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }";
}

template <typename T>
std::string Bytes(const std::vector<T> &values) {
  return std::string(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T));
}

Matrix OpenNpy(const std::string &path) {
  ait_matrix *matrix = nullptr;
  EXPECT_EQ(ait_matrix_open_npy(path.c_str(), &matrix), AIT_OK) << ait_last_error();
  return Matrix(matrix);
}

/* Opening must fail with this status and a sentence that names the file and holds the parts. */
void ExpectRefused(const std::string &path, ait_status status, std::initializer_list<std::string> parts) {
  ait_matrix *matrix = nullptr;
  EXPECT_EQ(ait_matrix_open_npy(path.c_str(), &matrix), status) << ait_last_error();
  EXPECT_EQ(matrix, nullptr);
  EXPECT_TRUE(Says(path));
  EXPECT_TRUE(Says(parts));
  ait_matrix_destroy(matrix);
}

const std::string kSix = Bytes<float>({1, 2, 3, 4, 5, 6});

TEST(NpyRead, EveryTypeAndVersion) {
  TempFolder folder;
  struct Case {
    const char *dtype;
    ait_type type;
    std::string data;
  };
  const Case cases[] = {
      {"|u1", AIT_U8, Bytes<uint8_t>({1, 2, 3, 4, 5, 6})},
      {"<u1", AIT_U8, Bytes<uint8_t>({1, 2, 3, 4, 5, 6})},
      {"<i4", AIT_I32, Bytes<int32_t>({1, 2, 3, 4, 5, 6})},
      {"<i8", AIT_I64, Bytes<int64_t>({1, 2, 3, 4, 5, 6})},
      {"<f2", AIT_F16, Bytes<uint16_t>({0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600})},
      {"<f4", AIT_F32, kSix},
      {"=f4", AIT_F32, kSix},
      {"<f8", AIT_F64, Bytes<double>({1, 2, 3, 4, 5, 6})},
  };
  for (const Case &c : cases) {
    for (int major : {1, 2, 3}) {
      Matrix matrix = OpenNpy(folder.Write("a.npy", Npy(Dict(c.dtype, "(2, 3)"), c.data, major)));
      ASSERT_NE(matrix, nullptr);
      EXPECT_EQ(ait_matrix_type(matrix.get()), c.type);
      ASSERT_EQ(ait_matrix_rows(matrix.get()), 2);
      ASSERT_EQ(ait_matrix_columns(matrix.get()), 3);
      EXPECT_EQ(ait_matrix_stride(matrix.get()), 3);
      for (int k = 0; k < 6; ++k) {
        EXPECT_EQ(ait_matrix_value(matrix.get(), k / 3, k % 3), k + 1) << c.dtype;
      }
    }
  }
}

TEST(NpyRead, ShapesBecomeRowsAndColumns) {
  TempFolder folder;
  struct Case {
    const char *shape;
    int64_t rows, columns;
  };
  for (const Case &c : {Case{"(6,)", 6, 1}, Case{"(6, 1)", 6, 1}, Case{"(1, 6)", 1, 6}, Case{"(3, 1, 2)", 3, 2},
                        Case{"(1, 3, 2, 1)", 1, 6}, Case{"(2, 3,)", 2, 3}, Case{"(2L, 3L)", 2, 3}}) {
    Matrix matrix = OpenNpy(folder.Write("a.npy", Npy(Dict("<f4", c.shape), kSix)));
    ASSERT_NE(matrix, nullptr);
    EXPECT_EQ(ait_matrix_rows(matrix.get()), c.rows) << c.shape;
    EXPECT_EQ(ait_matrix_columns(matrix.get()), c.columns) << c.shape;
  }
  Matrix scalar = OpenNpy(folder.Write("a.npy", Npy(Dict("<f8", "()"), Bytes<double>({2.5}))));
  ASSERT_NE(scalar, nullptr);
  EXPECT_EQ(ait_matrix_value(scalar.get(), 0, 0), 2.5);
}

TEST(NpyRead, HeadersMayBeWrittenOtherwise) {
  TempFolder folder;
  for (const char *header : {"{'shape': (2, 3), 'fortran_order': False, 'descr': '<f4'}",
                             "{'descr':'<f4','fortran_order':False,'shape':(2,3)}",
                             "  { \"descr\" : \"<f4\" , \"fortran_order\" : False ,\n \"shape\" : ( 2 , 3 ) , }  \n"}) {
    Matrix matrix = OpenNpy(folder.Write("a.npy", Npy(header, kSix)));
    ASSERT_NE(matrix, nullptr) << header;
    EXPECT_EQ(ait_matrix_value(matrix.get(), 1, 2), 6.0);
  }
}

TEST(NpyRead, MissingFilesAndFolders) {
  TempFolder folder;
  ExpectRefused(folder.Path("none.npy"), AIT_NOT_FOUND, {"No such file"});
  ExpectRefused(folder.Path(), AIT_IO_ERROR, {"is a folder", "expected a regular .npy file"});
  std::string plain = folder.Write("plain", "x");
  ExpectRefused(plain + "/a.npy", AIT_NOT_FOUND, {"Not a directory"});
  ExpectRefused("/dev/null", AIT_IO_ERROR, {"expected a regular .npy file"});
}

TEST(NpyRead, DamagedBeginnings) {
  TempFolder folder;
  std::string good = Npy(Dict("<f4", "(2, 3)"), kSix);
  ExpectRefused(folder.Write("empty.npy", ""), AIT_BAD_DATA, {"is empty"});
  ExpectRefused(folder.Write("a.npy", "\x93NUM"), AIT_BAD_DATA, {"no .npy file", "NUMPY"});
  ExpectRefused(folder.Write("a.npy", "PK\3\4 an .npz file, which is a zip archive"), AIT_BAD_DATA, {"no .npy file"});
  for (size_t length : {6, 7, 8, 9}) {
    ExpectRefused(folder.Write("a.npy", good.substr(0, length)), AIT_BAD_DATA, {"is cut short"});
  }
  for (size_t length : {size_t{10}, size_t{60}, good.size() - kSix.size() - 1}) {
    ExpectRefused(folder.Write("a.npy", good.substr(0, length)), AIT_BAD_DATA, {"is cut short", "its header has"});
  }
  for (const char *version : {"\4", "\0", "\xff"}) {
    std::string bad = good;
    bad[6] = version[0];
    ExpectRefused(folder.Write("a.npy", bad), AIT_BAD_DATA, {"is of .npy version", "expected 1.0, 2.0 or 3.0"});
  }
  std::string minor = good;
  minor[7] = 1;
  ExpectRefused(folder.Write("a.npy", minor), AIT_BAD_DATA, {"is of .npy version 1.1"});
  std::string far = Npy(Dict("<f4", "(2, 3)"), kSix, 2);
  far[11] = '\xff';
  ExpectRefused(folder.Write("a.npy", far), AIT_BAD_DATA, {"is cut short", "its header has 427819"});
}

TEST(NpyRead, HeadersThatCannotBeUnderstood) {
  TempFolder folder;
  for (const char *header : {
           "",
           "{",
           "}",
           "{}",
           "x{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)} x",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}}",
           "{'descr': '<f4', 'fortran_order': False}",
           "{'fortran_order': False, 'shape': (2, 3)}",
           "{'descr': '<f4', 'shape': (2, 3)}",
           "{'descr': '<f4' 'fortran_order': False, 'shape': (2, 3)}",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'more': 1}",
           "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}",
           "{'descr': '<f4', 'fortran_order': Falsey, 'shape': (2, 3)}",
           "{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3)}",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (2, -3)}",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (2 3)}",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (6)}",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (,)}",
           "{'descr': '<f4', 'fortran_order': False, 'shape': [2, 3]}",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3.0)}",
           "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3",
           "{'descr': '<f4, 'fortran_order': False, 'shape': (2, 3)}",
           "{'descr': [('x', '<f4'), ('y', '<f4')], 'fortran_order': False, 'shape': (3,)}",
           "{'descr': '<f4\\x00', 'fortran_order': False, 'shape': (2, 3)}",
           "{'descr': '<f4<f4<f4<f4<f4<f4<f4', 'fortran_order': False, 'shape': (2, 3)}",
           "{'descr': '<f4', 'fortran_order': False, 'shape': "
           "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2,3)}",
       }) {
    ExpectRefused(folder.Write("a.npy", Npy(header, kSix)), AIT_BAD_DATA,
                  {"its header cannot be understood", "expected"});
  }
}

TEST(NpyRead, DtypesThatAreNotOurs) {
  TempFolder folder;
  for (const char *dtype : {"|b1", "|i1", "<u2", "<i2", "<u8", "<c8", "<c16", "<f16", "|O", "<U5", "|S3", "<M8[ns]", "",
                            "f", "<", "f4", "|f4"}) {
    ExpectRefused(folder.Write("a.npy", Npy(Dict(dtype, "(2, 3)"), kSix)), AIT_BAD_DATA,
                  {"dtype '" + std::string(dtype) + "'", "expected '|u1'", "'<f8'"});
  }
  ExpectRefused(folder.Write("a.npy", Npy(Dict(">f4", "(2, 3)"), kSix)), AIT_BAD_DATA,
                {"big endian", "expected little"});
  ExpectRefused(folder.Write("a.npy", Npy(Dict("<f4", "(2, 3)", "True"), kSix)), AIT_BAD_DATA,
                {"Fortran order", "expected C order"});
}

TEST(NpyRead, ShapesThatDoNotFitTheFile) {
  TempFolder folder;
  auto with = [&](const std::string &shape, const std::string &data = kSix) {
    return folder.Write("a.npy", Npy(Dict("<f4", shape), data));
  };
  ExpectRefused(with("(0, 3)", ""), AIT_BAD_DATA, {"holds no rows"});
  ExpectRefused(with("(0,)", ""), AIT_BAD_DATA, {"holds no rows"});
  ExpectRefused(with("(2, 0)", ""), AIT_BAD_DATA, {"its rows hold no numbers"});
  ExpectRefused(with("(2, 9223372036854775807, 4, 0)", ""), AIT_BAD_DATA, {"its rows hold no numbers"});
  ExpectRefused(with("(3, 3)"), AIT_BAD_DATA, {"is cut short", "holds 24 bytes", "expected 36 for 3 rows of 3 f32"});
  ExpectRefused(with("(2, 3)", kSix.substr(1)), AIT_BAD_DATA, {"is cut short", "holds 23 bytes"});
  ExpectRefused(with("(2, 3)", ""), AIT_BAD_DATA, {"is cut short", "holds 0 bytes"});
  ExpectRefused(with("(1, 3)"), AIT_BAD_DATA, {"goes on after its last row", "expected 12"});
  ExpectRefused(with("(9223372036854775807,)"), AIT_BAD_DATA, {"more than any memory holds"});
  ExpectRefused(with("(99999999999999999999999999,)"), AIT_BAD_DATA, {"more than any memory holds"});
  ExpectRefused(with("(4294967296, 4294967296)"), AIT_BAD_DATA, {"more than any memory holds"});
  ExpectRefused(with("(2, 4294967296, 4294967296)"), AIT_BAD_DATA, {"over 64 bits"});
  ExpectRefused(with("(4611686018427387904, 4)"), AIT_BAD_DATA, {"more than any memory holds"}); /* 2^66 bytes */
}

TEST(NpyRead, NumbersMustBeAligned) {
  TempFolder folder;
  std::string text = Dict("<f4", "(2, 3)");
  while ((10 + text.size()) % 4 != 1) {
    text += ' ';
  }
  std::string bytes = std::string("\x93NUMPY\x01\0", 8) + static_cast<char>(text.size()) + '\0' + text + kSix;
  ExpectRefused(folder.Write("a.npy", bytes), AIT_BAD_DATA, {"no multiple of their 4 bytes"});
}

/* 8 GB that take no room on the disk: opened in no time, and readable at both ends. */
TEST(NpyRead, IsNeverReadWhole) {
  TempFolder folder;
  const int64_t rows = int64_t{1} << 31;
  std::string path = folder.Write("sparse.npy", Npy(Dict("<f4", "(2147483648,)"), ""));
  auto begin = static_cast<off_t>(ReadBytes(path).size());
  if (truncate(path.c_str(), begin + 4 * rows) != 0) {
    GTEST_SKIP() << "this file system has no sparse files of 8 GB";
  }
  auto start = std::chrono::steady_clock::now();
  Matrix matrix = OpenNpy(path);
  ASSERT_NE(matrix, nullptr);
  EXPECT_EQ(ait_matrix_rows(matrix.get()), rows);
  EXPECT_EQ(ait_matrix_value(matrix.get(), rows - 1, 0), 0.0);
  EXPECT_EQ(ait_matrix_value(matrix.get(), 0, 0), 0.0);
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_LE(seconds.count(), 0.5); /* reading 8 GB takes longer on any machine */
}

/* Any one byte of a file changed, any length cut: refused with its name, or the numbers are the
 * file's last bytes. */
TEST(NpyRead, SurvivesRandomDamage) {
  TempFolder folder;
  std::mt19937 random(1);
  const std::string good = Npy(Dict("<f4", "(2, 3)"), kSix);
  int refused = 0, opened = 0;
  for (int i = 0; i < 1500; ++i) {
    std::string bad = good;
    for (int changes = 1 + i % 3; changes > 0; --changes) {
      bad[random() % good.size()] = static_cast<char>(i % 2 ? random() : " '(),0123456789<f|u{}"[random() % 22]);
    }
    if (i % 5 == 0) {
      bad.resize(random() % bad.size());
    }
    std::string path = folder.Write("a.npy", bad);
    ait_matrix *matrix = nullptr;
    if (ait_matrix_open_npy(path.c_str(), &matrix) != AIT_OK) {
      EXPECT_TRUE(Says(path));
      ++refused;
      continue;
    }
    ++opened;
    Matrix owner(matrix);
    size_t numbers = static_cast<size_t>(ait_matrix_rows(matrix) * ait_matrix_columns(matrix));
    EXPECT_LE(numbers * ait_type_size(ait_matrix_type(matrix)), bad.size());
    auto begin = static_cast<const unsigned char *>(ait_matrix_data(matrix));
    size_t bytes = numbers * ait_type_size(ait_matrix_type(matrix));
    EXPECT_EQ(std::memcmp(begin, bad.data() + (bad.size() - bytes), bytes), 0);
  }
  EXPECT_GT(refused, 500);
  EXPECT_GT(opened, 10);
}

TEST(NpyRead, ReferenceFiles) {
  std::filesystem::path golden = SharedFolder() / "golden";
  if (!std::filesystem::exists(golden)) {
    GTEST_SKIP() << "no reference cases in " << golden;
  }
  int files = 0;
  for (const auto &entry : std::filesystem::recursive_directory_iterator(golden)) {
    if (entry.path().extension() == ".npy") {
      Matrix matrix = OpenNpy(entry.path().string());
      ASSERT_NE(matrix, nullptr);
      ++files;
    }
  }
  EXPECT_GT(files, 100);
  Matrix images = OpenNpy((golden / "clean_u8_linear" / "train_images.npy").string());
  EXPECT_EQ(ait_matrix_type(images.get()), AIT_U8);
  EXPECT_EQ(ait_matrix_rows(images.get()), 193);
  EXPECT_EQ(ait_matrix_columns(images.get()), 70);
}

TEST(NpyWrite, RoundTripOfEveryType) {
  TempFolder folder;
  std::vector<unsigned char> data(7 * 5 * 8);
  for (size_t i = 0; i < data.size(); ++i) {
    data[i] = static_cast<unsigned char>(i * 37 % 120);
  }
  for (int type = 0; type < AIT_TYPE_COUNT; ++type) {
    for (int64_t columns : {1, 4, 5}) {
      ait_matrix *view = nullptr;
      ASSERT_EQ(ait_matrix_view(static_cast<ait_type>(type), 7, columns, 5, data.data(), &view), AIT_OK);
      Matrix original(view);
      std::string path = folder.Path("a.npy");
      ASSERT_EQ(ait_matrix_write_npy(view, 0, path.c_str()), AIT_OK) << ait_last_error();
      Matrix read = OpenNpy(path);
      ASSERT_NE(read, nullptr);
      EXPECT_EQ(ait_matrix_type(read.get()), type);
      ASSERT_EQ(ait_matrix_rows(read.get()), 7);
      ASSERT_EQ(ait_matrix_columns(read.get()), columns);
      size_t size = ait_type_size(static_cast<ait_type>(type));
      for (int64_t i = 0; i < 7; ++i) {
        EXPECT_EQ(std::memcmp(static_cast<const char *>(ait_matrix_data(read.get())) + i * columns * size,
                              data.data() + i * 5 * size, columns * size),
                  0);
      }
    }
  }
}

/* Rows that are images are told from mere numbers, also after a gather, and are written with the axes they had. */
TEST(NpyWrite, ImagesKeepTheirAxes) {
  TempFolder folder;
  struct Case {
    const char *shape;
    int64_t height, width, channels;
    int32_t planar;
    const char *kept;
  };
  for (const Case &c : {Case{"(2, 3, 4)", 3, 4, 1, 0, "(1, 3, 4)"}, Case{"(2, 2, 2, 3)", 2, 2, 3, 0, "(1, 2, 2, 3)"},
                        Case{"(1, 3, 2, 4)", 3, 2, 4, 0, "(1, 3, 2, 4)"},
                        Case{"(2, 3, 2, 2)", 2, 2, 3, 1, "(1, 3, 2, 2)"}, Case{"(2, 3, 4, 1)", 3, 4, 1, 0, "(1, 3, 4)"},
                        Case{"(2, 12)", 0, 0, 0, 0, "(1, 12)"}, Case{"(2, 12, 1)", 0, 0, 0, 0, "(1, 12)"},
                        Case{"(1, 6, 2, 2)", 0, 0, 0, 0, "(1, 24)"}, Case{"(1, 2, 3, 2, 2)", 0, 0, 0, 0, "(1, 24)"}}) {
    Matrix images = OpenNpy(folder.Write("a.npy", Npy(Dict("|u1", c.shape), std::string(24, 'x'))));
    ASSERT_NE(images, nullptr);
    ait_matrix *first = nullptr;
    const int64_t row = 0;
    ASSERT_EQ(ait_matrix_gather(images.get(), 1, &row, &first), AIT_OK) << ait_last_error();
    Matrix gathered(first);
    for (const ait_image_layout &layout : {images->layout, gathered->layout}) {
      EXPECT_EQ(layout.height, c.height) << c.shape;
      EXPECT_EQ(layout.width, c.width) << c.shape;
      EXPECT_EQ(layout.channels, c.channels) << c.shape;
      EXPECT_EQ(layout.planar, c.planar) << c.shape;
    }
    ASSERT_EQ(ait_matrix_write_npy(first, 0, folder.Path("b.npy").c_str()), AIT_OK) << ait_last_error();
    EXPECT_NE(ReadBytes(folder.Path("b.npy")).find(std::string("'shape': ") + c.kept), std::string::npos) << c.shape;
  }
}

/* What NumPy writes for the same arrays, byte for byte. */
TEST(NpyWrite, SameBytesAsNumPy) {
  if (std::system("/usr/bin/python3 -c 'import numpy' > /dev/null 2>&1") != 0) {
    GTEST_SKIP() << "no NumPy for /usr/bin/python3";
  }
  TempFolder folder;
  std::string script = folder.Write("write.py",
                                    "import numpy, sys\n"
                                    "for t in 'u1', 'i4', 'i8', 'f2', 'f4', 'f8':\n"
                                    "    a = numpy.arange(12).astype(t)\n"
                                    "    numpy.save(f'{sys.argv[1]}/{t}_flat.npy', a)\n"
                                    "    numpy.save(f'{sys.argv[1]}/{t}_wide.npy', a.reshape(3, 4))\n"
                                    "    numpy.save(f'{sys.argv[1]}/{t}_tall.npy', a.reshape(12, 1))\n");
  ASSERT_EQ(std::system(("/usr/bin/python3 " + script + " " + folder.Path()).c_str()), 0);
  for (const char *dtype : {"u1", "i4", "i8", "f2", "f4", "f8"}) {
    for (const char *shape : {"_flat", "_wide", "_tall"}) {
      std::string theirs = folder.Path(std::string(dtype) + shape + ".npy"), ours = folder.Path("ours.npy");
      Matrix matrix = OpenNpy(theirs);
      ASSERT_NE(matrix, nullptr);
      EXPECT_EQ(ait_matrix_value(matrix.get(), ait_matrix_rows(matrix.get()) - 1, ait_matrix_columns(matrix.get()) - 1),
                11);
      ASSERT_EQ(ait_matrix_write_npy(matrix.get(), shape != std::string("_tall"), ours.c_str()), AIT_OK);
      EXPECT_EQ(ReadBytes(ours), ReadBytes(theirs)) << dtype << shape;
    }
  }
}

Matrix SomeRows(std::vector<double> *data) {
  ait_matrix *matrix = nullptr;
  data->assign(100000, 1.5);
  EXPECT_EQ(ait_matrix_view(AIT_F64, 1000, 100, 100, data->data(), &matrix), AIT_OK);
  return Matrix(matrix);
}

TEST(NpyWrite, PlacesThatCannotBeWritten) {
  TempFolder folder;
  std::vector<double> data;
  Matrix matrix = SomeRows(&data);
  std::string plain = folder.Write("plain", "x");
  EXPECT_EQ(ait_matrix_write_npy(matrix.get(), 0, folder.Path("none/a.npy").c_str()), AIT_IO_ERROR);
  EXPECT_TRUE(Says({folder.Path("none/a.npy"), "folder does not exist"}));
  EXPECT_EQ(ait_matrix_write_npy(matrix.get(), 0, (plain + "/a.npy").c_str()), AIT_IO_ERROR);
  EXPECT_EQ(ait_matrix_write_npy(matrix.get(), 0, "/dev/full"), AIT_IO_ERROR);
  EXPECT_EQ(folder.Entries(), 1u);
}

/* A limit on the size of files makes write fail halfway, as a full disk does. */
TEST(NpyWrite, ShortWriteLeavesTheOldFile) {
  TempFolder folder;
  std::vector<double> data;
  Matrix matrix = SomeRows(&data);
  std::string path = folder.Write("a.npy", "old");
  struct rlimit before, low;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  low = before;
  low.rlim_cur = 100000;
  auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &low), 0);
  ait_status status = ait_matrix_write_npy(matrix.get(), 0, path.c_str());
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(status, AIT_IO_ERROR);
  EXPECT_TRUE(Says({path, "could not be written in full", "File too large"}));
  EXPECT_EQ(ReadBytes(path), "old");
  EXPECT_EQ(folder.Entries(), 1u);
}

/* ---- IDX ----------------------------------------------------------------------------------- */

std::string BigEndian(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes += static_cast<char>(value >> shift & 255);
  }
  return bytes;
}

std::string Idx(uint32_t magic, std::initializer_list<uint32_t> shape, const std::string &elements) {
  std::string bytes = BigEndian(magic);
  for (uint32_t length : shape) {
    bytes += BigEndian(length);
  }
  return bytes + elements;
}

std::string Gzip(const std::string &bytes) {
  TempFolder folder;
  gzFile file = gzopen(folder.Path("a").c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
  return ReadBytes(folder.Path("a"));
}

const uint32_t kImages = 0x00000803, kLabels = 0x00000801;
const std::string kPixels("\0\1\2\3\4\5\6\7\x80\xff\x0a\x0b", 12);

void ExpectImagesRefused(const std::string &path, ait_status status, std::initializer_list<std::string> parts) {
  ait_matrix *matrix = nullptr;
  EXPECT_EQ(ait_idx_read_images(path.c_str(), &matrix), status) << ait_last_error();
  EXPECT_EQ(matrix, nullptr);
  EXPECT_TRUE(Says(path));
  EXPECT_TRUE(Says(parts));
  ait_matrix_destroy(matrix);
}

void ExpectLabelsRefused(const std::string &path, ait_status status, std::initializer_list<std::string> parts) {
  int32_t *labels = nullptr;
  int64_t rows = 0;
  EXPECT_EQ(ait_idx_read_labels(path.c_str(), 10, &rows, &labels), status) << ait_last_error();
  EXPECT_EQ(labels, nullptr);
  EXPECT_TRUE(Says(path));
  EXPECT_TRUE(Says(parts));
  std::free(labels);
}

TEST(Idx, ReadsPlainAndGzip) {
  TempFolder folder;
  std::string plain = Idx(kImages, {3, 2, 2}, kPixels);
  for (const std::string &bytes : {plain, Gzip(plain)}) {
    ait_matrix *made = nullptr;
    ASSERT_EQ(ait_idx_read_images(folder.Write("i", bytes).c_str(), &made), AIT_OK) << ait_last_error();
    Matrix images(made);
    EXPECT_EQ(ait_matrix_type(made), AIT_U8);
    ASSERT_EQ(ait_matrix_rows(made), 3);
    ASSERT_EQ(ait_matrix_columns(made), 4);
    EXPECT_EQ(std::memcmp(ait_matrix_data(made), kPixels.data(), 12), 0);
    EXPECT_EQ(made->layout.height, 2);
    EXPECT_EQ(made->layout.width, 2);
    EXPECT_EQ(made->layout.channels, 1);
  }
  plain = Idx(kLabels, {4}, std::string("\0\11\3\1", 4));
  for (const std::string &bytes : {plain, Gzip(plain)}) {
    int32_t *labels = nullptr;
    int64_t rows = 0;
    ASSERT_EQ(ait_idx_read_labels(folder.Write("l", bytes).c_str(), 10, &rows, &labels), AIT_OK) << ait_last_error();
    EXPECT_EQ(std::vector<int32_t>(labels, labels + rows), (std::vector<int32_t>{0, 9, 3, 1}));
    std::free(labels);
  }
}

TEST(Idx, BrokenFiles) {
  TempFolder folder;
  auto file = [&](const std::string &bytes) { return folder.Write("broken", bytes); };
  std::string good = Idx(kImages, {3, 2, 2}, kPixels);
  ExpectImagesRefused(folder.Path("none"), AIT_NOT_FOUND, {"No such file"});
  ExpectImagesRefused(folder.Path(), AIT_IO_ERROR, {"is a folder"});
  ExpectImagesRefused(file(""), AIT_BAD_DATA, {"is cut short", "IDX header of 16"});
  ExpectImagesRefused(file(good.substr(0, 15)), AIT_BAD_DATA, {"is cut short", "holds 15 bytes"});
  ExpectImagesRefused(file(Idx(kLabels, {3, 2, 2}, kPixels)), AIT_BAD_DATA,
                      {"begins with 0x00000801", "expected 0x00000803", "images"});
  ExpectImagesRefused(file("not an IDX file"), AIT_BAD_DATA, {"begins with 0x6e6f7420"});
  ExpectImagesRefused(file(good.substr(0, good.size() - 1)), AIT_BAD_DATA,
                      {"is cut short", "holds 11", "announces 12"});
  ExpectImagesRefused(file(good + "x"), AIT_BAD_DATA, {"goes on after the 12"});
  ExpectImagesRefused(file(Idx(kImages, {0, 2, 2}, "")), AIT_BAD_DATA, {"axis 0 is 0"});
  ExpectImagesRefused(file(Idx(kImages, {3, 2, 0}, "")), AIT_BAD_DATA, {"axis 2 is 0"});
  ExpectImagesRefused(file(Idx(kImages, {0xffffffff, 2, 2}, kPixels)), AIT_BAD_DATA, {"axis 0 is 4294967295"});
  ExpectImagesRefused(file(Idx(kImages, {0x7fffffff, 0x7fffffff, 0x7fffffff}, kPixels)), AIT_BAD_DATA,
                      {"more than any memory holds"});
  ExpectImagesRefused(file(Idx(kImages, {0x7fffffff, 1000, 1000}, kPixels)), AIT_BAD_DATA,
                      {"is cut short", "announces 2147483647000000"});
  ExpectLabelsRefused(file(good), AIT_BAD_DATA, {"begins with 0x00000803", "expected 0x00000801", "labels"});
  ExpectLabelsRefused(file(Idx(kLabels, {4}, std::string("\0\1\12\2", 4))), AIT_BAD_DATA,
                      {"label of row 2", "is 10", "expected 0 to 9"});
  ExpectLabelsRefused(file(Idx(kLabels, {4}, "\1\1")), AIT_BAD_DATA, {"is cut short"});
}

/* Noise does not compress, so the cuts fall into the pixels. */
TEST(Idx, BrokenGzip) {
  TempFolder folder;
  std::mt19937 random(2);
  std::string pixels(100000, '\0');
  for (char &c : pixels) {
    c = static_cast<char>(random());
  }
  const std::string good = Gzip(Idx(kImages, {100, 10, 100}, pixels));
  for (size_t length : {size_t{12}, size_t{50}, good.size() / 2, good.size() - 9, good.size() - 1}) {
    ExpectImagesRefused(folder.Write("cut.gz", good.substr(0, length)), AIT_BAD_DATA, {"cut short"});
  }
  std::string checksum = good;
  checksum[good.size() - 7] ^= 1;
  ExpectImagesRefused(folder.Write("sum.gz", checksum), AIT_BAD_DATA, {"damaged"});
  ExpectImagesRefused(folder.Write("short.gz", Gzip(Idx(kImages, {101, 10, 100}, pixels))), AIT_BAD_DATA,
                      {"is cut short", "holds 100000", "announces 101000"});
  for (int i = 0; i < 300; ++i) { /* sound or refused, never out of bounds */
    std::string bad = good;
    bad[random() % 200] = static_cast<char>(random());
    std::string path = folder.Write("bad.gz", bad);
    ait_matrix *matrix = nullptr;
    if (ait_idx_read_images(path.c_str(), &matrix) != AIT_OK) {
      EXPECT_TRUE(Says(path));
    }
    ait_matrix_destroy(matrix);
  }
}

/* ---- CIFAR-10 ------------------------------------------------------------------------------ */

std::string CifarRecord(int label, int first_pixel) {
  std::string record(1, static_cast<char>(label));
  for (int j = 0; j < 3072; ++j) {
    record += static_cast<char>(first_pixel + j * 7);
  }
  return record;
}

TEST(Cifar, ReadsBatchesInOrder) {
  TempFolder folder;
  std::string a = folder.Write("a.bin", CifarRecord(3, 1) + CifarRecord(0, 2));
  std::string b = folder.Write("b.bin.gz", Gzip(CifarRecord(9, 3)));
  const char *paths[] = {a.c_str(), b.c_str()};
  ait_matrix *made = nullptr;
  int32_t *labels = nullptr;
  ASSERT_EQ(ait_cifar10_read(2, paths, &made, &labels), AIT_OK) << ait_last_error();
  Matrix images(made);
  ASSERT_EQ(ait_matrix_rows(made), 3);
  ASSERT_EQ(ait_matrix_columns(made), 3072);
  EXPECT_EQ(made->layout.height, 32);
  EXPECT_EQ(made->layout.channels, 3);
  EXPECT_TRUE(made->layout.planar);
  EXPECT_EQ(std::vector<int32_t>(labels, labels + 3), (std::vector<int32_t>{3, 0, 9}));
  std::free(labels);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(std::memcmp(static_cast<const char *>(ait_matrix_data(made)) + i * 3072, CifarRecord(0, i + 1).data() + 1,
                          3072),
              0);
  }
}

/* More records than memory is first allocated for. */
TEST(Cifar, GrowsPastTheFirstAllocation) {
  TempFolder folder;
  std::string bytes;
  for (int i = 0; i < 10001; ++i) {
    bytes += CifarRecord(i % 10, i);
  }
  std::string path = folder.Write("large.bin", bytes);
  const char *paths[] = {path.c_str()};
  ait_matrix *made = nullptr;
  int32_t *labels = nullptr;
  ASSERT_EQ(ait_cifar10_read(1, paths, &made, &labels), AIT_OK) << ait_last_error();
  Matrix images(made);
  EXPECT_EQ(ait_matrix_rows(made), 10001);
  EXPECT_EQ(labels[10000], 0);
  EXPECT_EQ(ait_matrix_value(made, 10000, 0), 10000 % 256);
  std::free(labels);
}

TEST(Cifar, BrokenFiles) {
  TempFolder folder;
  auto expect = [&](const std::string &path, ait_status status, std::initializer_list<std::string> parts) {
    const char *paths[] = {path.c_str()};
    ait_matrix *matrix = nullptr;
    int32_t *labels = nullptr;
    EXPECT_EQ(ait_cifar10_read(1, paths, &matrix, &labels), status) << ait_last_error();
    EXPECT_TRUE(Says(path));
    EXPECT_TRUE(Says(parts));
  };
  expect(folder.Path("none"), AIT_NOT_FOUND, {"No such file"});
  expect(folder.Write("a.bin", ""), AIT_BAD_DATA, {"is empty", "3073"});
  expect(folder.Write("a.bin", CifarRecord(1, 1) + "x"), AIT_BAD_DATA, {"is cut short", "record 1", "1 of 3073"});
  expect(folder.Write("a.bin", CifarRecord(1, 1) + CifarRecord(10, 1)), AIT_BAD_DATA, {"label of row 1", "is 10"});
}

}  // namespace
