#!/usr/bin/env bash
# Packs what the build needs beyond a compiler, CUDA, CMake and Ninja, for a machine with a GPU on which nothing
# can be installed. Take the folder .carry (36 MB) there beside the sources; scripts/gpu.sh finds it.
# Usage: scripts/carry.sh
#
#   .carry/needs.tar.xz        prefix/: OpenBLAS, cJSON, zlib, libpng, xxHash, Random123, GoogleTest (built) and pkgconf,
#                              with headers and .pc files that know their place by themselves; shared/golden/: the
#                              reference cases, where they stand at ../shared/golden
#   .carry/data/fashion-mnist/ the demo's data
#   .carry/commit              what was checked out, for a copy without .git
#
# The libraries are those of this system: the other one needs the same architecture and a glibc that is not older.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/packages.sh build test demo
data=${AIT_DATA_DIR:-/usr/share/datasets}/fashion-mnist
golden=../shared/golden
most_bytes=$((40 << 20))
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

fail() {
  printf 'carry.sh: %s\n' "$*" >&2
  exit 1
}

# copy_header HEADER TARGET: a header, or the folder of headers that TARGET names, from where the compiler finds it.
copy_header() {
  local found
  found=$(echo "#include <$1>" | "${CC:-cc}" -E -M -x c++ - | tr -s ' \\' '\n' | sed -n "\\|/$1\$|p" | tail -n 1)
  [ -n "$found" ] || fail "no header $1"
  cp -r "${found%"$1"}$2" "$prefix/include/$2"
}

# The folder of a pkg-config module's libraries.
libraries_of() { pkg-config --variable=libdir "$1"; }

# shared_library FILE: the library under its soname, and under the name that the linker looks for.
shared_library() {
  local soname
  soname=$(objdump -p "$1" | awk '$1 == "SONAME" { print $2 }')
  install -m 644 "$1" "$prefix/lib/$soname"
  ln -sf "$soname" "$prefix/lib/${soname%%.so*}.so"
}

# module NAME LIBRARY INCLUDE: a .pc file whose folders are relative to itself.
module() {
  cat >"$prefix/lib/pkgconfig/$1.pc" <<END
prefix=\${pcfiledir}/../..
Name: $1
Description: $1, carried
Version: $(pkg-config --modversion "$1")
Cflags: -I\${prefix}/include$3
Libs: -L\${prefix}/lib -l$2
END
}

mkdir -p "$prefix/include/cjson" "$prefix/lib/pkgconfig" "$prefix/bin"

openblas=$(pkg-config --variable=includedir openblas)
cp "$openblas"/cblas.h "$openblas"/openblas_config.h "$prefix/include"
openblas=$(libraries_of openblas)/libopenblas.so
shared_library "$openblas"
# What OpenBLAS needs in turn and a system without a Fortran compiler lacks.
while read -r needed; do
  shared_library "$needed"
done < <(ldd "$openblas" | awk '/libgfortran|libquadmath/ { print $3 }')
module openblas openblas ""

copy_header cjson/cJSON.h cjson/cJSON.h
shared_library "$(libraries_of libcjson)/libcjson.so"
module libcjson cjson " -I\${prefix}/include/cjson"

copy_header xxhash.h xxhash.h
shared_library "$(libraries_of libxxhash)/libxxhash.so"
module libxxhash xxhash ""

copy_header zlib.h zlib.h
copy_header zconf.h zconf.h
shared_library "$(libraries_of zlib)/libz.so"
module zlib z ""

for header in png.h pngconf.h pnglibconf.h; do
  copy_header $header $header
done
shared_library "$(libraries_of libpng)/libpng16.so"
module libpng png16 ""

copy_header Random123/philox.h Random123
for name in gtest gmock; do
  copy_header $name/$name.h $name
  install -m 644 "$(libraries_of $name)"/lib$name.a "$(libraries_of $name)"/lib${name}_main.a "$prefix/lib"
done

# pkgconf beside the library that it needs, and a front that finds both.
program=$(readlink -f "$(command -v pkg-config)")
install "$program" "$prefix/bin/pkgconf"
while read -r needed; do
  shared_library "$needed"
done < <(ldd "$program" | awk '/libpkgconf/ { print $3 }')
cat >"$prefix/bin/pkg-config" <<'END'
#!/bin/sh
here=$(dirname "$0")
LD_LIBRARY_PATH=$here/../lib PKG_CONFIG_LIBDIR=$here/../lib/pkgconfig exec "$here/pkgconf" "$@"
END
chmod +x "$prefix/bin/pkg-config"

parts=(prefix)
if [ -d "$golden" ]; then
  mkdir "$work/shared"
  cp -rL "$golden" "$work/shared"
  parts+=(shared)
fi
mkdir -p "$work/carry/data/fashion-mnist"
cp "$data"/*.gz "$work/carry/data/fashion-mnist"
git describe --match= --always --abbrev=40 --dirty >"$work/carry/commit"
tar -cJf "$work/carry/needs.tar.xz" --owner=0 --group=0 --numeric-owner -C "$work" "${parts[@]}"

bytes=$(du -sb "$work/carry" | cut -f 1)
[ "$bytes" -le "$most_bytes" ] || fail "$bytes bytes to carry; at most $most_bytes were planned"
rm -rf .carry
mv "$work/carry" .carry
printf '.carry holds %d bytes, of commit %s\n' "$bytes" "$(cat .carry/commit)"
