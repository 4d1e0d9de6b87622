#!/usr/bin/env bash
# support.bash - what the tests of the programs share. Sourced; expects AIT, AIT64 and AIT_SHARED.
set -u
tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failures=0

fail() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

finish() {
  [ "$failures" -eq 0 ] || exit 1
}

# A shell has what it puts into the background ignore Ctrl-C, and then the program does; with this before it, it does not.
heeding=(env --default-signal=INT)

# skip REASON: the rest of the test cannot run here; what has failed before stays failed.
skip() {
  echo "SKIPPED: $*"
  finish
  exit 77
}

# expect STATUS WORDS COMMAND...: the command ends with STATUS and says one line that holds WORDS on
# stderr; nothing on stdout.
expect() {
  local status=$1 words=$2
  shift 2
  "$@" >out 2>err
  local found=$?
  [ "$found" -eq "$status" ] || fail "$*: exit status $found, expected $status: $(cat err)"
  grep -qF -- "$words" err || fail "$*: expected '$words' on stderr, found: $(cat err)"
  [ "$(wc -l <err)" -eq 1 ] || fail "$*: expected one line on stderr, found: $(cat err)"
  [ ! -s out ] || fail "$*: expected nothing on stdout, found: $(cat out)"
}

# succeed COMMAND...: exit status 0; output in out and err.
succeed() {
  "$@" >out 2>err || fail "$*: exit status $?: $(cat err)"
}

# make_data PREFIX ROWS CLASSES WRONG SEED [option ...]: see make_data.py.
make_data() {
  command -v python3 >/dev/null || skip "python3 makes the data of this test"
  python3 "$tools/make_data.py" "$@" || {
    fail "the data could not be made"
    finish
  }
}

# python_with MODULE...: sets `python` to an interpreter that has all of them: AIT_PYTHON, python3 or the system's own.
# The rest of the test is skipped where none has.
python_with() {
  for python in ${AIT_PYTHON:+"$AIT_PYTHON"} python3 /usr/bin/python3; do
    "$python" -c "import $(IFS=,; echo "$*")" 2>/dev/null && return
  done
  skip "no python3 has the modules $*; install them, or name an interpreter that has them in AIT_PYTHON"
}
