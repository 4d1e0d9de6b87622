#!/usr/bin/env bash
# corpus.sh - the fuzz targets over their seeds and over inputs that have been found: none crashes, hangs or leaks.
# AIT_FUZZ_CORPUS: the program, built without a fuzzer.
set -eu
command -v python3 >/dev/null || { echo "SKIPPED: python3 writes the seeds"; exit 77; }
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 "$here/seeds.py" "$folder"
timeout 120 "$AIT_FUZZ_CORPUS" "$folder" "$here/corpus"
