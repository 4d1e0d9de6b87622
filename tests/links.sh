#!/usr/bin/env bash
# Every link to a section of docs/derivation.md, and every relative link of the Markdown files, has a target.
set -euo pipefail
cd "$(dirname "$0")/.."
failures=0
links=0

complain() {
  printf 'links: %s\n' "$*" >&2
  failures=$((failures + 1))
}

# The anchors that a Markdown file's headings get.
anchors() { sed -n 's/^##* //p' "$1" | tr '[:upper:]' '[:lower:]' | sed 's/[^a-z0-9 -]//g; s/ /-/g'; }

# check SOURCE TARGET: the file is there, and so is the heading behind a #.
check() {
  local file=${2%%#*} anchor=""
  [ "$file" = "$2" ] || anchor=${2#*#}
  links=$((links + 1))
  if [ ! -e "$file" ]; then
    complain "$1: there is no $file"
  elif [ "$file" = docs/derivation.md ] && [ "${1%.md}" = "$1" ] && [ -z "$anchor" ]; then
    complain "$1: links $file without naming a section"
  elif [ -n "$anchor" ] && ! anchors "$file" | grep -qx -- "$anchor"; then
    complain "$1: $file has no section #$anchor"
  fi
}

while IFS=: read -r source target; do
  check "$source" "$target"
done < <(grep -roE 'docs/derivation\.md(#[a-z0-9-]+)?' include host kernels tests examples --include='*.[ch]' --include='*.cu' \
  --include='*.cc' | sort -u)

for page in *.md docs/*.md; do
  while read -r target; do
    case $target in
      http*) ;;
      '#'*) check "$page" "$page$target" ;;
      *) check "$page" "$(dirname "$page")/$target" ;;
    esac
  done < <(sed '/^```/,/^```/d' "$page" | grep -oE '\]\([^)]+\)' | sed 's/^](//; s/)$//' || true)
done

[ "$links" -gt 0 ] || complain "no link was found"
printf 'links: %d checked, %d broken\n' "$links" "$failures"
[ "$failures" -eq 0 ]
