#!/usr/bin/env python3
"""The table of docs/findings.md on weights a row: which settings of the paper's method rank wrong labels best.

  benchmarks/free_weights.py run --ait build/ait --out RESULTS.json [--seeds 10..19] [--settings NAME...] [--processes N]
      makes the runs that RESULTS.json does not hold yet, one thread each, and adds their figures to it
  benchmarks/free_weights.py table RESULTS.json [--seeds 10..19]
      prints the tables
"""
import statistics

import runs

CELLS = (("symmetric", 0.5, 100), ("pair", 0.4, 100), ("symmetric", 0.5, 5000))
SETTINGS = {
    "as shipped": [],
    "K = 1": ["--ll-steps", 1],
    "K = 30": ["--ll-steps", 30],
    "LL step 0.1": ["--ll-rate", 0.1],
    "LL step 0.3": ["--ll-rate", 0.3],
    "K = 1, LL step 0.3": ["--ll-steps", 1, "--ll-rate", 0.3],
    "K = 30, LL step 0.3": ["--ll-steps", 30, "--ll-rate", 0.3],
    "x by gradient descent, 1": ["--ul-optimizer", "sgd", "--ul-rate", 1],
    "x by Adam, 0.1": ["--ul-rate", 0.1],
    "no truncation (ia-gm)": ["--method", "ia-gm"],
    "last steps (t-rhg), fixed start": ["--method", "t-rhg"],
    "fixed start (rhg)": ["--method", "rhg"],
    "fixed start, K = 30, LL step 0.2": ["--method", "rhg", "--ll-steps", 30, "--ll-rate", 0.2],
    "prior, 0.01 (ait)": ["--method", "ait"],
}
SCORES = ("classifier", "weight", "gradient")


def run_one(arguments, noise, rate, rows, setting, seed):
    options = SETTINGS[setting] if "--method" in SETTINGS[setting] else ["--method", "iaptt-gm", *SETTINGS[setting]]
    run, history = runs.clean(arguments, "fashion-mnist",
                              [*options, "--noise-model", noise, "--noise", rate, "--validation", rows, "--seed", seed,
                               "--threads", 1, "--baselines", "validation"])
    result = run["result"]
    return {"rankings": {name: runs.per_cent(result["ranking"][name]) for name in (*SCORES, "validation_only")},
            "test_accuracy": result["test_accuracy"],
            "curve": [[int(row["t"]), float(row["auroc"])] for row in history if row["auroc"]]}


def make_runs(arguments):
    cells = [(*cell, setting, seed) for seed in arguments.seeds for cell in CELLS for setting in arguments.settings]
    wanted = {",".join(map(str, cell[:3])) + f",{cell[4]},{cell[3]}": (arguments, *cell) for cell in cells}
    runs.make(arguments.out, wanted, run_one, arguments.processes)


def line_of(setting, results, shipped):
    """Means over the seeds; the difference is to the settings as shipped, paired by seed."""
    scores = ["/".join(f"{statistics.mean(result['rankings'][score][i] for result in results.values()):.1f}"
                       for i in range(len(runs.FIGURES))) for score in SCORES]
    accuracy = statistics.mean(result["test_accuracy"]["y"] for result in results.values())
    best = statistics.mean(max(auroc for _, auroc in result["curve"]) for result in results.values())
    differences = [results[seed]["rankings"]["classifier"][0] - shipped[seed]["rankings"]["classifier"][0]
                   for seed in results if seed in shipped]
    low, high = runs.interval(differences)
    return (f"| {setting} | {' | '.join(scores)} | {statistics.mean(differences):+.2f} [{low:+.2f}, {high:+.2f}] "
            f"| {100 * best:.1f} | {100 * accuracy:.1f} | {len(results)} |")


def print_tables(path, seeds):
    cells = {}
    for name, figures in runs.read(path).items():
        noise, rate, rows, seed, setting = name.split(",", 4)
        if int(seed) in seeds:
            cells.setdefault((noise, rate, rows), {}).setdefault(setting, {})[int(seed)] = figures
    for (noise, rate, rows), settings in cells.items():
        alone = [result["rankings"]["validation_only"] for result in settings["as shipped"].values()]
        figures = "/".join(f"{statistics.mean(figure):.1f}" for figure in zip(*alone))
        print(f"\n{noise} {rate}, {rows} clean rows (validation rows alone: {figures})\n")
        print("| settings | by classifier | by weight | by gradient | AUROC of the classifier, difference | best on the way "
              "| accuracy at y_K | seeds |")
        print("|---|---|---|---|---|---|---|---|")
        for setting in SETTINGS:
            if setting in settings:
                print(line_of(setting, settings[setting], settings["as shipped"]))


def add_arguments(run):
    run.add_argument("--settings", nargs="+", metavar="NAME", choices=SETTINGS, default=list(SETTINGS),
                     help="some of the settings (default: all)")
    runs.add_processes(run)


if __name__ == "__main__":
    runs.command_line(__doc__, "10..19", make_runs, print_tables, add_arguments)
