#!/usr/bin/env bash
# report.sh - pages about runs: whole, alone, readable, and text where text came in.
. "$(dirname "$0")/support.bash"

make_data train 120 3 0.3 1
make_data val 60 3 0 2
make_data test 60 3 0 3
make_data rows 90 3 0.2 4 wide
make_data val-rows 45 3 0 5 wide

known="--images train-images.npy --labels train-labels.npy --val-images val-images.npy --val-labels val-labels.npy
       --test-images test-images.npy --test-labels test-labels.npy --noise 0.2 --baselines validation --threads 1 --quiet"
unknown="--images rows-images.npy --labels rows-labels.npy --val-images val-rows-images.npy --val-labels val-rows-labels.npy
         --threads 1 --quiet"

# page FILE [TEXT ...]: what every page has to be, and what this one shows.
page() {
  python3 "$tools/check_page.py" "$@" || fail "$1 is not what a page has to be"
}

# has FILE TAG COUNT: so many elements of a kind.
has() {
  local found
  found=$(grep -o "<$2[ >]" "$1" | wc -l)
  [ "$found" -eq "$3" ] || fail "$1: $found elements <$2>, expected $3"
}

gnuplot=$(command -v gnuplot || true)
[ -n "$gnuplot" ] || echo "SKIPPED: without gnuplot no curve is looked at"

# curves FILE COUNT: so many drawings, where there is something that draws.
curves() { [ -z "$gnuplot" ] || has "$1" svg "$2"; }

# ---- one run of either kind ------------------------------------------------------------------------
succeed "$AIT" clean $known --method iaptt-gm --iterations 12 --ll-steps 5 --ll-rate 0.3 --eval-every 3 --out weights
succeed "$AIT" report weights
grep -q "weights/report.html (1 run)" out || fail "report does not say where the page is: $(cat out)"
page weights/report.html "Weights by iaptt-gm" "learned weight" "Precision and recall" "ul_optimizer" \
  "validation rows alone (cheap)" "How many UL iterations chose each kbar"
has weights/report.html img 100
curves weights/report.html 8 # precision, weights, F, accuracy, F1, kbar, seconds, counts of kbar
grep -q "held out of F" weights/report.html && fail "a loss on rows that nobody held out"
cp weights/report.html before.html
succeed "$AIT" report weights --quiet
[ ! -s out ] || fail "--quiet says something: $(cat out)"
cmp -s weights/report.html before.html || fail "the same run gives another page"

succeed "$AIT" clean $known --method iaptt-gm --iterations 12 --ll-steps 5 --hold-out 0.3 --eval-every 3 --out held-out
succeed "$AIT" report held-out
page held-out/report.html "The mean loss of y_K on the validation rows held out of F" "hold_out" "held_out_rows"
curves held-out/report.html 9

succeed "$AIT" clean $known --out noise-model
succeed "$AIT" report noise-model --out page.html
page page.html "Transition cleaning" "symmetric noise model alone" "Noise model: the chance"
curves page.html 6 # precision, scores, expectations, F, e, lambda
[ ! -e noise-model/report.html ] || fail "--out was given, and the folder has a page all the same"

# The pictures are the suspects' rows: PNG decoded by hand, against the training file.
python3 - <<'PYTHON' || fail "a picture is not its row"
import base64, csv, re, struct, zlib
pictures = re.findall(r'src="data:image/png;base64,([^"]*)"', open("page.html").read())
suspects = list(csv.DictReader(open("noise-model/suspects.csv")))
images = open("train-images.npy", "rb").read()[-120 * 20:]
assert len(pictures) == 100
for picture, suspect in list(zip(pictures, suspects))[:10]:
    data = base64.b64decode(picture, validate=True)
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">IIBB", data[16:26]) == (5, 4, 8, 0)
    place, packed = 8, b""
    while place < len(data):
        length, kind = struct.unpack(">I4s", data[place:place + 8])
        packed += data[place + 8:place + 8 + length] if kind == b"IDAT" else b""
        place += 12 + length
    lines, above = zlib.decompress(packed), [0] * 5
    pixels = []
    for i in range(4):
        kind, line, row = lines[6 * i], lines[6 * i + 1:6 * i + 6], []
        for j in range(5):
            left, up, corner = (row[j - 1] if j else 0), above[j], (above[j - 1] if j else 0)
            guess = left + up - corner
            near = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]
            row.append((line[j] + (0, left, up, (left + up) // 2, near)[kind]) % 256)
        pixels, above = pixels + row, row
    row = int(suspect["row"])
    assert bytes(pixels) == images[20 * row:20 * row + 20], row
PYTHON

# ---- rows without truth and without pictures, with the worst of ids --------------------------------
python3 - <<'PYTHON'
ids = [b"<script>alert(1)</script>", b"\"><img src=x onerror=alert(2)>", b"a, \"b\" & 'c'", b"]]><svg onload=alert(3)>",
       b"plain bytes", b"tab\tand\x01control", "\u202eright to left".encode(), "caf\u00e9 \u65e5\u672c".encode(),
       b"&lt;already&gt; &amp;", b"</bdi></td></table>", b"javascript:alert(4)", b""]
open("ids.txt", "wb").write(b"\n".join(ids[i % len(ids)] for i in range(90)) + b"\n")
PYTHON
odd='fol<der> & "its" name'
succeed "$AIT" clean $unknown --ids ids.txt --all-suspects --out "$odd"
LC_ALL=C sed -i 's/plain bytes/\xff\xfe bytes/' "$odd/suspects.csv"
[ ! -e "$odd/suspect_images.npy" ] || fail "mere numbers were taken for images"
succeed "$AIT" report "$odd"
page "$odd/report.html" "Which labels are wrong is not known: no figure here was counted" "not known to be images" "<script>alert(1)</script>" \
  '"><img src=x onerror=alert(2)>' "a, \"b\" & 'c'" "]]><svg onload=alert(3)>" "café 日本" "&lt;already&gt; &amp;" \
  "</bdi></td></table>" "$odd" "another suggested" "AUROC on validation rows left out"
has "$odd/report.html" img 0
has "$odd/report.html" script 0
grep -q "mislabelled</text>" "$odd/report.html" && fail "a figure that needs the truth where there is none"

# Of own files suspects.csv ends with the rows that are suspected; the others count all the same.
succeed "$AIT" clean $unknown --baselines validation --out listed
succeed "$AIT" report listed
page listed/report.html "Expected: rows of the suggested list that are wrong"
python3 - <<'PYTHON' || fail "rows that suspects.csv leaves out are not counted"
import collections, csv, re
page = open("listed/report.html").read()
pairs = collections.Counter((int(s["given_label"]), int(s["suggested_label"]))
                            for s in csv.DictReader(open("listed/suspects.csv")))
table = page[page.index("Rows by given and suggested label"):]
cells = [int(c) for c in re.findall(r"--share:[0-9.]+\">([0-9]+)</td>", table)[:9]]
assert sum(cells) == 90 and all(cells[4 * c] > 0 for c in range(3)), cells
assert sum(pairs.values()) < 90 and all(cells[3 * g + s] == n for (g, s), n in pairs.items() if g != s), (cells, pairs)
assert f"Of 90 rows, {sum(pairs.values())} get another label" in page
PYTHON

# ---- several runs ----------------------------------------------------------------------------------
succeed "$AIT" report weights noise-model "$odd" --out three.html
page three.html "A report on 3 cleaning runs" "$odd" "differs" "ul_optimizer" "Transition cleaning"
has three.html img 80
expect 2 "several folders need --out FILE" "$AIT" report weights noise-model
succeed "$AIT" clean ${known/--noise 0.2/} --noise-rates 0.1,0.3 --seeds 0,1 --out sweep
succeed "$AIT" report sweep
page sweep/report.html "A report on 4 cleaning runs" "Means over the seeds" "noise-0.1-seed-0" "noise-0.3-seed-1"
succeed "$AIT" baseline ${unknown} --rankings validation,cross-validated --out cheap
succeed "$AIT" report cheap
page cheap/report.html "Cheap rankings" "cross-validated"
succeed "$AIT" clean ${known/--noise 0.2/} --noise-rates 0.1,0.3 --seeds 0,1 --out sweep --force
[ ! -e sweep/report.html ] || fail "--force left an older run's page"

# ---- a page of many large pictures -----------------------------------------------------------------
python3 - <<'PYTHON'
import random, shutil
head = "{'descr': '|u1', 'fortran_order': False, 'shape': (100, 64, 64, 3), }".ljust(117) + "\n"
for run in range(8):
    shutil.copytree("noise-model", "large-%d" % run, ignore=shutil.ignore_patterns("report.html"))
    with open("large-%d/suspect_images.npy" % run, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + bytes([118, 0]) + head.encode() + random.Random(run).randbytes(100 * 64 * 64 * 3))
PYTHON
succeed "$AIT" report large-? --out large.html
page large.html "A report on 8 cleaning runs" "pictures, so that the page stays below 3 MB"
python3 - <<'PYTHON' || fail "not as many pictures of every run as fit"
import re
page = open("large.html").read()
sheets = [sheet.count("<img") for sheet in page.split('<div class="sheet">')[1:]]
said = [int(count) for count in re.findall(r"<p class=\"note\">([0-9]+) of 40 pictures", page)]
assert len(sheets) == 8 and sheets == said and min(sheets) >= 15 and max(sheets) - min(sheets) <= 2, (sheets, said)
assert 2500000 < len(page) < 3000000, len(page)
PYTHON
succeed "$AIT" report large-0 --out large.html
has large.html img 100

# ---- without gnuplot -------------------------------------------------------------------------------
mkdir nothing
PATH=$folder/nothing "$AIT" report weights --out bare.html >out 2>err || fail "without gnuplot: exit status $?: $(cat err)"
page bare.html "No drawing here: gnuplot, which draws the curves, is not installed" "gnuplot-nox"
has bare.html svg 0
grep -q "the page has no curves: gnuplot" err && [ "$(wc -l <err)" -eq 1 ] || fail "without gnuplot: $(cat err)"

# ---- what is refused -------------------------------------------------------------------------------
expect 2 "name the folder of a run" "$AIT" report
expect 1 "nothing: holds no run.json" "$AIT" report nothing
expect 1 "none: holds no run.json" "$AIT" report none
echo "mine" >notes.html
expect 1 "notes.html: exists and is no report" "$AIT" report weights --out notes.html
[ "$(cat notes.html)" = mine ] || fail "a file that is no report was replaced"
expect 1 "none" "$AIT" report weights --out none/page.html
cp -r weights damaged
sed -i '3s/,/,,/' damaged/suspects.csv
expect 1 "damaged/suspects.csv: line 3 has" "$AIT" report damaged
cp weights/suspects.csv damaged
sed -i '4s/^[0-9]*,[0-9]*/9,x/' damaged/suspects.csv
expect 1 "damaged/suspects.csv: line 4, column given_label: expected a whole number" "$AIT" report damaged
cp weights/suspects.csv damaged
cp weights/z.npy damaged/suspect_images.npy
expect 1 "damaged/suspect_images.npy: expected pictures" "$AIT" report damaged
rm damaged/suspects.csv
expect 1 "damaged/suspects.csv: cannot be opened" "$AIT" report damaged
echo '{"program": "other"}' >damaged/run.json
expect 1 "damaged/run.json: was written by another program" "$AIT" report damaged
echo '{"program": "ait", "runs": [{"folder": "../weights"}]}' >nothing/sweep.json
expect 1 "lists a run that is no folder beside it" "$AIT" report nothing
finish
