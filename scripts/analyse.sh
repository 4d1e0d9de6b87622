#!/usr/bin/env bash
# Static analysis of the host's C code, as the build in a folder compiles it (its compile_commands.json): clang-tidy with
# the checks of .clang-tidy, and cppcheck. Any finding is a failure.
# Usage: scripts/analyse.sh BUILD [--full]    --full: clang's path-sensitive analyzer as well, some ten times as long
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-}
[ -f "$build/compile_commands.json" ] || { echo "usage: scripts/analyse.sh BUILD [--full], where BUILD has a compile_commands.json" >&2; exit 2; }
jobs=$(nproc)
# Warnings are the compiler's to give, which knows the pragmas of OpenMP.
tidy=(clang-tidy -p "$build" --quiet --extra-arg=-w)
case ${2:-} in
  "") ;;
  # insecureAPI: asks for C11's optional memcpy_s and snprintf_s, which no C library here has.
  # optin.portability.UnixAPI: allocations of 0 bytes are asked for nowhere that reads them.
  --full) tidy+=("--checks=clang-analyzer-*,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling,-clang-analyzer-optin.portability.UnixAPI") ;;
  *) echo "usage: scripts/analyse.sh BUILD [--full]" >&2; exit 2 ;;
esac

# Of float: the other precision is the same code.
mapfile -t files < <(git ls-files 'host/*.c' | grep -v '^host/device/cuda')
failed=0
printf '%s\0' "${files[@]}" | xargs -0 -n 4 -P "$jobs" "${tidy[@]}" 2>/dev/null || failed=1

# internalAstError: cppcheck does not understand a choice between two compound literals.
# arrayIndexThenCheck: takes a comparison of two indices for a check of one.
cppcheck -j "$jobs" -q --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
  --suppress=internalAstError --suppress=arrayIndexThenCheck --suppress=missingIncludeSystem \
  -D_GNU_SOURCE -DAIT_VERSION='"0"' -I include -I host "${files[@]}" || failed=1
[ "$failed" -eq 0 ] && echo "analyse.sh: nothing found in ${#files[@]} files"
exit "$failed"
