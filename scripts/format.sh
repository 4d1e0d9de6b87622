#!/usr/bin/env bash
# Lays out every C, C++ and CUDA file of the repository as .clang-format says, or checks that they are.
# Usage: scripts/format.sh fix|check
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-} in
  fix) options=(-i) ;;
  check) options=(--dry-run -Werror) ;;
  *) echo "usage: scripts/format.sh fix|check" >&2; exit 2 ;;
esac
git ls-files -z -- '*.c' '*.h' '*.cc' '*.cu' '*.cuh' | xargs -0 --no-run-if-empty clang-format "${options[@]}"
