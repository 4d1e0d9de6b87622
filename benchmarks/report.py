"""Writes the tables and plots of docs/performance.md from a file of results.

Usage: report.py END_TO_END.json [PASSES.json [SCALE.json]]
The first is from run.py, the others from bench_passes and bench_scale (scripts/bench.sh). Tables go between
`<!-- NAME -->` and `<!-- end -->` of the page; plots are made by gnuplot as docs/performance-NAME.svg. Needs
nothing but Python and gnuplot.
"""

import json
import re
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = DOCS / "performance.md"

Result = dict[str, Any]

MODELS = {
    (784, 10): "linear",
    (784, 300, 10): "deep linear",
    (784, 128, 10): "relu MLP",
    (1024, 100): "f16 embeddings",
}
COLOURS = ["#0072b2", "#56b4e9", "#009e73", "#d55e00", "#e69f00", "#cc79a7", "#555555"]

QUIET_SHARE = 0.1  # a larger share of busy processors before the run says that other programs ran beside it

# What the project wants at K = 100: name, classifier, ours, peer, ratio.
AIMS = [
    ("linear", (784, 10), "ait amx", "PyTorch + higher", 20),
    ("deep linear", (784, 300, 10), "ait amx", "PyTorch + higher", 150),
    ("linear", (784, 10), "ait amx", "jax.jit", 8),
    ("deep linear", (784, 300, 10), "ait amx", "jax.jit, folded", 8),
    ("linear", (784, 10), "ait v4", "PyTorch + higher", 8),
    ("deep linear", (784, 300, 10), "ait v4", "PyTorch + higher", 60),
    ("linear", (784, 10), "ait v3", "PyTorch + higher", 8),
    ("deep linear", (784, 300, 10), "ait v3", "PyTorch + higher", 60),
]


def _names(works: list[Result]) -> list[str]:
    """The contestants of some works, those that enter all first."""
    return list(dict.fromkeys(name for work in works for name in work["contestants"]))


def _method(plan: Result) -> str:
    return "full reverse" if plan["method"] == "rhg" else f"PTT, {plan['point']}"


def _order(work: Result) -> tuple[int, int, int, str, bool]:
    """Works by classifier, rows, K and method."""
    plan = work["plan"]
    classifier = list(MODELS).index(tuple(plan["sizes"]))
    return classifier, plan["rows"], plan["ll_steps"], plan["method"], plan["point"] != "start"


def _median(work: Result, name: str) -> float | None:
    """Median seconds, or None where the contestant has no time."""
    result = work["contestants"].get(name, {})
    return result["seconds"]["median"] if result.get("status") == "ok" else None


def _milliseconds(seconds: float) -> str:
    return f"{1e3 * seconds:.3g}" if seconds < 1 else f"{1e3 * seconds:,.0f}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _where(results: Result, keep: Callable[[Result], bool]) -> list[Result]:
    return [work for work in results["works"] if keep(work["plan"])]


def _time_cell(work: Result, name: str) -> str:
    result = work["contestants"].get(name)
    if result is None:
        return ""
    if result["status"] != "ok":
        return result["status"]
    q1, median, q3 = (_milliseconds(result["seconds"][part]) for part in ("q1", "median", "q3"))
    return f"**{median}** {q1}..{q3} ({result['threads']}t, {result['iterations']})"


def times(results: Result) -> str:
    """Median and quartiles of every contestant at N = M = 5,000."""
    works = sorted(_where(results, lambda plan: plan["rows"] == 5000), key=_order)
    names = _names(works)
    rows = []
    for work in works:
        plan = work["plan"]
        title = f"{MODELS[tuple(plan['sizes'])]}, K = {plan['ll_steps']}, {_method(plan)}"
        rows.append([title, *(_time_cell(work, name) for name in names)])
    return _table(["work", *names], rows) + "\n\n![Time against K](performance-steps.svg)"


def _ratio_cell(work: Result, name: str, ours: str) -> str:
    theirs, best = _median(work, name), _median(work, ours)
    return f"{theirs / best:.3g}" if theirs is not None and best is not None else ""


def _ours(results: Result) -> str | None:
    """The first of our contestants that has a time."""
    names = [name for name in _names(results["works"]) if name.startswith("ait ")]
    return next((n for n in names if any(_median(work, n) is not None for work in results["works"])), None)


def ratios(results: Result) -> str:
    """How many times as long as ours each contestant takes."""
    names = _names(results["works"])
    ours = _ours(results)
    names.remove(ours)
    rows = []
    for work in sorted(results["works"], key=_order):
        plan = work["plan"]
        title = f"{MODELS[tuple(plan['sizes'])]}, N = {plan['rows']:,}, K = {plan['ll_steps']}, {_method(plan)}"
        rows.append([title, *(_ratio_cell(work, name, ours) for name in names)])
    return _table([f"work (1 = {ours})", *names], rows)


def _is_long(plan: Result) -> bool:
    return plan["rows"] == 5000 and plan["ll_steps"] == 100


def aims(results: Result) -> str:
    """What was wanted at K = 100 beside what was measured."""
    rows = []
    for title, sizes, ours, peer, wanted in AIMS:
        works = [work for work in _where(results, _is_long) if tuple(work["plan"]["sizes"]) == sizes]
        cells = {_method(work["plan"]): _ratio_cell(work, peer, ours) for work in works}
        measured = [cells.get(method, "") for method in ("PTT, start", "PTT, late", "full reverse")]
        reached = bool(cells) and all(cell and float(cell) >= wanted for cell in cells.values())
        rows.append([f"{title}, {ours} against {peer}", f">= {wanted}", *measured, "yes" if reached else "**no**"])
    return _table(["K = 100, N = M = 5,000", "wanted", "PTT, start", "PTT, late", "full reverse", "reached"], rows)


def scaling(results: Result) -> str:
    """Milliseconds against rows."""
    works = sorted(_where(results, _scales), key=_order)
    names = _names(works)
    rows = []
    for work in works:
        plan = work["plan"]
        medians = [_median(work, name) for name in names]
        cells = [_milliseconds(median) if median is not None else "" for median in medians]
        rows.append([f"{MODELS[tuple(plan['sizes'])]}, N = M = {plan['rows']:,}", *cells])
    return _table(["K = 10, PTT, start", *names], rows) + "\n\n![Time against N](performance-rows.svg)"


def memory(results: Result) -> str:
    """Peak resident memory of each contestant's process."""
    works = _where(results, lambda plan: plan["rows"] in (5000, 30_000) and plan["ll_steps"] >= 10)
    works.sort(key=_order)
    names = _names(works)
    rows = []
    for work in works:
        plan, cells = work["plan"], []
        for name in names:
            result = work["contestants"].get(name, {})
            cells.append(f"{result['peak_bytes'] / 2**20:,.0f}" if result.get("status") == "ok" else "")
        title = f"{MODELS[tuple(plan['sizes'])]}, N = {plan['rows']:,}, K = {plan['ll_steps']}, {_method(plan)}"
        rows.append([title, *cells])
    return _table(["MiB", *names], rows)


def agreement(results: Result) -> str:
    """The largest relative error of each contestant over all works, and who did not take part."""
    rows = []
    for name in _names(results["works"]):
        entries = [work["contestants"][name] for work in results["works"] if name in work["contestants"]]
        fine = [entry for entry in entries if entry["status"] == "ok"]
        largest = [max((entry["errors"].get(part, 0.0) for entry in fine), default=None) for part in ("F", "gx", "gz")]
        others = sorted({f"{entry['status']}: {entry['reason']}" for entry in entries if entry["status"] != "ok"})
        cells = ["" if error is None else f"{error:.1e}" for error in largest]
        rows.append([name, f"{len(fine)} of {len(entries)}", *cells, "; ".join(others)])
    return _table(["contestant", "works timed", "F", "gx", "gz", "not timed"], rows)


def _ranking_row(title: str, seconds: str, ranking: Result) -> list[str]:
    percent = [f"{100 * ranking[part]:.1f}" for part in ("auroc", "average_precision", "f1")]
    return [title, seconds, *percent]


def cleaning(results: Result) -> str:
    """Seconds and rankings of the paper's method and of cleanlab's way."""
    ours, peer = results["cleaning"]["ait"], results["cleaning"]["cleanlab"]
    spent = f"{ours['iteration_seconds']:.2f}"
    rows = [
        _ranking_row("`ait clean --method iaptt-gm`, its default score", spent, ours["ranking"]["classifier"]),
        _ranking_row("`ait clean --method iaptt-gm`, weight", spent, ours["ranking"]["weight"]),
        _ranking_row("validation-only classifier beside it", "", ours["ranking"]["validation_only"]),
    ]
    if peer["status"] == "ok":
        titles = {
            "cross_validated": "cleanlab, cross-validated on the noisy rows",
            "cross_validated_with_clean": "cleanlab, the clean rows trained on too",
            "validation_only": "scikit-learn and cleanlab's score, clean rows alone",
        }
        for key, title in titles.items():
            rows.append(_ranking_row(title, f"{peer['result'][key]['seconds']:.1f}", peer["result"][key]))
    else:
        rows.append([f"cleanlab SKIPPED: {peer['reason']}", "", "", "", ""])
    table = _table(["ranking", "seconds", "AUROC", "average precision", "F1"], rows)
    whole = f"The whole program, with reading, side classifiers and reports: {ours['program_seconds']:.1f} s."
    plot = "![AUROC against seconds](performance-auroc.svg)"
    return f"{table}\n\n{_seconds_to(ours['auroc_at_seconds'])}\n{whole}\n\n{plot}"


def _seconds_to(auroc_at_seconds: list[list[float]]) -> str:
    """When the paper's method first reached some values of AUROC."""
    parts = []
    for wanted in (0.90, 0.95, 0.97):
        reached = next((f"{seconds:.2f} s" for seconds, auroc in auroc_at_seconds if auroc >= wanted), "never")
        parts.append(f"{100 * wanted:.0f} %: {reached}")
    return f"Seconds until `ait clean --method iaptt-gm` ranks with an AUROC of {'; '.join(parts)}."


def machine(results: Result) -> str:
    """Commit, machine and versions."""
    kind = results["machine"]
    versions = {**results["versions"], **results.get("cleaning", {}).get("cleanlab", {}).get("versions", {})}
    lines = [
        f"* [{results['file']}](../benchmarks/results/{results['file']}), commit {results['commit']};",
        f"* {kind['processor']}, {kind['processors']} processors, {kind['memory_bytes'] / 2**30:.0f} GiB;",
        f"* {kind['system']};",
        f"* kernels: {'; '.join(f'{name}: {text}' for name, text in results['kernels'].items() if text)};",
        f"* {', '.join(f'{name} {version}' for name, version in versions.items())}, Python {kind['python']}.",
    ]
    if results["busy_before"] > QUIET_SHARE:
        share = f"{100 * results['busy_before']:.0f} %"
        lines.append(f"* **other programs used {share} of the processors before the run**.")
    if results["left_out"]:
        lines.append(f"* left out for lack of time: {'; '.join(results['left_out'])}.")
    if results["failed"]:
        lines.append(f"* failed: {'; '.join(f'{name} ({reason})' for name, reason in results['failed'].items())}.")
    return "\n".join(lines)


def _complaint(one: Result) -> str:
    """Why a pass has no figures, or nothing where it has."""
    said = one.get("error_message") or one.get("skip_message")
    return f"no time: {said or 'it failed'}" if said or one.get("error_occurred") or one.get("skipped") else ""


def passes(results: Result) -> str:
    """Milliseconds and share of the bound of every pass that was timed."""
    kinds, cells = ("train", "validation", "adjoint"), {}
    for one in results["benchmarks"]:
        word, *name = one["name"].split("/")
        if word == "pass":
            stored, shape, kind, version = name[:4]
            cells[stored, shape, version, kind] = (
                _complaint(one) or f"{_milliseconds(one['pass_seconds'])} ({100 * one['share_of_bound']:.0f} %)"
            )
    rows = [
        [stored, shape.replace("x", " x "), version, *(cells.get((stored, shape, version, kind), "") for kind in kinds)]
        for stored, shape, version in dict.fromkeys(key[:3] for key in cells)
    ]
    return _table(["rows", "N x D x C", "version", *kinds], rows)


def roofs(results: Result) -> str:
    """What the machine's units reached beside the passes."""
    found = {one["name"].split("/")[1]: one for one in results["benchmarks"] if one["name"].startswith("unit/")}
    return "; ".join(f"{name.replace('_', ' ')} {_roof(one)}" for name, one in found.items())


def _roof(one: Result) -> str:
    """What one unit reached."""
    if complaint := _complaint(one):
        return complaint
    if "operations_per_second" in one:
        return f"{1e-9 * one['operations_per_second']:,.0f} Gop/s"
    return f"{1e-9 * one['bytes_per_second']:.0f} GB/s"


def scale(results: list[Result]) -> str:
    """Time and memory of UL iterations against rows."""
    head = ["rows", "K", "kbar", "seconds a UL iteration", "read from memory, GB/s", "MB of data", "MB beyond"]
    rows = [
        [
            f"{one['rows']:,}",
            str(one["ll_steps"]),
            str(one["kbar"][0]),
            f"{statistics.median(one['iteration_seconds']):.2f}",
            " to ".join(f"{1e-9 * one['read_bytes_per_second'][when]:.0f}" for when in ("before", "after")),
            f"{1e-6 * one['data_bytes']:,.0f}",
            f"{1e-6 * one['peak_beyond_data_bytes']:,.0f}",
        ]
        for one in results
    ]
    return _table(head, rows)


def _scales(plan: Result) -> bool:
    return (
        plan["ll_steps"] == 10
        and plan["method"] == "iaptt-gm"
        and plan["point"] == "start"
        and tuple(plan["sizes"]) in ((784, 10), (784, 300, 10))
    )


def _plot(name: str, script: str) -> None:
    """Runs gnuplot; data are inline blocks of the script."""
    target = DOCS / f"performance-{name}.svg"
    terminal = "set terminal svg size 860,400 font 'sans-serif,13' background 'white'\n"
    text = f"{terminal}set output '{target}'\nset grid\nset tics nomirror\n{script}\n"
    try:
        subprocess.run(["gnuplot"], input=text, text=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"report.py: gnuplot could not draw {target.name}: {error}") from error


def _block(name: str, points: list[tuple[float, float]]) -> str:
    return f"${name} << EOD\n" + "\n".join(f"{x} {y}" for x, y in points) + "\nEOD\n"


def _lines(works: list[Result], along: str, colours: dict[str, str]) -> tuple[str, list[str]]:
    """Data blocks and plot clauses: median milliseconds of each contestant along a field of the plans."""
    blocks, clauses = "", []
    for name in _names(works):
        points = [(work["plan"][along], 1e3 * median) for work in works if (median := _median(work, name)) is not None]
        if points:
            block = re.sub(r"\W", "_", f"{name}_{len(works[0]['plan']['sizes'])}")
            blocks += _block(block, sorted(points))
            clauses.append(f"${block} with linespoints pt 7 ps 0.6 lw 2 lc rgb '{colours[name]}' title '{name}'")
    return blocks, clauses


def _pair_of_plots(results: Result, name: str, along: str, label: str, keep: Callable[[Result], bool]) -> None:
    """Linear beside deep linear, both logarithmic."""
    colours = dict(zip(_names(results["works"]), COLOURS, strict=False))
    blocks, panels = "", ""
    for sizes, title in (((784, 10), "linear 784-10"), ((784, 300, 10), "deep linear 784-300-10")):
        works = [work for work in _where(results, keep) if tuple(work["plan"]["sizes"]) == sizes]
        more, clauses = _lines(works, along, colours)
        blocks += more
        if clauses:
            panels += f"set title '{title}'\nplot {', '.join(clauses)}\n"
    setup = (
        f"set logscale xy\nset format y '10^{{%L}}'\nset xlabel '{label}'\n"
        "set ylabel 'ms a UL iteration'\nset key left top font ',10'\n"
    )
    _plot(name, f"{blocks}{setup}set multiplot layout 1,2\n{panels}unset multiplot")


def plot_steps(results: Result) -> None:
    """Time against K."""

    def keep(plan: Result) -> bool:
        return plan["rows"] == 5000 and plan["method"] == "rhg"

    _pair_of_plots(results, "steps", "ll_steps", "K, full reverse, N = M = 5,000", keep)


def plot_rows(results: Result) -> None:
    """Time against N."""
    _pair_of_plots(results, "rows", "rows", "N = M, K = 10, PTT, start", _scales)


def plot_auroc(results: Result) -> None:
    """AUROC against seconds, with the cheap baseline as a line and cleanlab as points."""
    ours, peer = results["cleaning"]["ait"], results["cleaning"]["cleanlab"]
    baseline = ours["ranking"]["validation_only"]["auroc"]
    blocks = _block("ours", ours["auroc_at_seconds"])
    clauses = [
        f"$ours with lines lw 2 lc rgb '{COLOURS[0]}' title 'iaptt-gm, default score'",
        f"{baseline} with lines dt 2 lw 2 lc rgb '{COLOURS[2]}' title 'validation-only classifier'",
    ]
    if peer["status"] == "ok":
        for i, (key, result) in enumerate(peer["result"].items()):
            blocks += _block(key, [(result["seconds"], result["auroc"])])
            title = key.replace("_", " ")
            clauses.append(f"${key} with points pt 7 ps 1.2 lc rgb '{COLOURS[3 + i]}' title 'scikit-learn: {title}'")
    setup = "set logscale x\nset xlabel 'seconds'\nset ylabel 'AUROC of wrong labels'\nset key right bottom\n"
    _plot("auroc", f"{blocks}{setup}plot {', '.join(clauses)}")


def _fill(page: str, name: str, text: str) -> str:
    """The page with one table replaced."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not pattern.search(page):
        raise SystemExit(f"{PAGE} has no place for the table {name}")
    return pattern.sub(lambda match: f"{match[1]}\n{text}\n\n{match[2]}", page)


def _read(path: Path, what: str) -> Any:
    """The contents of a file of results."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError as error:
        raise SystemExit(f"report.py: {path} is not there; expected {what}") from error
    except (OSError, ValueError) as error:
        raise SystemExit(f"report.py: {path} cannot be read as {what}: {error}") from error


def _read_race(path: Path) -> Result:
    """The end-to-end results, which must be whole."""
    what = "the results of benchmarks/run.py (JSON)"
    found = _read(path, what)
    if not isinstance(found, dict) or "works" not in found:
        raise SystemExit(f"report.py: {path} has no 'works'; expected {what}")
    if "cleaning" not in found:
        why = found.get("failed", {}).get("finding wrong labels", "--quick and --only leave it out")
        raise SystemExit(f"report.py: {path} has no 'cleaning' ({why}); the page needs the results of a whole run")
    if _ours(found) is None:
        raise SystemExit(f"report.py: no work of {path} has a time of ours; the page has nothing to compare with")
    return {"file": path.name, **found}


def _read_passes(path: Path) -> Result:
    found = _read(path, "the output of bench_passes (JSON)")
    if not isinstance(found, dict) or "benchmarks" not in found:
        raise SystemExit(f"report.py: {path} has no 'benchmarks'; expected the output of bench_passes")
    return found


def _read_scale(path: Path) -> list[Result]:
    found = _read(path, "a list of outputs of bench_scale (JSON)")
    if not isinstance(found, list) or not all(isinstance(one, dict) and "iteration_seconds" in one for one in found):
        raise SystemExit(f"report.py: {path} is no list of outputs of bench_scale")
    return found


def main() -> None:
    """Fills the page."""
    if not 2 <= len(sys.argv) <= 4:
        raise SystemExit("usage: report.py END_TO_END.json [PASSES.json [SCALE.json]]")
    source, *others = [Path(name) for name in sys.argv[1:]]
    results = _read_race(source)
    page = PAGE.read_text()
    for table in (machine, aims, times, ratios, scaling, memory, agreement, cleaning):
        page = _fill(page, table.__name__, table(results))
    if others:
        timed = _read_passes(others[0])
        page = _fill(_fill(page, "passes", passes(timed)), "roofs", roofs(timed))
    if len(others) > 1:
        page = _fill(page, "scale", scale(_read_scale(others[1])))
    PAGE.write_text(page)
    for plot in (plot_steps, plot_rows, plot_auroc):
        plot(results)


if __name__ == "__main__":
    main()
