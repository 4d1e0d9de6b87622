# The front door. Every target installs the Debian packages it lacks (scripts/packages.sh) and builds.
#   make build | demo | test | bench | install | format | clean
#   PRESET=cuda-release (default where nvcc is found), cpu-release (default elsewhere), cpu-debug, cuda-debug
#   CONFIGURE='-DNAME=VALUE ...': more settings of CMake
PRESET ?= $(if $(shell command -v nvcc),cuda-release,cpu-release)
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
DEMO ?= demo

.PHONY: build demo test bench install format clean configure program

build: configure
	cmake --build build/$(PRESET) -j $(JOBS)
	@ln -sfn $(PRESET)/ait build/ait
	@ln -sfn $(PRESET)/ait64 build/ait64

configure:
	@scripts/packages.sh build test
	cmake --preset $(PRESET) $(CONFIGURE)

# The program alone, for those who want to see something soon.
program: configure
	cmake --build build/$(PRESET) -j $(JOBS) --target ait_program
	@ln -sfn $(PRESET)/ait build/ait

demo: program
	@scripts/packages.sh demo
	build/ait clean --dataset fashion-mnist --out $(DEMO) --force
	build/ait report $(DEMO)

test: build
	ctest --preset $(PRESET) -j $(JOBS)

# QUICK=1: linear and deep linear at K = 10 and 100 alone, without passes and scale.
# MINUTES=N: later works are left out (default 12).
bench: configure
	@scripts/packages.sh demo bench
	cmake --preset $(PRESET) -DAIT_BUILD_BENCHMARKS=ON
	cmake --build build/$(PRESET) -j $(JOBS) --target ait_program \
	  bench_draw_data bench_end_to_end bench_passes bench_scale
	scripts/bench.sh build/$(PRESET) $(if $(QUICK),--quick) $(if $(MINUTES),--minutes $(MINUTES))

install: build
	cmake --install build/$(PRESET) --prefix $(PREFIX)
	@[ "$$(id -u)" -ne 0 ] || [ -n "$(DESTDIR)" ] || ldconfig

format:
	@scripts/packages.sh format
	scripts/format.sh fix

clean:
	rm -rf build
