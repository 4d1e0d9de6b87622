/* passes.cc - the folded data pass of the CPU device (docs/derivation.md#folded-data-pass), for every version of
 * its kernels that this processor has, against what the processor could do at most.
 *
 * The passes, as a run of the solver asks for them, and their useful operations (a multiplication and an addition
 * count one each) over N rows of D numbers in C classes:
 *     train        loss and gradient        4 N D C   (L = U A', G = R' U)
 *     validation   loss alone               2 N D C   (L = U A')
 *     adjoint      tangent and cross terms  6 N D C   (L = U A', S = U V', dG = dR' U)
 *
 * The bound is the larger of two times, for a pass that does both at once, each at its best:
 *     memory_seconds       reading all rows once, at the rate at which this machine reads that very memory (so from
 *                          the caches where the rows fit into them), to and fro as the passes do; that AMX reads a
 *                          copy whose rows are padded to whole cache lines is not counted;
 *     operations_seconds   the pass's operations, at the peak of the unit that does them: for the vector versions
 *                          the useful ones, in floats of the version's vectors; for 8-bit rows on AMX those of the
 *                          tiles that three digits fill, padded to whole tiles, at the rate of tile products with
 *                          the loads that they need.
 * Both rates are measured right before and right after the passes, on the same threads, and the better one counts.
 * Times of passes are of the lower quartile and by the clock that the roofs' are (roofline.h): on one thread what
 * other processes take does not count, on more it does. Google Benchmark prints the mean beside them.
 *
 * Rows are random numbers, which no kernel can leave out, and the first ones of Fashion-MNIST and of MNIST, where these
 * are (ait_dataset_load); with those, useful operations and bytes are still counted as if all were read.
 *
 * Names are unit/NAME and pass/ROWS/NxDxC/PASS/VERSION, where ROWS is a type of random numbers or a set of pictures;
 * see --help for choosing some and for JSON. */
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "ait/ait.h"
#include "device/device.h"
#include "roofline.h"

namespace {

/* ---- devices --------------------------------------------------------------------------------- */

/* A version of the kernels, and the unit that does its operations on floats. */
struct Version {
  const char *word;
  roof_unit floats;
};

constexpr Version kVersions[] = {{"baseline", ROOF_FLOAT_128},
                                 {"v2", ROOF_FLOAT_128},
                                 {"v3", ROOF_FLOAT_256},
                                 {"v4", ROOF_FLOAT_512},
                                 {"amx", ROOF_FLOAT_512}};

ait_status OpenDevice(const char *version, ait_device *device) {
  setenv("AIT_CPU_KERNEL", version, 1);
  return ait_device_open_cpu(0, device);
}

int Threads() {
  ait_device device;
  if (OpenDevice("baseline", &device) != AIT_OK) {
    return 1;
  }
  const int threads = device.threads;
  device.runtime->close(&device);
  return threads;
}

/* ---- jobs ------------------------------------------------------------------------------------ */

struct Shape {
  int64_t rows, columns, classes;

  double Products() const {
    return static_cast<double>(rows) * static_cast<double>(columns) * static_cast<double>(classes);
  }
};

constexpr Shape kShapes[] = {{5000, 784, 10}, {60000, 784, 10}, {5000, 1024, 100}, {5000, 2048, 1000}};

enum PassKind { kTrain, kValidation, kAdjoint };
constexpr const char *kPassNames[] = {"train", "validation", "adjoint"};
/* Products of the rows with a matrix: of all with the classifier (or the direction), and of R with all. */
constexpr int kForward[] = {1, 1, 2}, kBackward[] = {1, 0, 1};

/* Memory as the device aligns it. */
class Memory {
 public:
  explicit Memory(size_t bytes) : bytes_(bytes) {
    ait_device device;
    if (OpenDevice("baseline", &device) != AIT_OK || device.runtime->allocate(&device, bytes, &memory_) != AIT_OK) {
      throw std::bad_alloc();
    }
    release_ = device.runtime->release;
  }
  ~Memory() {
    release_(nullptr, memory_);
  }
  Memory(const Memory &) = delete;
  Memory &operator=(const Memory &) = delete;

  template <class T>
  T *As() const {
    return static_cast<T *>(memory_);
  }
  size_t bytes() const {
    return bytes_;
  }

 private:
  size_t bytes_;
  void *memory_ = nullptr;
  void (*release_)(ait_device *device, void *memory);
};

using Reals = std::vector<ait_real>;

Reals RandomReals(uint64_t seed, int64_t count, double size) {
  std::mt19937_64 engine(seed);
  std::uniform_real_distribution<double> uniform(-size, size);
  Reals values(static_cast<size_t>(count));
  for (ait_real &value : values) {
    value = static_cast<ait_real>(uniform(engine));
  }
  return values;
}

/* Where rows come from: random numbers of a type, or pictures. */
struct Source {
  std::string name;
  ait_type type;
  const uint8_t *pictures; /* row after row; NULL: random numbers */
};

/* Rows of one source, and all that passes over them read and write. */
struct Job {
  Job(const Source &its_source, const Shape &its_shape)
      : source(its_source),
        shape(its_shape),
        stored(static_cast<size_t>(shape.rows * shape.columns) * ait_type_size(source.type)),
        scale(static_cast<size_t>(shape.columns), 1.0 / 255),
        classifier(RandomReals(1, Parameters(), 1 / std::sqrt(static_cast<double>(shape.columns)))),
        direction(RandomReals(2, Parameters(), 1 / std::sqrt(static_cast<double>(shape.columns)))),
        x(RandomReals(3, shape.rows, 4)),
        gradient(classifier.size()),
        cross(x.size()),
        labels(x.size()) {
    std::mt19937_64 engine(4);
    for (int32_t &label : labels) {
      label = static_cast<int32_t>(engine() % static_cast<uint64_t>(shape.classes));
    }
    if (source.pictures != nullptr) {
      std::memcpy(stored.As<void>(), source.pictures, stored.bytes());
    } else {
      Fill(&engine);
    }
  }

  int64_t Parameters() const {
    return shape.classes * (shape.columns + 1);
  }

  /* Numbers of 0 .. 1: pixels of 0 .. 255; halves of 2^-5 .. 1, whose bits are drawn; floats. */
  void Fill(std::mt19937_64 *engine) {
    const size_t count = stored.bytes() / ait_type_size(source.type);
    for (size_t i = 0; i < count; i++) {
      const uint64_t bits = (*engine)();
      if (source.type == AIT_U8) {
        stored.As<uint8_t>()[i] = static_cast<uint8_t>(bits);
      } else if (source.type == AIT_F16) {
        stored.As<uint16_t>()[i] = static_cast<uint16_t>((10 << 10) + bits % (5 << 10));
      } else {
        stored.As<float>()[i] = static_cast<float>(bits % (1 << 24)) / (1 << 24);
      }
    }
  }

  /* The rows as a problem has them on a device; pixels are scaled to 0 .. 1. */
  ait_status Upload(ait_device *device, ait_matrix **matrix, ait_rows *rows) const {
    *matrix = nullptr;
    ait_status status =
        ait_matrix_view(source.type, shape.rows, shape.columns, shape.columns, stored.As<void>(), matrix);
    if (status == AIT_OK && source.type == AIT_U8) {
      status = ait_matrix_set_scale(*matrix, scale.data(), nullptr);
    }
    return status == AIT_OK ? device->model->upload_rows(device, *matrix, AIT_READ_OFTEN, rows) : status;
  }

  ait_pass Pass(const ait_rows *rows, PassKind kind) {
    ait_pass pass = {};
    pass.rows = rows;
    pass.labels = labels.data();
    pass.classes = shape.classes;
    pass.classifier = classifier.data();
    if (kind == kAdjoint) {
      pass.direction = direction.data();
      pass.tangent = gradient.data();
      pass.cross = cross.data();
    } else {
      pass.loss = &loss;
      pass.gradient = kind == kTrain ? gradient.data() : nullptr;
    }
    pass.x = kind == kValidation ? nullptr : x.data();
    return pass;
  }

  Source source;
  Shape shape;
  Memory stored;
  std::vector<double> scale;
  Reals classifier, direction, x, gradient, cross;
  std::vector<int32_t> labels;
  ait_real loss = 0;
};

/* The job of a source and shape; the last one is kept, for benchmarks of one job stand together. */
Job &JobOf(const Source &source, const Shape &shape) {
  static std::unique_ptr<Job> job;
  if (job == nullptr || job->source.name != source.name || std::memcmp(&job->shape, &shape, sizeof shape) != 0) {
    job.reset();
    job = std::make_unique<Job>(source, shape);
  }
  return *job;
}

/* ---- the bound ------------------------------------------------------------------------------- */

double CeilDiv(int64_t a, int64_t b) {
  return static_cast<double>((a + b - 1) / b);
}

/* Operations of whole tiles: a product takes 16 rows (16 digits of classes) by 64 bytes by 16 columns. Forward the
 * bytes are columns of the data, back they are its rows. */
double TileOperations(const Shape &shape, PassKind kind) {
  constexpr double kProduct = 2.0 * 16 * 16 * 64;
  const double digits = CeilDiv(3 * shape.classes, 16);
  const double forward = digits * CeilDiv(shape.rows, 16) * CeilDiv(shape.columns, 64);
  const double backward = digits * CeilDiv(shape.rows, 64) * CeilDiv(shape.columns, 16);
  return kProduct * (kForward[kind] * forward + kBackward[kind] * backward);
}

/* What the machine did at its best beside one benchmark. */
struct Roofs {
  double operations = 0, bytes = 0; /* a second */

  void Measure(roof_unit unit, const Memory &rows, int threads) {
    operations = std::max(operations, roof_operations(unit, threads));
    bytes = std::max(bytes, roof_read(rows.As<void>(), rows.bytes(), threads));
  }
};

/* ---- benchmarks ------------------------------------------------------------------------------ */

double LowerQuartile(std::vector<double> *seconds) {
  std::sort(seconds->begin(), seconds->end());
  return (*seconds)[seconds->size() / 4];
}

struct Case {
  Source source;
  Shape shape;
  PassKind kind;
  Version version;

  bool OnTiles() const {
    return source.type == AIT_U8 && std::strcmp(version.word, "amx") == 0;
  }
  double UsefulOperations() const {
    return 2 * (kForward[kind] + kBackward[kind]) * shape.Products();
  }
};

void Report(benchmark::State &state, const Case &what, const Roofs &roofs, double bytes, double seconds) {
  const double operations = what.OnTiles() ? TileOperations(what.shape, what.kind) : what.UsefulOperations();
  const double memory_seconds = bytes / roofs.bytes, operations_seconds = operations / roofs.operations;
  state.counters["pass_seconds"] = seconds;
  state.counters["bytes_per_second"] = bytes / seconds;
  state.counters["useful_operations_per_second"] = what.UsefulOperations() / seconds;
  state.counters["memory_seconds"] = memory_seconds;
  state.counters["operations_seconds"] = operations_seconds;
  state.counters["share_of_bound"] = std::max(memory_seconds, operations_seconds) / seconds;
}

void RunPasses(benchmark::State &state, const Case &what, const ait_rows &rows, Job &job, ait_device *device) {
  const ait_pass pass = job.Pass(&rows, what.kind);
  const Memory workspace(device->model->data_pass_workspace(device, &pass));
  const roof_unit unit = what.OnTiles() ? ROOF_TILES_LOADED : what.version.floats;
  ait_status status = device->model->data_pass(device, &pass, workspace.As<void>());
  Roofs roofs;
  roofs.Measure(unit, job.stored, device->threads);
  std::vector<double> seconds;
  for (auto unused : state) {
    static_cast<void>(unused);
    const double start = roof_seconds(device->threads);
    status = status != AIT_OK ? status : device->model->data_pass(device, &pass, workspace.As<void>());
    seconds.push_back(roof_seconds(device->threads) - start);
    state.SetIterationTime(seconds.back());
  }
  roofs.Measure(unit, job.stored, device->threads);
  if (status != AIT_OK) {
    state.SkipWithError(ait_last_error());
    return;
  }
  Report(state, what, roofs, static_cast<double>(job.stored.bytes()), LowerQuartile(&seconds));
}

void PassBenchmark(benchmark::State &state, const Case &what) {
  ait_device device;
  if (OpenDevice(what.version.word, &device) != AIT_OK) {
    state.SkipWithError(ait_last_error());
    return;
  }
  Job &job = JobOf(what.source, what.shape);
  ait_matrix *matrix;
  ait_rows rows;
  if (job.Upload(&device, &matrix, &rows) == AIT_OK) {
    RunPasses(state, what, rows, job, &device);
    device.model->release_rows(&device, &rows);
  } else {
    state.SkipWithError(ait_last_error());
  }
  ait_matrix_destroy(matrix);
  device.runtime->close(&device);
}

void UnitBenchmark(benchmark::State &state, roof_unit unit, int threads) {
  double best = 0;
  for (auto unused : state) {
    static_cast<void>(unused);
    const double rate = roof_operations(unit, threads);
    state.SetIterationTime(1 / rate);
    best = std::max(best, rate);
  }
  state.counters["operations_per_second"] = best;
}

void ReadBenchmark(benchmark::State &state, size_t bytes, int threads) {
  const Memory memory(bytes);
  std::memset(memory.As<void>(), 1, bytes);
  double best = 0;
  for (auto unused : state) {
    static_cast<void>(unused);
    const double rate = roof_read(memory.As<void>(), bytes, threads);
    state.SetIterationTime(static_cast<double>(bytes) / rate);
    best = std::max(best, rate);
  }
  state.counters["bytes"] = static_cast<double>(bytes);
  state.counters["bytes_per_second"] = best;
}

/* ---- registration ---------------------------------------------------------------------------- */

/* Sizes that live in one level: half of every core's second-level cache; four times what these caches hold, which
 * the third level then holds (where it is far larger); and as much as four third-level caches, but at most 1 GiB. */
void RegisterUnits(int threads) {
  for (int unit = 0; unit < ROOF_UNITS; unit++) {
    if (roof_available(static_cast<roof_unit>(unit))) {
      benchmark::RegisterBenchmark((std::string("unit/") + roof_name(static_cast<roof_unit>(unit))).c_str(),
                                   UnitBenchmark, static_cast<roof_unit>(unit), threads)
          ->UseManualTime()
          ->Iterations(5);
    }
  }
  const size_t second = std::max<size_t>(roof_cache(2), 256 << 10) * static_cast<size_t>(threads);
  const size_t memory = std::min<size_t>(std::max<size_t>(4 * roof_cache(3), 256 << 20), size_t{1} << 30);
  const struct {
    const char *name;
    size_t bytes;
  } levels[] = {{"unit/read_level_2", second / 2}, {"unit/read_level_3", 4 * second}, {"unit/read_memory", memory}};
  for (const auto &level : levels) {
    benchmark::RegisterBenchmark(level.name, ReadBenchmark, level.bytes, threads)->UseManualTime()->Iterations(5);
  }
}

void RegisterPass(const Case &what) {
  const Shape &s = what.shape;
  const std::string name = "pass/" + what.source.name + "/" + std::to_string(s.rows) + "x" + std::to_string(s.columns) +
                           "x" + std::to_string(s.classes) + "/" + kPassNames[what.kind] + "/" + what.version.word;
  benchmark::RegisterBenchmark(name.c_str(), PassBenchmark, what)->UseManualTime()->Unit(benchmark::kMillisecond);
}

/* The versions of one pass stand next to each other, so that they meet the same neighbours. */
void RegisterPasses(const Source &source, const Shape &shape) {
  for (PassKind kind : {kTrain, kValidation, kAdjoint}) {
    for (const Version &version : kVersions) {
      ait_device device;
      if (OpenDevice(version.word, &device) == AIT_OK) {
        device.runtime->close(&device);
        RegisterPass({source, shape, kind, version});
      }
    }
  }
}

/* A set of pictures, which must stay for as long as passes over it; NULL, and nothing registered, where it is not. */
ait_dataset *RegisterPictures(const char *name, const Shape &shape) {
  ait_dataset *pictures = nullptr;
  if (ait_dataset_load(name, nullptr, AIT_TRAIN_PART, &pictures) == AIT_OK &&
      ait_dataset_rows(pictures) >= shape.rows && ait_matrix_columns(ait_dataset_images(pictures)) == shape.columns) {
    const void *pixels = ait_matrix_data(ait_dataset_images(pictures));
    RegisterPasses({name, AIT_U8, static_cast<const uint8_t *>(pixels)}, shape);
  }
  return pictures;
}

}  // namespace

int main(int argc, char **argv) {
  const int threads = Threads();
  benchmark::AddCustomContext("ait_version", ait_version());
  benchmark::AddCustomContext("threads", std::to_string(threads));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    return 1;
  }
  RegisterUnits(threads);
  for (const Shape &shape : kShapes) {
    for (ait_type type : {AIT_U8, AIT_F16, AIT_F32}) {
      RegisterPasses({ait_type_name(type), type, nullptr}, shape);
    }
  }
  ait_dataset *pictures[] = {RegisterPictures("fashion-mnist", kShapes[0]), RegisterPictures("mnist", kShapes[0])};
  benchmark::RunSpecifiedBenchmarks();
  for (ait_dataset *set : pictures) {
    ait_dataset_destroy(set);
  }
  benchmark::Shutdown();
  return 0;
}
