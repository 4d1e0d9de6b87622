// test_run.cc - the parts of a hyper-cleaning run: folders, files, settings, classifiers beside it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "ait/ait.h"
extern "C" {
#include "cli/options.h"
}
#include "run/aside.h"
#include "run/baseline.h"
#include "run/case.h"
#include "run/checkpoint_file.h"
#include "run/claim.h"
#include "run/data.h"
#include "run/difference.h"
#include "run/folder.h"
#include "run/history.h"
#include "run/sample.h"
#include "run/settings.h"
#include "run/stack.h"
#include "solver/access.h"
#include "solver_support.h"

namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Folder : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "ait-test-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root = name;
  }
  void TearDown() override {
    fs::remove_all(root);
  }
  void write(const fs::path &path, const std::string &text) {
    std::ofstream(path) << text;
  }
  std::string read(const fs::path &path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  int entries() {
    return static_cast<int>(std::distance(fs::directory_iterator(root), fs::directory_iterator()));
  }
  // A whole run of one file.
  void commit_run(const std::string &path, int32_t force, const std::string &text) {
    ait_folder folder;
    char file[PATH_MAX];
    ASSERT_EQ(ait_folder_check(path.c_str(), force, &folder), AIT_OK) << ait_last_error();
    ASSERT_EQ(ait_folder_begin(&folder), AIT_OK) << ait_last_error();
    ASSERT_EQ(ait_folder_path(&folder, "run.json", file), AIT_OK);
    write(file, text);
    ASSERT_EQ(ait_folder_commit(&folder), AIT_OK) << ait_last_error();
  }
  fs::path root;
};

TEST_F(Folder, AppearsWholeAtTheCommit) {
  const std::string path = root / "run";
  ait_folder folder;
  ASSERT_EQ(ait_folder_check((path + "/").c_str(), 0, &folder), AIT_OK) << ait_last_error();
  EXPECT_EQ(entries(), 0) << "a check creates nothing";
  ASSERT_EQ(ait_folder_begin(&folder), AIT_OK) << ait_last_error();
  char file[PATH_MAX];
  ASSERT_EQ(ait_folder_path(&folder, "run.json", file), AIT_OK);
  write(file, "{}");
  EXPECT_FALSE(fs::exists(path));
  ASSERT_EQ(ait_folder_commit(&folder), AIT_OK) << ait_last_error();
  EXPECT_EQ(read(path + "/run.json"), "{}");
  EXPECT_EQ(entries(), 1) << "nothing but the run is left";
}

TEST_F(Folder, AbandonLeavesNothing) {
  ait_folder folder;
  ASSERT_EQ(ait_folder_check((root / "run").c_str(), 0, &folder), AIT_OK);
  ASSERT_EQ(ait_folder_begin(&folder), AIT_OK);
  char file[PATH_MAX];
  ASSERT_EQ(ait_folder_path(&folder, "history.csv", file), AIT_OK);
  write(file, "t\n");
  ait_folder_abandon(&folder);
  EXPECT_EQ(entries(), 0);
  ait_folder_abandon(&folder);
}

TEST_F(Folder, OlderRunGivesWayToForceAlone) {
  const fs::path path = root / "run";
  const std::string first = "{\"program\": \"ait\"}", second = "{\"program\": \"ait64\"}";
  commit_run(path, 0, first);
  ait_folder folder;
  EXPECT_EQ(ait_folder_check(path.c_str(), 0, &folder), AIT_IO_ERROR);
  EXPECT_THAT(ait_last_error(), HasSubstr("exists and is not empty"));
  EXPECT_EQ(read(path / "run.json"), first);
  commit_run(path, 1, second);
  EXPECT_EQ(read(path / "run.json"), second);
  EXPECT_EQ(entries(), 1) << "the older run is gone";
}

/* ---- the file of a checkpoint ------------------------------------------------------------------ */

class CheckpointFile : public Folder {
 protected:
  void SetUp() override {
    Folder::SetUp();
    path = root / "checkpoint.ait";
    ait_checkpoint_block block;
    ait_writer writer;
    ASSERT_EQ(ait_checkpoint_block_begin(content.size(), &block, &writer), AIT_OK) << ait_last_error();
    ait_put_bytes(&writer, content.size(), content.data());
    ASSERT_EQ(ait_checkpoint_block_write(&block, path.c_str()), AIT_OK) << ait_last_error();
    ait_checkpoint_block_end(&block);
    whole = read(path);
  }
  ait_status status_of(const std::string &bytes) {
    write(path, bytes);
    ait_checkpoint_block block;
    ait_reader reader;
    const ait_status status = ait_checkpoint_block_read(path.c_str(), &block, &reader);
    if (status == AIT_OK) {
      found.assign(reinterpret_cast<const char *>(reader.data), reader.left);
      ait_checkpoint_block_end(&block);
    }
    return status;
  }
  fs::path path;
  std::string content = "what a run has to keep, and a little more of it", whole, found;
};

TEST_F(CheckpointFile, GivesWhatWasWritten) {
  ASSERT_EQ(status_of(whole), AIT_OK) << ait_last_error();
  EXPECT_EQ(found, content);
  EXPECT_TRUE(ait_checkpoint_begins(path.c_str()));
}

TEST_F(CheckpointFile, CutAtEveryLengthIsRefused) {
  for (size_t length = 0; length < whole.size(); length++) {
    EXPECT_EQ(status_of(whole.substr(0, length)), AIT_BAD_DATA) << length;
  }
  EXPECT_EQ(status_of(whole + "x"), AIT_BAD_DATA);
  EXPECT_THAT(ait_last_error(), HasSubstr("was cut or added to"));
}

TEST_F(CheckpointFile, EveryFlippedBitIsFound) {
  for (size_t bit = 0; bit < 8 * whole.size(); bit++) {
    std::string other = whole;
    other[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_EQ(status_of(other), AIT_BAD_DATA) << bit;
    EXPECT_THAT(ait_last_error(), HasSubstr(path.c_str())) << bit;
  }
}

TEST_F(CheckpointFile, NothingElseIsTaken) {
  ait_checkpoint_block block;
  ait_reader reader;
  EXPECT_EQ(ait_checkpoint_block_read((root / "none").c_str(), &block, &reader), AIT_NOT_FOUND);
  EXPECT_EQ(ait_checkpoint_block_read(root.c_str(), &block, &reader), AIT_BAD_DATA);
  EXPECT_THAT(ait_last_error(), HasSubstr("no regular file"));
  const fs::path pipe = root / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(ait_checkpoint_block_read(pipe.c_str(), &block, &reader), AIT_BAD_DATA);
  std::string huge = whole;  // the length that it claims is not believed
  huge[20] = 0x7f;
  EXPECT_EQ(status_of(huge), AIT_BAD_DATA);
}

TEST(Bytes, ReaderThatIsAskedForTooMuchGivesZeros) {
  const unsigned char memory[] = {1, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};
  ait_reader reader{memory, sizeof memory, 0, 0};
  EXPECT_EQ(ait_take_whole(&reader), 1);
  ait_reader counting = reader;
  EXPECT_EQ(ait_take_count(&counting, 8), 0);
  EXPECT_TRUE(counting.failed);
  double numbers[2] = {1, 1};
  ait_take_numbers(&reader, 2, numbers);
  EXPECT_TRUE(reader.failed);
  EXPECT_EQ(numbers[1], 0);
  EXPECT_EQ(ait_take_whole(&reader), 0);
  EXPECT_EQ(ait_take_text(&reader), nullptr);
}

TEST_F(Folder, IsClaimedByOneAtATime) {
  ait_folder folder;
  ait_claim first, second;
  const std::string path = root / "run";
  ASSERT_EQ(ait_folder_check(path.c_str(), 0, &folder), AIT_OK) << ait_last_error();
  ASSERT_EQ(ait_claim_take(&folder, &first), AIT_OK) << ait_last_error();
  EXPECT_EQ(ait_claim_take(&folder, &second), AIT_IO_ERROR);
  EXPECT_THAT(ait_last_error(), HasSubstr("another run is at work there"));
  ait_claim_release(&second);
  ASSERT_EQ(ait_folder_check(path.c_str(), 0, &folder), AIT_OK) << "a lock is no run: " << ait_last_error();
  ait_claim_release(&first);
  EXPECT_EQ(entries(), 0) << "a claim that came to nothing leaves nothing";
  fs::create_directory(path);
  write(path + "/checkpoint.ait.12-0.tmp", "half");
  ASSERT_EQ(ait_folder_check(path.c_str(), 0, &folder), AIT_OK) << ait_last_error();
  ASSERT_EQ(ait_claim_take(&folder, &first), AIT_OK) << ait_last_error();
  EXPECT_FALSE(fs::exists(path + "/checkpoint.ait.12-0.tmp"));
  char file[PATH_MAX];
  ASSERT_EQ(ait_folder_begin(&folder), AIT_OK) << ait_last_error();
  ASSERT_EQ(ait_folder_path(&folder, "run.json", file), AIT_OK);
  write(file, "{}");
  ASSERT_EQ(ait_folder_commit(&folder), AIT_OK) << ait_last_error();
  ait_claim_release(&first);
  EXPECT_EQ(read(path + "/run.json"), "{}");
  EXPECT_EQ(entries(), 1);
}

TEST_F(Folder, NamesAloneMakeNoOlderRun) {
  const fs::path path = root / "run";
  for (const char *json : {"", "first", "{}", "{\"program\": \"another\"}"}) {
    fs::create_directory(path);
    write(path / "y.npy", "mine");
    if (*json != '\0') {
      write(path / "run.json", json);
    }
    ait_folder folder;
    EXPECT_EQ(ait_folder_check(path.c_str(), 1, &folder), AIT_IO_ERROR) << json;
    EXPECT_THAT(ait_last_error(), HasSubstr("no run.json of an older run")) << json;
    EXPECT_EQ(read(path / "y.npy"), "mine");
    fs::remove_all(path);
  }
}

TEST_F(Folder, ForceNeverTouchesWhatNoRunHasWritten) {
  const fs::path path = root / "run";
  commit_run(path, 0, "first");
  write(path / "notes.txt", "mine");
  ait_folder folder;
  EXPECT_EQ(ait_folder_check(path.c_str(), 1, &folder), AIT_IO_ERROR);
  EXPECT_THAT(ait_last_error(), HasSubstr("notes.txt"));
  EXPECT_EQ(read(path / "notes.txt"), "mine");
}

TEST_F(Folder, AnEmptyFolderIsTaken) {
  fs::create_directory(root / "run");
  commit_run(root / "run", 0, "first");
  EXPECT_EQ(read(root / "run" / "run.json"), "first");
}

TEST_F(Folder, PlacesThatCannotBe) {
  ait_folder folder;
  EXPECT_EQ(ait_folder_check((root / "no" / "run").c_str(), 0, &folder), AIT_NOT_FOUND);
  EXPECT_THAT(ait_last_error(), HasSubstr("does not exist"));
  write(root / "file", "text");
  EXPECT_EQ(ait_folder_check((root / "file").c_str(), 1, &folder), AIT_IO_ERROR);
  EXPECT_EQ(ait_folder_check("", 0, &folder), AIT_INVALID_ARGUMENT);
  EXPECT_EQ(ait_folder_check(std::string(PATH_MAX, 'a').c_str(), 0, &folder), AIT_INVALID_ARGUMENT);
}

TEST_F(Folder, HistoryHasEmptyCellsForWhatWasNotTaken) {
  ait_history history = {};
  const ait_history_row first = {1, 0.5, 0, 0.1, 0.25, 3, NAN, NAN, NAN, NAN, NAN};
  const ait_history_row second = {2, 1.0, 0, 0.125, 0.5, 4, 0.75, NAN, 0.5, 0.625, 0.375};
  ASSERT_EQ(ait_history_append(&history, &first), AIT_OK);
  ASSERT_EQ(ait_history_append(&history, &second), AIT_OK);
  ASSERT_EQ(ait_history_write(&history, (root / "history.csv").c_str()), AIT_OK) << ait_last_error();
  ASSERT_EQ(ait_history_write_seconds(&history, (root / "seconds.csv").c_str()), AIT_OK) << ait_last_error();
  ait_history_clear(&history);
  EXPECT_EQ(read(root / "seconds.csv"), "t,seconds,figure_seconds\n1,0.500000,0.000000\n2,1.000000,0.000000\n");
  EXPECT_EQ(read(root / "history.csv"),
            "t,F_kbar,F_K,kbar,test_accuracy_y,test_accuracy_z,f1,auroc,held_out_loss\n"
            "1,0.10000000000000001,0.25,3,,,,,\n"
            "2,0.125,0.5,4,0.75,,0.5,0.625,0.375\n");
}

TEST_F(Folder, BrokenCasesNameTheirFile) {
  ait_context *context;
  ASSERT_EQ(ait_context_create(nullptr, &context), AIT_OK);
  ait_case *opened = nullptr;
  EXPECT_EQ(ait_case_open(context, (root / "none").c_str(), &opened), AIT_NOT_FOUND);
  const std::vector<std::pair<std::string, std::string>> broken = {
      {"{\n\"ll_steps\": \n}", "line"},
      {R"({"ll_step_size": 1})", "ll_steps"},
      {R"({"ll_steps": 0, "ll_step_size": 1, "methods": {}})", "\"ll_steps\" is 0"},
      {R"({"ll_steps": 1.5, "ll_step_size": 1, "methods": {}})", "\"ll_steps\" is 1.5"},
      {R"({"ll_steps": 1e300, "ll_step_size": 1, "methods": {}})", "\"ll_steps\" is 1.0"},
      {R"({"ll_steps": 3, "ll_step_size": 1})", "methods"},
      {R"({"ll_steps": 3, "ll_step_size": 1, "methods": {}, "problem": "convex13", "n": -1e300})", "\"n\" is -1"},
      {R"({"ll_steps": 3, "ll_step_size": 1, "methods": {}, "problem": "clean", "layers": [1e300, 2]})",
       "layer size 0"},
      {R"({"ll_steps": 3, "ll_step_size": 1, "methods": {}, "problem": "other"})", "other"},
      {R"({"ll_steps": 3, "ll_step_size": 1, "methods": {}, "problem": "clean"})", "layers"},
      {R"({"ll_steps": 3, "ll_step_size": 1, "methods": {}, "problem": "convex13", "n": 4})", "x.npy"}};
  for (const auto &[text, culprit] : broken) {
    write(root / "case.json", text);
    EXPECT_NE(ait_case_open(context, root.c_str(), &opened), AIT_OK) << text;
    EXPECT_THAT(ait_last_error(), HasSubstr(culprit));
    EXPECT_THAT(ait_last_error(), HasSubstr(root.string()));
  }
  ait_context_destroy(context);
}

// ---- settings --------------------------------------------------------------------------------

TEST(Settings, ModelsByName) {
  ait_model model;
  ASSERT_EQ(ait_model_parse("linear", &model), AIT_OK);
  EXPECT_EQ(model.hidden, 0);
  ASSERT_EQ(ait_model_parse("deep:300", &model), AIT_OK);
  EXPECT_EQ(model.hidden, 1);
  EXPECT_EQ(model.has_activation, 0);
  ASSERT_EQ(ait_model_parse("mlp:300,100", &model), AIT_OK);
  EXPECT_EQ(model.hidden, 2);
  EXPECT_EQ(model.sizes[1], 100);
  EXPECT_EQ(model.has_activation, 1);
  for (const char *bad : {"", "deep", "deep:", "mlp:0", "mlp:-3", "mlp:30,", "mlp:30;4", "deep:1,2,3,4,5,6,7,8,9",
                          "cnn", "mlp:99999999999999999999"}) {
    EXPECT_EQ(ait_model_parse(bad, &model), AIT_INVALID_ARGUMENT) << bad;
    EXPECT_THAT(ait_last_error(), HasSubstr(std::string("--model ") + bad));
  }
}

TEST(Settings, NetworkOfAModel) {
  ait_model model;
  ASSERT_EQ(ait_model_parse("mlp:30,20", &model), AIT_OK);
  int64_t sizes[AIT_MAX_HIDDEN + 2];
  ait_network network;
  ait_model_network(&model, AIT_ACTIVATION_TANH, 7, 3, sizes, &network);
  EXPECT_EQ(network.layers, 3);
  EXPECT_EQ(std::vector<int64_t>(sizes, sizes + 4), (std::vector<int64_t>{7, 30, 20, 3}));
}

ait_clean_settings on_dataset() {
  ait_clean_settings settings;
  ait_clean_settings_init(&settings);
  settings.dataset = "fashion-mnist";
  return settings;
}

TEST(Settings, PaperProtocolKeepsWhatWasGiven) {
  ait_clean_settings settings = on_dataset();
  settings.protocol = AIT_PROTOCOL_PAPER;
  settings.ll_steps = 7;
  ASSERT_EQ(ait_clean_settings_complete(&settings), AIT_OK) << ait_last_error();
  EXPECT_EQ(settings.ll_steps, 7);
  EXPECT_EQ(settings.noise_model, AIT_NOISE_PAPER);
  EXPECT_EQ(settings.noise, 0.5);
  EXPECT_EQ(settings.ll_rate, 0.03);
  ait_solver_options options;
  ait_clean_solver_options(&settings, 5000, &options);
  EXPECT_EQ(options.ul_optimizer.kind, AIT_OPTIMIZER_ADAM);
  EXPECT_EQ(options.ul_optimizer.rate.rate, 0.01);
  EXPECT_EQ(options.ul_optimizer.gradient_scale, 1) << "the script's Adam sees gx itself";
  EXPECT_EQ(options.init_optimizer.kind, AIT_OPTIMIZER_SGD);
  EXPECT_EQ(options.init_optimizer.rate.rate, 0.03);
  settings.protocol = AIT_PROTOCOL_USER;
  ait_clean_solver_options(&settings, 5000, &options);
  EXPECT_EQ(options.ul_optimizer.gradient_scale, 5000);
}

TEST(Settings, OwnFilesKeepTheirLabels) {
  ait_clean_settings settings;
  ait_clean_settings_init(&settings);
  settings.images = settings.labels = settings.validation_images = settings.validation_labels = "a.npy";
  ASSERT_EQ(ait_clean_settings_complete(&settings), AIT_OK) << ait_last_error();
  EXPECT_EQ(settings.noise, -1) << "no label is redrawn unless asked";
  EXPECT_EQ(settings.train, -1) << "all rows";
}

TEST(Settings, ClashesNameBothSides) {
  ait_clean_settings settings;
  ait_clean_settings_init(&settings);
  EXPECT_EQ(ait_clean_settings_complete(&settings), AIT_INVALID_ARGUMENT);
  EXPECT_THAT(ait_last_error(), HasSubstr("--dataset"));
  settings = on_dataset();
  settings.images = "a.npy";
  EXPECT_EQ(ait_clean_settings_complete(&settings), AIT_INVALID_ARGUMENT);
  settings = on_dataset();
  settings.activation = AIT_ACTIVATION_TANH;
  EXPECT_EQ(ait_clean_settings_complete(&settings), AIT_INVALID_ARGUMENT);
  EXPECT_THAT(ait_last_error(), HasSubstr("--activation"));
  ait_clean_settings_init(&settings);
  settings.images = settings.labels = settings.validation_images = settings.validation_labels = "a.npy";
  settings.test_images = "t.npy";
  EXPECT_EQ(ait_clean_settings_complete(&settings), AIT_INVALID_ARGUMENT);
  EXPECT_THAT(ait_last_error(), HasSubstr("--test-labels"));
}

// ---- stack -----------------------------------------------------------------------------------

// The seeds of a text, or the sentence that refuses it.
std::string seeds_of(const std::string &text) {
  uint64_t *seeds = nullptr;
  int64_t count = 0;
  if (ait_option_seeds("--seeds", text.c_str(), &seeds, &count) != AIT_OK) {
    EXPECT_EQ(seeds, nullptr);
    return ait_last_error();
  }
  std::string joined;
  for (int64_t i = 0; i < count; i++) {
    joined += std::to_string(seeds[i]) + " ";
  }
  std::free(seeds);
  return joined;
}

TEST(Options, SeedsInListsAndRanges) {
  EXPECT_EQ(seeds_of("7"), "7 ");
  EXPECT_EQ(seeds_of("0..3"), "0 1 2 3 ");
  EXPECT_EQ(seeds_of("5,0,3"), "5 0 3 ");
  EXPECT_EQ(seeds_of("0..2,9..9,4"), "0 1 2 9 4 ");
  EXPECT_EQ(seeds_of("18446744073709551614..18446744073709551615"), "18446744073709551614 18446744073709551615 ");
}

TEST(Options, BadSeedsAreRefused) {
  for (const char *text :
       {"", "a", "1,", ",1", "1..", "..3", "3..1", "1.5", "-1", " 1", "1 2", "0..-1", "18446744073709551616"}) {
    EXPECT_THAT(seeds_of(text), HasSubstr("expected seeds such as 0..9 or 0,3,5")) << text;
  }
  EXPECT_THAT(seeds_of("0..4,3"), HasSubstr("seed 3 stands there twice"));
  EXPECT_THAT(seeds_of("0..1000"), HasSubstr("at most 1000 seeds"));
  EXPECT_THAT(seeds_of("0..18446744073709551615"), HasSubstr("at most 1000 seeds"));
}

TEST(Stack, KeepsATypeThatBothShare) {
  const uint8_t top[] = {1, 2, 9, 3, 4, 9, 5, 6, 9}, bottom[] = {7, 8};
  const double scale[] = {0.5, 2}, shift[] = {1, -1};
  ait_matrix *a, *b;
  ASSERT_EQ(ait_matrix_view(AIT_U8, 3, 2, 3, top, &a), AIT_OK);
  ASSERT_EQ(ait_matrix_view(AIT_U8, 1, 2, 2, bottom, &b), AIT_OK);
  ASSERT_EQ(ait_matrix_set_scale(a, scale, shift), AIT_OK);
  ASSERT_EQ(ait_matrix_set_scale(b, scale, shift), AIT_OK);
  const int64_t rows[] = {2, 0};
  ait_stack stack;
  ASSERT_EQ(ait_stack_rows(a, 2, rows, b, &stack), AIT_OK) << ait_last_error();
  EXPECT_EQ(ait_matrix_type(stack.matrix), AIT_U8);
  ASSERT_EQ(ait_matrix_rows(stack.matrix), 3);
  const double expected[] = {5 * 0.5 + 1, 6 * 2 - 1, 1 * 0.5 + 1, 2 * 2 - 1, 7 * 0.5 + 1, 8 * 2 - 1};
  for (int i = 0; i < 6; i++) {
    EXPECT_EQ(ait_matrix_value(stack.matrix, i / 2, i % 2), expected[i]);
  }
  ait_stack_free(&stack);
  ait_matrix_destroy(a);
  ait_matrix_destroy(b);
}

TEST(Stack, RefusesWhatCannotBeCopiedAsItIs) {
  const std::vector<uint8_t> bytes(AIT_STACK_MOST_ROWS + 1, 3);
  const float floats[] = {0.25f, 0.75f};
  const double scale[] = {0.01};
  ait_matrix *u8, *f32, *scaled, *wide, *most, *more;
  ASSERT_EQ(ait_matrix_view(AIT_U8, 2, 1, 1, bytes.data(), &u8), AIT_OK);
  ASSERT_EQ(ait_matrix_view(AIT_F32, 2, 1, 1, floats, &f32), AIT_OK);
  ASSERT_EQ(ait_matrix_view(AIT_U8, 2, 1, 1, bytes.data(), &scaled), AIT_OK);
  ASSERT_EQ(ait_matrix_set_scale(scaled, scale, nullptr), AIT_OK);
  ASSERT_EQ(ait_matrix_view(AIT_U8, 1, 2, 2, bytes.data(), &wide), AIT_OK);
  ASSERT_EQ(ait_matrix_view(AIT_U8, AIT_STACK_MOST_ROWS, 1, 1, bytes.data(), &most), AIT_OK);
  ASSERT_EQ(ait_matrix_view(AIT_U8, AIT_STACK_MOST_ROWS + 1, 1, 1, bytes.data(), &more), AIT_OK);
  const int64_t rows[] = {1};
  ait_stack stack;
  EXPECT_EQ(ait_stack_rows(u8, 1, rows, f32, &stack), AIT_UNSUPPORTED);
  EXPECT_THAT(ait_last_error(), HasSubstr("the training rows are u8 and the validation rows f32"));
  EXPECT_EQ(ait_stack_rows(u8, 1, rows, scaled, &stack), AIT_UNSUPPORTED);
  EXPECT_THAT(ait_last_error(), HasSubstr("scaled differently"));
  EXPECT_EQ(ait_stack_rows(u8, 1, rows, wide, &stack), AIT_INVALID_ARGUMENT);
  EXPECT_EQ(ait_stack_rows(more, 1, rows, u8, &stack), AIT_UNSUPPORTED);
  EXPECT_THAT(ait_last_error(), HasSubstr("1000001 training rows"));
  EXPECT_EQ(ait_stack_rows(most, 1, rows, u8, &stack), AIT_OK) << ait_last_error();
  ait_stack_free(&stack);
  for (ait_matrix *matrix : {u8, f32, scaled, wide, most, more}) {
    ait_matrix_destroy(matrix);
  }
}

// ---- rows set aside ----------------------------------------------------------------------------

// 40 training rows and 200 validation rows of 5 classes (class 4 has one validation row), the first 8 reviewed; every
// row is its number.
struct RowsToPart {
  static constexpr int64_t kTrain = 40, kValidation = 200, kReviewed = 8;
  std::vector<float> train = std::vector<float>(kTrain), validation = std::vector<float>(kValidation);
  ait_clean_settings settings = {};
  ait_clean_data data = {};

  RowsToPart() {
    settings.seed = 3;
    ait_matrix *matrix;
    data.train_rows = kTrain;
    data.validation_rows = kValidation;
    data.reviewed_rows = kReviewed;
    data.classes = 5;
    data.features = 1;
    data.given = static_cast<int32_t *>(std::calloc(kTrain, sizeof(int32_t)));
    data.validation_labels = static_cast<int32_t *>(std::calloc(kValidation, sizeof(int32_t)));
    for (int64_t i = 0; i < kTrain; i++) {
      train[i] = static_cast<float>(-1 - i);
      data.given[i] = static_cast<int32_t>(i % 3);
    }
    for (int64_t j = 0; j < kValidation; j++) {
      validation[j] = static_cast<float>(j);
      data.validation_labels[j] = j == 100 ? 4 : static_cast<int32_t>(j % 4);
    }
    EXPECT_EQ(ait_matrix_view(AIT_F32, kTrain, 1, 1, train.data(), &matrix), AIT_OK);
    data.train = data.owned[0] = matrix;
    EXPECT_EQ(ait_matrix_view(AIT_F32, kValidation, 1, 1, validation.data(), &matrix), AIT_OK);
    data.validation = data.owned[1] = matrix;
  }
  ~RowsToPart() {
    ait_clean_data_free(&data);
  }
  // The numbers of rows of a matrix, from one on.
  static std::vector<int64_t> numbers(const ait_matrix *matrix, int64_t from = 0) {
    std::vector<int64_t> found;
    for (int64_t i = from; i < ait_matrix_rows(matrix); i++) {
      found.push_back(static_cast<int64_t>(ait_matrix_value(matrix, i, 0)));
    }
    return found;
  }
};

struct Aside : ::testing::Test, RowsToPart {};

TEST_F(Aside, EveryValidationRowHasOnePlace) {
  settings.plant = 0.25;
  settings.hold_out = 0.1;
  ASSERT_EQ(ait_aside_apply(&settings, &data), AIT_OK) << ait_last_error();
  const ait_aside &aside = data.aside;
  EXPECT_STREQ(aside.without, "");
  EXPECT_EQ(aside.planted, 48);
  EXPECT_EQ(aside.flipped, 16);
  EXPECT_EQ(aside.held_out, 19);
  const ait_cleaning_entry entry = ait_clean_data_entry(&data);
  ASSERT_EQ(ait_matrix_rows(entry.train), kTrain + 48);
  ASSERT_EQ(ait_clean_data_learned(&data), kTrain + 48);
  EXPECT_EQ(numbers(data.train).back(), -kTrain);
  EXPECT_EQ(ait_matrix_rows(data.train), kTrain);
  std::vector<int64_t> planted = numbers(entry.train, kTrain), held_out = numbers(aside.held_out_rows);
  const std::vector<int64_t> upper = numbers(entry.validation);
  ASSERT_EQ(upper.size(), 133u);
  EXPECT_TRUE(std::is_sorted(upper.begin(), upper.end()));
  for (int64_t k = 0; k < 48; k++) {
    const int32_t truth = data.validation_labels[planted[k]], given = entry.train_labels[kTrain + k];
    EXPECT_EQ(given != truth, k < 16) << k;
    EXPECT_TRUE(k >= 16 || given < 3) << "a label that no training row carries: " << given;
  }
  for (size_t k = 0; k < upper.size(); k++) {
    EXPECT_EQ(entry.validation_labels[k], data.validation_labels[upper[k]]);
  }
  for (size_t k = 0; k < held_out.size(); k++) {
    EXPECT_EQ(aside.held_out_labels[k], data.validation_labels[held_out[k]]);
  }
  for (int64_t j = 0; j < kReviewed; j++) {
    EXPECT_EQ(upper[j], j) << "a reviewed row is set aside";
  }
  EXPECT_EQ(std::count(upper.begin(), upper.end(), 100), 1) << "the only row of a class is set aside";
  planted.insert(planted.end(), held_out.begin(), held_out.end());
  planted.insert(planted.end(), upper.begin(), upper.end());
  std::sort(planted.begin(), planted.end());
  for (int64_t j = 0; j < kValidation; j++) {
    EXPECT_EQ(planted[j], j);
  }
}

TEST_F(Aside, SeedDecidesWhichRows) {
  settings.plant = 0.25;
  ASSERT_EQ(ait_aside_apply(&settings, &data), AIT_OK) << ait_last_error();
  const std::vector<int64_t> first = numbers(ait_clean_data_entry(&data).train, kTrain);
  const std::vector<int32_t> labels(data.given + kTrain, data.given + kTrain + 48);
  for (uint64_t seed : {3u, 4u}) {
    RowsToPart other;
    other.settings.plant = 0.25;
    other.settings.seed = seed;
    ASSERT_EQ(ait_aside_apply(&other.settings, &other.data), AIT_OK) << ait_last_error();
    EXPECT_EQ(numbers(ait_clean_data_entry(&other.data).train, kTrain) == first, seed == 3);
    EXPECT_TRUE(seed != 3 || std::equal(labels.begin(), labels.end(), other.data.given + kTrain));
  }
}

TEST_F(Aside, WhatCannotBePlantedIsLeftOut) {
  settings.plant = 0.05;
  ASSERT_EQ(ait_aside_apply(&settings, &data), AIT_OK) << ait_last_error();
  EXPECT_THAT(data.aside.without, HasSubstr("0.05 of the 192 validation rows is 10, and fewer than 20"));
  EXPECT_EQ(ait_clean_data_entry(&data).train, data.train);
  EXPECT_EQ(ait_clean_data_entry(&data).validation, data.validation);
  EXPECT_EQ(ait_clean_data_learned(&data), kTrain);
  std::fill(data.given, data.given + kTrain, 1);
  std::fill(data.validation_labels, data.validation_labels + kValidation, 1);
  settings.plant = 0.25;
  settings.hold_out = 0.1;
  ASSERT_EQ(ait_aside_apply(&settings, &data), AIT_OK) << ait_last_error();
  EXPECT_THAT(data.aside.without, HasSubstr("all training rows carry one label"));
  EXPECT_EQ(data.aside.planted, 0);
  EXPECT_EQ(data.aside.held_out, 19);
  EXPECT_EQ(ait_clean_data_entry(&data).train, data.train);
  EXPECT_EQ(ait_matrix_rows(ait_clean_data_entry(&data).validation), kValidation - 19);
}

TEST_F(Aside, RowsThatWereAskedForAndCannotBePlantedAreAnError) {
  settings.plant = 0.05;
  settings.plant_asked = 1;
  EXPECT_EQ(ait_aside_apply(&settings, &data), AIT_INVALID_ARGUMENT);
  EXPECT_THAT(ait_last_error(), HasSubstr("--plant 0.05: a share of 0.05 of the 192 validation rows is 10"));
  settings.plant = 0.999;  // the only row of class 4 as well
  EXPECT_EQ(ait_aside_apply(&settings, &data), AIT_INVALID_ARGUMENT);
  EXPECT_THAT(ait_last_error(), HasSubstr("--plant 0.999: 192 of 200 validation rows cannot be set aside"));
}

TEST_F(Aside, TooFewToHoldOutIsAnError) {
  settings.hold_out = 0.03;
  EXPECT_EQ(ait_aside_apply(&settings, &data), AIT_INVALID_ARGUMENT);
  EXPECT_THAT(ait_last_error(), HasSubstr("--hold-out 0.03 of the validation rows is 6; expected at least 10"));
}

// ---- classifiers beside a run ----------------------------------------------------------------

// Two clouds in the plane, so far apart that a line between them errs on few rows.
struct Clouds {
  std::vector<float> points;
  std::vector<int32_t> labels;
  ait_matrix *rows = nullptr;
  Clouds(int n, unsigned seed, double label_noise = 0) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0, 0.5);
    std::uniform_real_distribution<double> uniform(0, 1);
    for (int i = 0; i < n; i++) {
      const int side = i % 2;
      points.push_back(normal(random) + (side ? 1.0f : -1.0f));
      points.push_back(normal(random));
      labels.push_back(uniform(random) < label_noise ? 1 - side : side);
    }
    EXPECT_EQ(ait_matrix_view(AIT_F32, n, 2, 2, points.data(), &rows), AIT_OK);
  }
  ~Clouds() {
    ait_matrix_destroy(rows);
  }
};

class Baseline : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(ait_context_create(nullptr, &context), AIT_OK);
  }
  void TearDown() override {
    ait_context_destroy(context);
  }
  ait_status train(const Clouds &clouds, ait_baseline_settings settings) {
    return ait_baseline_train(context, &network, clouds.rows, clouds.labels.data(), &settings, y, &result);
  }
  double accuracy(const Clouds &clouds) {
    ait_predictor *predictor;
    double share = NAN;
    EXPECT_EQ(ait_predictor_create(context, &network, clouds.rows, &predictor), AIT_OK);
    EXPECT_EQ(ait_predictor_accuracy(predictor, y, clouds.labels.data(), &share), AIT_OK);
    ait_predictor_destroy(predictor);
    return share;
  }
  ait_context *context = nullptr;
  const int64_t sizes[2] = {2, 2};
  const ait_network network = {1, sizes, AIT_ACTIVATION_NONE};
  ait_real y[6] = {};
  ait_baseline result = {};
};

TEST_F(Baseline, LearnsWhatCanBeLearned) {
  const Clouds train_rows(203, 1), fresh_rows(1000, 2);
  for (int32_t folds : {1, 5}) {
    ASSERT_EQ(train(train_rows, {0, 0.5, 200, folds}), AIT_OK) << ait_last_error();
    EXPECT_GE(accuracy(fresh_rows), 0.95) << folds << " folds; the best line reaches Phi(2) = 0.977";
    EXPECT_EQ(result.rate, 0.5);
  }
}

// Labels of chance teach nothing: whatever is learned makes the loss on rows left out worse, so the
// training stops early; labels that follow the clouds are worth many steps.
TEST_F(Baseline, StopsWhereTheRowsLeftOutSaySo) {
  ASSERT_EQ(train(Clouds(60, 3, 0.5), {0, 0.5, 400, 5}), AIT_OK) << ait_last_error();
  const int64_t steps_of_chance = result.steps;
  ASSERT_EQ(train(Clouds(60, 3), {0, 0.5, 400, 5}), AIT_OK) << ait_last_error();
  EXPECT_LT(steps_of_chance, result.steps);
}

TEST_F(Baseline, RepeatsItself) {
  const Clouds rows(97, 4, 0.2);
  ASSERT_EQ(train(rows, {7, 0.3, 100, 5}), AIT_OK);
  const std::vector<ait_real> first(y, y + 6);
  ASSERT_EQ(train(rows, {7, 0.3, 100, 5}), AIT_OK);
  EXPECT_EQ(first, std::vector<ait_real>(y, y + 6));
}

TEST_F(Baseline, HalvesARateThatDiverges) {
  const Clouds rows(100, 5, 0.3);
  ASSERT_EQ(train(rows, {0, 40, 100, 5}), AIT_OK) << ait_last_error();
  EXPECT_LT(result.rate, 40);
  EXPECT_GE(accuracy(Clouds(1000, 6)), 0.9);
  EXPECT_EQ(train(rows, {0, 1e9, 100, 5}), AIT_DIVERGED);
}

// Two large rows contradict each other. The one fold leaves row 6 out, so that only the training on all
// rows meets both.
TEST_F(Baseline, HalvesARateThatDivergesOnAllRowsOnly) {
  for (int other : {5, 7, 9}) {
    Clouds rows(10, 7);
    for (int large : {6, other}) {
      rows.points[2 * large] = 0;
      rows.points[2 * large + 1] = 40;
    }
    ASSERT_EQ(train(rows, {0, 0.5, 20, 1}), AIT_OK) << "row " << other << ": " << ait_last_error();
    EXPECT_LT(result.rate, 0.5) << "row " << other;
  }
}

TEST_F(Baseline, NeedsTwoRows) {
  EXPECT_EQ(train(Clouds(1, 1), {0, 0.5, 10, 5}), AIT_INVALID_ARGUMENT);
  EXPECT_EQ(train(Clouds(2, 1), {0, 0.5, 10, 5}), AIT_OK) << ait_last_error();
}

// ---- differences -----------------------------------------------------------------------------

// f = (y - x)^2 / 2 and F = y^2 / 2, with a factor on J' v: 1 is right.
struct Scalar {
  double factor;
};

ait_status ll_gradient(void *, const ait_call *, const ait_real *x, const ait_real *y, ait_real *g, ait_real *f) {
  *g = *y - *x;
  *f = (*y - *x) * (*y - *x) / 2;
  return AIT_OK;
}
ait_status ll_products(void *self, const ait_call *, const ait_real *, const ait_real *, const ait_real *v,
                       ait_real *hv, ait_real *xv) {
  *hv = *v;
  *xv = static_cast<ait_real>(-static_cast<Scalar *>(self)->factor * *v);
  return AIT_OK;
}
ait_status ul_value(void *, const ait_call *, const ait_real *, const ait_real *y, ait_real *F) {
  *F = *y * *y / 2;
  return AIT_OK;
}
ait_status ul_gradient(void *, const ait_call *, const ait_real *, const ait_real *y, ait_real *gx, ait_real *gy) {
  *gx = 0;
  *gy = *y;
  return AIT_OK;
}

TEST(Difference, FindsAWrongDerivative) {
  ait_context *context;
  ASSERT_EQ(ait_context_create(nullptr, &context), AIT_OK);
  const ait_difference_settings settings = {0, 4, ait_difference_step(), 1e-6};
  ait_solver_options options;
  ait_solver_options_init(&options);
  options.ll_steps = 10;
  const ait_real x = 2, z = 1;
  for (double factor : {1.0, 1.05}) {
    Scalar scalar = {factor};
    const ait_oracles oracles = host_oracles(ll_gradient, ll_products, ul_value, ul_gradient);
    ait_problem *problem;
    ASSERT_EQ(ait_problem_create(context, &oracles, &scalar, 1, 1, 1, &problem), AIT_OK) << ait_last_error();
    ait_difference result;
    ASSERT_EQ(ait_difference_check(problem, &options, &x, &z, &settings, &result), AIT_OK) << ait_last_error();
    if (factor == 1) {
      EXPECT_LE(result.error_gx, sizeof(ait_real) == 8 ? 1e-8 : 1e-3);
    } else {
      EXPECT_NEAR(result.error_gx, 1 - 1 / factor, 1e-3) << "gx is 5 % too large";
    }
    EXPECT_LE(result.error_gz, sizeof(ait_real) == 8 ? 1e-8 : 1e-3);
    ait_problem_destroy(problem);
  }
  ait_context_destroy(context);
}

// The tolerances of ait check: in float a difference is rough.
TEST(Difference, AgreesWithEveryMethodOnEveryProblem) {
  ait_context *context;
  ASSERT_EQ(ait_context_create(nullptr, &context), AIT_OK);
  const double tolerance = sizeof(ait_real) == 8 ? 1e-6 : 2e-2;
  const ait_difference_settings settings = {0, 8, ait_difference_step(), tolerance};
  for (const char *text : {"linear", "deep:6", "mlp:6,5"}) {
    ait_model model;
    ASSERT_EQ(ait_model_parse(text, &model), AIT_OK);
    const ait_activation activation = model.has_activation ? AIT_ACTIVATION_TANH : AIT_ACTIVATION_NONE;
    for (int kind = model.hidden > 0 ? AIT_SAMPLE_CLEAN : 0; kind < AIT_SAMPLE_COUNT; kind++) {
      ait_sample sample;
      ASSERT_EQ(ait_sample_make(context, static_cast<ait_sample_kind>(kind), &model, activation, 0, &sample), AIT_OK);
      for (int32_t i = 0; ait_method_name(i) != nullptr; i++) {
        ait_solver_options options;
        ait_solver_options_init(&options);
        ASSERT_EQ(ait_method_by_name(ait_method_name(i), &options.method), AIT_OK);
        options.ll_steps = sample.ll_steps;
        options.ll_rate.rate = sample.ll_rate;
        ait_difference result;
        const ait_status status =
            ait_difference_check(sample.problem, &options, sample.x, sample.z, &settings, &result);
        if (ait_difference_excuse(&options.method) != nullptr) {
          EXPECT_EQ(status, AIT_UNSUPPORTED);
          continue;
        }
        ASSERT_EQ(status, AIT_OK) << ait_last_error();
        EXPECT_LE(result.error_gx, tolerance) << ait_sample_words[kind] << " " << text << " " << ait_method_name(i);
        EXPECT_LE(result.error_gz, tolerance) << ait_sample_words[kind] << " " << text << " " << ait_method_name(i);
      }
      ait_sample_free(&sample);
    }
  }
  ait_context_destroy(context);
}

}  // namespace
