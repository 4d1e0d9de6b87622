# The front door. Every target installs the Debian packages it lacks (scripts/packages.sh) and builds.
#   make build | demo | test | bench | install | format | clean      PRESET=cpu-release (default), cpu-debug, ...
PRESET ?= cpu-release
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
DEMO ?= demo

.PHONY: build demo test bench install format clean

build:
	@scripts/packages.sh build test
	cmake --preset $(PRESET)
	cmake --build build/$(PRESET) -j $(JOBS)
	@ln -sfn $(PRESET)/ait build/ait
	@ln -sfn $(PRESET)/ait64 build/ait64

demo: build
	@scripts/packages.sh demo
	build/ait clean --dataset fashion-mnist --out $(DEMO) --force

test: build
	ctest --preset $(PRESET)

bench: build
	@scripts/packages.sh demo
	scripts/bench.sh build/ait

install: build
	cmake --install build/$(PRESET) --prefix $(PREFIX)

format:
	@scripts/packages.sh format
	scripts/format.sh fix

clean:
	rm -rf build
