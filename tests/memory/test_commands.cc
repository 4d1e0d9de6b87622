// test_commands.cc - every command on small data, over and over, each time with another allocation that fails: it ends
// with a sentence about memory, frees what it had, and leaves files as they were.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "data_support.h"
#include "device_cases.h"
#include "failing_memory.h"
extern "C" {
#include "cli/options.h"
}

namespace {

namespace fs = std::filesystem;
using failing_memory::Decide;
using Command = int (*)(int, char **);
using Files = std::map<std::string, std::string>;

// What a command did that ran in a process of its own, and said on stderr.
struct Ending {
  int state = 0;  // as waitpid gives it
  std::string errors;
};

// What the processes share.
struct Shared {
  failing_memory::Result result;
  int64_t descriptors;  // that a command left open
  int64_t ways;         // on which an allocation was made to fail
  char faults[1 << 16];
};

// The ways to allocations that commands have taken.
struct Tried {
  static constexpr int64_t kMost = 1 << 14;
  int64_t count;
  uint64_t path[kMost];
};

template <class T>
T *MakeShared() {
  void *memory = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<T *>(memory);
}

int64_t CountDescriptors() {
  fs::directory_iterator first("/proc/self/fd");
  return std::distance(first, fs::directory_iterator());
}

// A text without its numbers: durations differ from run to run.
std::string WithoutNumbers(const std::string &text) {
  std::string rest;
  std::copy_if(text.begin(), text.end(), std::back_inserter(rest),
               [](char c) { return std::string("0123456789.eE+-").find(c) == std::string::npos; });
  return rest;
}

const Decide kNever = [](int64_t, const failing_memory::Trace &) { return false; };

class CommandTest : public testing::Test {
 protected:
  void SetUp() override {
    static Tried *tried = MakeShared<Tried>();  // by all cases
    tried_ = tried;
    shared_ = MakeShared<Shared>();
    ASSERT_TRUE(tried_ != nullptr && shared_ != nullptr);
    WriteRows("train", 40, 0.3);
    WriteRows("val", 12, 0);
    WriteRows("test", 12, 0);
    folder_.Write("ids.txt", Lines(40));
    fs::create_directory(folder_.Path("work"));
  }
  void TearDown() override {
    munmap(shared_, sizeof(Shared));
  }

  static std::string Lines(int count) {
    std::string lines;
    for (int i = 0; i < count; i++) {
      lines += "row \"" + std::to_string(i) + "\", left\n";
    }
    return lines;
  }

  static std::string Npy(const std::string &type, const std::string &shape, const std::string &bytes) {
    std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + shape + "), }";
    header += std::string(63 - (header.size() + 10) % 64, ' ') + "\n";
    return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size() % 256) +
           static_cast<char>(header.size() / 256) + header + bytes;
  }

  // NAME-images.npy and NAME-labels.npy: rows of 2 x 2 pixels in two classes, some of whose labels are wrong.
  void WriteRows(const std::string &name, int rows, double wrong) {
    std::mt19937 engine(static_cast<unsigned>(rows));
    std::string pixels, labels;
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < 4; j++) {
        pixels += static_cast<char>((i % 2 == j % 2 ? 100 : 0) + engine() % 100);
      }
      const bool swapped = static_cast<double>(engine() % 1000) < 1000 * wrong;
      labels += static_cast<char>(swapped ? 1 - i % 2 : i % 2);
    }
    folder_.Write(name + "-images.npy", Npy("|u1", std::to_string(rows) + ", 2, 2", pixels));
    folder_.Write(name + "-labels.npy", Npy("|u1", std::to_string(rows) + ",", labels));
  }

  static std::string BigEndian(std::initializer_list<uint32_t> numbers) {
    std::string bytes;
    for (uint32_t number : numbers) {
      for (int shift = 24; shift >= 0; shift -= 8) {
        bytes += static_cast<char>(number >> shift);
      }
    }
    return bytes;
  }

  // A data set in the form of MNIST, its labels compressed.
  void WriteMnist() {
    for (const auto &[name, rows] : std::map<std::string, uint32_t>{{"train", 60}, {"t10k", 20}}) {
      std::string pixels, labels;
      for (uint32_t i = 0; i < rows; i++) {
        labels += static_cast<char>(i % 2);
        for (uint32_t j = 0; j < 4; j++) {
          pixels += static_cast<char>(i % 2 == j ? 200 : 7 * (i + j) % 50);
        }
      }
      folder_.Write("mnist/" + name + "-images-idx3-ubyte.gz", BigEndian({0x803, rows, 2, 2}) + pixels);
      const std::string path = folder_.Write("mnist/" + name + "-labels-idx1-ubyte.gz", "");
      gzFile file = gzopen(path.c_str(), "wb");
      const std::string bytes = BigEndian({0x801, rows}) + labels;
      gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
      gzclose(file);
    }
  }

  // Words of a command line; FILES and TEST stand for the options that name the rows.
  static std::vector<std::string> Words(const std::string &line) {
    const std::string files =
        "--images ../train-images.npy --labels ../train-labels.npy --val-images "
        "../val-images.npy --val-labels ../val-labels.npy --device cpu --threads 1 --quiet ";
    const std::string test = "--test-images ../test-images.npy --test-labels ../test-labels.npy ";
    std::vector<std::string> words;
    std::string word;
    for (char c : line + " ") {
      if (c != ' ') {
        word += c;
        continue;
      }
      const std::vector<std::string> more = word == "FILES"  ? Words(files)
                                            : word == "TEST" ? Words(test)
                                            : word.empty()   ? std::vector<std::string>()
                                                             : std::vector<std::string>{word};
      words.insert(words.end(), more.begin(), more.end());
      word.clear();
    }
    return words;
  }

  void SendOutputTo(const std::string &name) {
    if (freopen(folder_.Path(name + ".out").c_str(), "w", stdout) == nullptr ||
        freopen(folder_.Path(name + ".err").c_str(), "w", stderr) == nullptr) {
      _exit(126);
    }
  }

  // Does the command in the folder work/, watched; never returns.
  [[noreturn]] void BeTheCommand(Command command, std::vector<std::string> words, const Decide &decide) {
    std::vector<char *> arguments;
    for (std::string &word : words) {
      arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    if (chdir(folder_.Path("work").c_str()) != 0) {
      _exit(126);
    }
    SendOutputTo("whole");
    const int64_t before = CountDescriptors();
    failing_memory::Begin(decide);
    const int status = command(static_cast<int>(words.size()), arguments.data());
    shared_->result = failing_memory::End();
    shared_->descriptors = CountDescriptors() - before;
    fflush(stdout);
    fflush(stderr);
    _exit(status);
  }

  // Runs a command in a process of its own.
  Ending Run(Command command, const std::string &line, const Decide &decide) {
    fflush(stdout);
    fflush(stderr);
    Ending ending;
    const pid_t child = fork();
    if (child == 0) {
      BeTheCommand(command, Words(line), decide);
    }
    EXPECT_EQ(waitpid(child, &ending.state, 0), child);
    ending.errors = ReadBytes(folder_.Path("whole.err"));
    return ending;
  }

  // Asked by a command at every allocation: at each to which a new way led, a copy of the process is made in which the
  // allocation fails and which then goes on to its end. The command itself goes on as if nothing had happened.
  bool FailInACopy(int64_t number, const failing_memory::Trace &trace, const Files &before, const Files &whole) {
    if (is_copy_ || IsTried(PathOf(trace))) {
      return false;
    }
    KeepWork("now");
    Ending ending;
    const pid_t child = fork();
    if (child == 0) {
      is_copy_ = true;
      SendOutputTo("copy");
      return true;
    }
    waitpid(child, &ending.state, 0);
    ending.errors = ReadBytes(folder_.Path("copy.err"));
    const std::string faults = Faults(ending, before, whole);
    if (!faults.empty()) {
      Report("allocation " + std::to_string(number) + ", " + Describe(trace) + ": " + faults + "\n");
    }
    shared_->ways++;
    PutWorkBack("now");
    return false;
  }

  // Whether a command has been here already, this one or one before.
  bool IsTried(uint64_t path) {
    uint64_t *end = tried_->path + tried_->count;
    if (std::find(tried_->path, end, path) != end || tried_->count == Tried::kMost) {
      return true;
    }
    *end = path;
    tried_->count++;
    return false;
  }

  // Keeps what is in work/ under a name, as links to the same files: a process may have them open.
  void KeepWork(const std::string &name) const {
    fs::copy(folder_.Path("work"), folder_.Path(name),
             fs::copy_options::recursive | fs::copy_options::create_hard_links);
  }
  void PutWorkBack(const std::string &name) const {
    for (const auto &entry : fs::directory_iterator(folder_.Path("work"))) {
      fs::remove_all(entry.path());
    }
    fs::copy(folder_.Path(name), folder_.Path("work"),
             fs::copy_options::recursive | fs::copy_options::create_hard_links);
    fs::remove_all(folder_.Path(name));
  }

  void Report(const std::string &text) {
    const size_t used = std::strlen(shared_->faults);
    std::snprintf(shared_->faults + used, sizeof shared_->faults - used, "%s", text.c_str());
  }

  // Every file below work/ with its bytes, and every folder.
  Files Work() const {
    Files files;
    for (const auto &entry : fs::recursive_directory_iterator(folder_.Path("work"))) {
      files[entry.path()] = entry.is_regular_file() ? ReadBytes(entry.path()) : "";
    }
    return files;
  }

  // What is wrong with how a command ended whose allocation failed; empty: nothing.
  std::string Faults(const Ending &ending, const Files &before, const Files &whole) {
    if (!WIFEXITED(ending.state)) {
      return "it died of signal " + std::to_string(WTERMSIG(ending.state));
    }
    const int status = WEXITSTATUS(ending.state);
    std::string faults;
    if (shared_->result.left > 0) {
      faults += std::to_string(shared_->result.left) + " allocations not freed, such as " +
                Describe(shared_->result.left_at) + "; ";
    }
    if (shared_->descriptors != 0) {
      faults += "a file was left open; ";
    }
    const std::string last = ending.errors.substr(ending.errors.rfind('\n', ending.errors.size() - 2) + 1);
    if (status != 0 && (status != 1 || last.rfind("ait: ", 0) != 0 || !TellsOfMemory(last))) {
      faults += "exit status " + std::to_string(status) + ", and it said: " + ending.errors + "; ";
    }
    const Files after = Work();
    if ((status != 0 && after == before) || DocumentTellsOfMemory(after) || IsSaved(after, ending)) {
      return faults;
    }
    return faults + Difference(whole, after);
  }

  static bool TellsOfMemory(const std::string &text) {
    return text.find(" memory") != std::string::npos;
  }

  // One of several methods or classifiers may fail; the document of the results then has the sentence.
  static bool DocumentTellsOfMemory(const Files &files) {
    return std::any_of(files.begin(), files.end(), [](const auto &file) {
      return fs::path(file.first).extension() == ".json" && TellsOfMemory(file.second);
    });
  }

  // A run that was saved before it failed stays so.
  static bool IsSaved(const Files &files, const Ending &ending) {
    return files.size() == 2 && files.count(files.begin()->first + "/checkpoint.ait") == 1 &&
           ending.errors.find("--resume") != std::string::npos;
  }

  // What tells files apart but for numbers and the name of the processor; empty: nothing.
  static std::string Difference(const Files &whole, const Files &after) {
    if (Names(after) != Names(whole)) {
      return "other files: " + testing::PrintToString(Names(after));
    }
    for (const auto &[path, bytes] : whole) {
      const std::string expected = WithoutNumbers(bytes), found = WithoutNumbers(after.at(path));
      if (expected != found) {
        const auto place = std::mismatch(expected.begin(), expected.end(), found.begin(), found.end()).second;
        return path + " is another, at " + std::string(place, std::min(place + 80, found.end()));
      }
    }
    return "";
  }

  static std::vector<std::string> Names(const Files &files) {
    std::vector<std::string> names;
    for (const auto &file : files) {
      names.push_back(file.first);
    }
    return names;
  }

  // The whole command, and copies of it with failures. What it makes is left in work/.
  void FailEverywhere(Command command, const std::string &line) {
    const Files before = Work();
    KeepWork("before");
    Ending ending = Run(command, line, kNever);
    ASSERT_EQ(ending.state, 0) << ending.errors;
    EXPECT_EQ(shared_->result.left, 0) << "not freed by a run that succeeded: " << Describe(shared_->result.left_at);
    EXPECT_EQ(shared_->descriptors, 0);
    const Files whole = Work();
    PutWorkBack("before");
    ASSERT_TRUE(Work() == before) << "a command changed a file in its place";
    *shared_ = {};
    ending = Run(command, line,
                 [&](int64_t number, const auto &trace) { return FailInACopy(number, trace, before, whole); });
    EXPECT_EQ(ending.state, 0) << ending.errors;
    EXPECT_EQ(Difference(whole, Work()), "");
    EXPECT_STREQ(shared_->faults, "");
    EXPECT_GT(shared_->ways, 0);
    std::printf("%lld ways to %lld allocations\n", static_cast<long long>(shared_->ways),
                static_cast<long long>(shared_->result.allocations));
  }

  TempFolder folder_;
  Shared *shared_ = nullptr;
  Tried *tried_ = nullptr;
  bool is_copy_ = false;
};

TEST_F(CommandTest, CleanTransition) {
  folder_.Write("reviewed.csv", "row,label\n3,1\n");
  FailEverywhere(ait_command_clean,
                 "clean FILES TEST --ids ../ids.txt --reviewed ../reviewed.csv --baselines validation --out run");
}

TEST_F(CommandTest, CleanWeights) {
  FailEverywhere(ait_command_clean,
                 "clean FILES TEST --ids ../ids.txt --method ait --model mlp:3 --iterations 3 --ll-steps 4 "
                 "--checkpoint-every 1 --baselines validation --json --out run");
}

// What stood there stays until the new run is whole.
TEST_F(CommandTest, CleanInPlaceOfAnOlderRun) {
  const std::string line =
      "clean FILES --method ls --iterations 1 --ll-steps 3 --baselines validation --force --out run";
  ASSERT_EQ(Run(ait_command_clean, line, kNever).state, 0);
  FailEverywhere(ait_command_clean, line);
}

TEST_F(CommandTest, Resume) {
  const Ending ending = Run(ait_command_clean,
                            "clean FILES --method rhg --iterations 5 --ll-steps 500 --baselines validation "
                            "--time-limit 0.001 --checkpoint-every 1 --out run",
                            kNever);
  ASSERT_EQ(WEXITSTATUS(ending.state), 124) << ending.errors;
  ASSERT_TRUE(fs::exists(folder_.Path("work/run/checkpoint.ait")));
  FailEverywhere(ait_command_clean, "clean --resume run --quiet --checkpoint-every 0");
}

TEST_F(CommandTest, SweepOfIdxFiles) {
  WriteMnist();
  FailEverywhere(
      ait_command_clean,
      "clean --dataset mnist --data-dir ../mnist --train 24 --validation 12 --method bda --noise-model "
      "feature --noise-rates 0.1,0.3 --seeds 0,1 --iterations 2 --ll-steps 3 --baselines validation --device "
      "cpu --threads 1 --quiet --out run");
}

TEST_F(CommandTest, Baseline) {
  FailEverywhere(ait_command_baseline, "baseline FILES TEST --ids ../ids.txt --out run");
}

TEST_F(CommandTest, Compare) {
  FailEverywhere(ait_command_compare,
                 "compare FILES --methods iaptt-gm,ls,margin --noise 0.2 --seeds 0,1 --iterations 2 --ll-steps 3 "
                 "--out run");
}

// With a program in gnuplot's place that draws something.
TEST_F(CommandTest, Report) {
  for (const char *line : {"clean FILES --ids ../ids.txt --baselines validation --out noise-model",
                           "clean FILES TEST --method rhg --iterations 3 --ll-steps 4 --baselines validation --out one",
                           "clean FILES --method ia-gm --iterations 3 --ll-steps 4 --seeds 0,1 --baselines validation "
                           "--out sweep"}) {
    ASSERT_EQ(Run(ait_command_clean, line, kNever).state, 0) << ReadBytes(folder_.Path("whole.err"));
  }
  const Ending ending = Run(
      ait_command_compare,
      "compare FILES --methods rhg,margin --noise 0.2 --seeds 0,1 --iterations 2 --ll-steps 3 --out compared", kNever);
  ASSERT_EQ(ending.state, 0) << ending.errors;
  fs::permissions(folder_.Write("bin/gnuplot", "#!/bin/sh\necho '<svg><path d=\"\"/></svg>'\n"), fs::perms::all);
  const device_tests::Environment path("PATH", (folder_.Path("bin") + ":/bin").c_str());
  FailEverywhere(ait_command_report, "report noise-model one sweep compared --out page.html --quiet");
}

TEST_F(CommandTest, Solve) {
  FailEverywhere(ait_command_solve, "solve sinusoid --n 3 --iterations 2 --ll-steps 3 --device cpu --threads 1");
}

TEST_F(CommandTest, Check) {
  FailEverywhere(ait_command_check, "check clean --ll-steps 3 --directions 2 --device cpu --threads 1");
}

}  // namespace
