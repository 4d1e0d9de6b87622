#!/usr/bin/env python3
"""The runs behind the tables of docs/reproducing.md: hyper-cleaning by the paper's protocol, method by method.

  benchmarks/tables.py run --ait build/ait --out RESULTS.json [--mnist DIR] [--methods A,B] [--models M,N]
                           [--seeds 0..2] [--iterations T]
      makes the runs that RESULTS.json does not hold yet, one after the other, and adds their figures to it
  benchmarks/tables.py table RESULTS.json
      prints the tables
"""
import statistics

import runs

METHODS = "iaptt-gm,rhg,t-rhg,ls,ns,bda"
EVALUATED = ("t", "test_accuracy_y", "test_accuracy_z", "f1", "auroc")


def run_one(arguments, data, model, method, iterations, seed):
    """A run's result as run.json tells it, and of its history the figures on test rows."""
    run, history = runs.clean(arguments, data, ["--protocol", "paper", "--model", model, "--method", method,
                                                "--iterations", iterations, "--seed", seed, "--baselines", "validation"])
    result = run["result"]
    kept = {name: result[name] for name in ("test_accuracy", "clean_class_f1", "kbar_counts")}
    kept["ranking"] = {name: runs.per_cent(ranking) for name, ranking in result["ranking"].items()}
    kept["curve"] = [[float(row[name]) if row[name] else None for name in EVALUATED] for row in history
                     if row["test_accuracy_y"]]
    return {**kept, "seconds": run["seconds"]["iterations"], "threads": run["threads"]}


def make_runs(arguments):
    cells = [(data, model, method, arguments.iterations, seed) for seed in arguments.seeds
             for method in arguments.methods.split(",") for model in arguments.models.split(",")
             for data in ("fashion-mnist", "mnist") if data != "mnist" or arguments.mnist]
    runs.make(arguments.out, {",".join(map(str, cell)): (arguments, *cell) for cell in cells}, run_one)


def mean(results, *path):
    """The mean of the figure that the path leads to, in per cent; a dash where a run has none."""
    values = []
    for figure in results:
        for step in path:
            figure = figure[step]
        values.append(figure)
    return "-" if None in values else f"{100 * statistics.mean(values):.2f}"


def kbar_shares(results):
    counts = {}
    for result in results:
        for k, count in result["kbar_counts"].items():
            counts[int(k)] = counts.get(int(k), 0) + count
    most = sorted(counts, key=counts.get, reverse=True)[:3]
    return ", ".join(f"{k}: {100 * counts[k] / sum(counts.values()):.0f} %" for k in most)


def line_of(model, method, iterations, results):
    auroc = statistics.mean(result["ranking"]["classifier"][0] for result in results)
    return (f"| `{method}`, {model} | {iterations} | {mean(results, 'test_accuracy', 'y')} "
            f"| {mean(results, 'test_accuracy', 'z')} | {mean(results, 'test_accuracy', 'kept_by_this_run')} "
            f"| {mean(results, 'clean_class_f1', 'this_run')} | {auroc:.2f} | {kbar_shares(results)} | {len(results)} |")


def print_tables(path, seeds):
    tables, by_seed = {}, {}  # a run of each seed: what knows the validation rows alone is the same in all
    for name, figures in runs.read(path).items():
        network, method, iterations, seed = name.rsplit(",", 3)
        data, model = network.split(",", 1)
        if int(seed) not in seeds:
            continue
        tables.setdefault(data, {}).setdefault((model, method, int(iterations)), []).append(figures)
        by_seed.setdefault(data, {})[seed] = figures
    for data, lines in tables.items():
        print(f"\n{data}\n")
        print("| method, network | UL iterations | accuracy at y_K | at z | retrained | clean-class F1 | AUROC | kbar | seeds |")
        print("|---|---|---|---|---|---|---|---|---|")
        for cell in sorted(lines, key=lambda cell: (cell[0], -cell[2], METHODS.find(cell[1]))):
            print(line_of(*cell, lines[cell]))
        results = by_seed[data].values()
        auroc = statistics.mean(result["ranking"]["validation_only"][0] for result in results)
        print(f"\nValidation rows alone: accuracy {mean(results, 'test_accuracy', 'validation_only')}, AUROC {auroc:.2f}")


def add_arguments(run):
    run.add_argument("--methods", default=METHODS)
    run.add_argument("--models", default="deep:300")
    run.add_argument("--iterations", type=int, default=3000)


if __name__ == "__main__":
    runs.command_line(__doc__, "0..2", make_runs, print_tables, add_arguments)
