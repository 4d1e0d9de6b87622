#!/usr/bin/env bash
# Installs the build into a temporary prefix and checks what users get: the symbols, both precisions in one
# program, pkg-config, the CMake package, the example, and the C program in README.md.
# Needs: AIT_BUILD (build folder); optional: CC, AIT_CFLAGS (flags that every program must have).
set -euo pipefail

source_dir=$(cd "$(dirname "$0")/.." && pwd)
build=${AIT_BUILD:?the build folder}
cc=${CC:-cc}
read -r -a cflags <<<"-std=gnu11 -Wall -Wextra -Werror ${AIT_CFLAGS:-}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

step() { printf -- '-- %s\n' "$*"; }
fail() {
  printf 'packaging: %s\n' "$*" >&2
  exit 1
}

# Fails, with the difference, unless the two lists of names are equal.
same_names() {
  diff "$2" "$3" >"$work/difference" || fail "$1: $(cat "$work/difference")"
}

step "install"
cmake --install "$build" --prefix "$prefix" >/dev/null
libdir=$(dirname "$(find "$prefix" -name libait.so)")
export PKG_CONFIG_PATH=$libdir/pkgconfig
export LD_LIBRARY_PATH=$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
command -v pkg-config >/dev/null || fail "pkg-config is not there"

step "public names: headers, rename64.h, shared and static libraries"
cd "$prefix/include/ait"
find . -name '*.h' ! -name real.h -exec cat {} + | tr '\n' ' ' | grep -oE 'AIT_API [^(;]*\(' |
  grep -oE '[A-Za-z0-9_]+ *\($' | tr -d ' (' | sort >"$work/declared"
[ -s "$work/declared" ] || fail "no AIT_API declaration was found"
sed 's/^ait_/ait64_/' "$work/declared" | sort >"$work/declared64"
sed -n 's/^#define \(ait_[A-Za-z0-9_]*\) *ait64_.*/\1/p' rename64.h | sort >"$work/renamed"
sed -n 's/^#define ait_[A-Za-z0-9_]* *\(ait64_[A-Za-z0-9_]*\)$/\1/p' rename64.h | sort >"$work/renamed64"
same_names "rename64.h lists other names than the headers declare" "$work/declared" "$work/renamed"
same_names "rename64.h renames to other names than ait64_*" "$work/declared64" "$work/renamed64"
cd "$work"
for name in ait ait64; do
  expected=$work/declared${name#ait}
  nm -D --defined-only --format=posix "$libdir/lib$name.so" | cut -d' ' -f1 | sort >exported
  same_names "lib$name.so exports other names than the headers declare" "$expected" exported
  nm -g --defined-only --format=posix "$libdir/lib$name.a" | awk 'NF > 1 { print $1 }' | sort >exported
  same_names "lib$name.a has other global names than the headers declare" "$expected" exported
done

step "one program with both precisions, shared"
flags() { pkg-config --cflags "$@"; }
# shellcheck disable=SC2046
compile_both() {
  "$cc" "${cflags[@]}" -c $(flags ait) "$source_dir/tests/packaging/toy.c" -o toy32.o
  "$cc" "${cflags[@]}" -c $(flags ait64) "$source_dir/tests/packaging/toy.c" -o toy64.o
  "$cc" "${cflags[@]}" -c "$source_dir/tests/packaging/main.c" -o main.o
}
compile_both
# shellcheck disable=SC2046
"$cc" "${cflags[@]}" main.o toy32.o toy64.o $(pkg-config --libs ait ait64) -lm -o both_shared
./both_shared

step "one program with both precisions, static"
# The libraries' own archives, and whatever they need in turn as the system links it.
# shellcheck disable=SC2046
"$cc" "${cflags[@]}" main.o toy32.o toy64.o \
  $(pkg-config --static --libs ait ait64 | sed 's/-lait64/-l:libait64.a/g; s/-lait\b/-l:libait.a/g') -o both_static
! ldd both_static | grep -q libait || fail "both_static needs a shared libait"
./both_static

step "a forgotten -DAIT_DOUBLE does not link"
cat >forgotten.c <<'END'
#include <ait/ait.h>
int main(void) { return ait_version()[0] == 0; }
END
# shellcheck disable=SC2046
"$cc" "${cflags[@]}" forgotten.c $(flags ait) $(pkg-config --libs ait) -o remembered
# shellcheck disable=SC2046
if "$cc" "${cflags[@]}" forgotten.c $(flags ait) $(pkg-config --libs ait64) -o forgotten 2>forgotten.log; then
  fail "a program without -DAIT_DOUBLE linked against libait64"
fi
grep -q 'undefined reference to .ait_version' forgotten.log || fail "unexpected: $(cat forgotten.log)"

step "CMake package: find_package(ait)"
cmake -S "$source_dir/tests/packaging" -B cmake -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_FLAGS="${AIT_CFLAGS:-}" \
  -DCMAKE_C_COMPILER="$cc" >cmake.log || fail "$(cat cmake.log)"
cmake --build cmake >cmake.log || fail "$(cat cmake.log)"
cmake/both
cmake/both_static
! ldd cmake/both_static | grep -q libait || fail "ait::ait_static needs a shared libait"

step "example: ridge regression against the installed library"
cmake -S "$source_dir/examples" -B examples -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_FLAGS="${AIT_CFLAGS:-}" \
  -DCMAKE_C_COMPILER="$cc" >cmake.log || fail "$(cat cmake.log)"
cmake --build examples >cmake.log || fail "$(cat cmake.log)"
examples/ridge
# shellcheck disable=SC2046
"$cc" "${cflags[@]}" "$source_dir/examples/ridge.c" $(flags --libs ait64) -lm -o ridge64
./ridge64

step "the C program of README.md"
sed -n '/^```c$/,/^```$/p' "$source_dir/README.md" | sed '/^```/d' >readme.c
[ -s readme.c ] || fail "README.md has no C program"
# shellcheck disable=SC2046
"$cc" "${cflags[@]}" readme.c $(flags --libs ait) -o readme
./readme | tee readme.txt
[ "$(sort -t= -k2 -g readme.txt | head -n 1 | cut -d: -f1)" = "row 3" ] || fail "README.md: row 3 is not the most suspect"

step "the installed programs"
for name in ait ait64; do
  "$prefix/bin/$name" --version
done
echo "packaging: all is well"
