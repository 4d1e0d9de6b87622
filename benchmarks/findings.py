#!/usr/bin/env python3
"""The tables of docs/findings.md: transition cleaning against the cheap rankings, paired by seeds.

  benchmarks/findings.py run --ait build/ait --out RESULTS.json [--mnist DIR] [--seeds 10..19] [--processes N]
      makes the runs that RESULTS.json does not hold yet, one thread each, and adds their figures to it
  benchmarks/findings.py table RESULTS.json
      prints the tables
"""
import statistics

import runs

NOISES = (("symmetric", 0.1), ("symmetric", 0.5), ("pair", 0.1), ("pair", 0.4), ("asymmetric", 0.3), ("feature", 0.3))
OTHER_RATES = (("symmetric", 0.05), ("symmetric", 0.6), ("pair", 0.03), ("asymmetric", 0.05))
KINDS = ("symmetric", "pair", "asymmetric", "feature")
# By the number of clean rows.
CELLS = {"fashion-mnist": {100: NOISES + OTHER_RATES, 500: NOISES, 5000: NOISES, 50: NOISES},
         "mnist": {100: NOISES + OTHER_RATES, 50: NOISES}}


def run_one(arguments, data, noise, rate, rows, seed):
    """Every ranking's figures, in per cent, and how the noise model was chosen."""
    run, _ = runs.clean(arguments, data, ["--cleaning", "transition", "--noise-model", noise, "--noise", rate,
                                          "--validation", rows, "--seed", seed, "--threads", 1])
    result = run["result"]
    rankings = {"transition": result["ranking"]["transition"], "validation": result["ranking"]["validation_only"]}
    for name, ranking in result["baselines"]["rankings"].items():
        rankings[name] = ranking["figures"]
    return {"rankings": {name: runs.per_cent(ranking) for name, ranking in rankings.items()}, "z": result["z"],
            "held_out_z": result["held_out_z"], "chosen": result["chosen"], "noise_rate": result["noise_rate"]}


def make_runs(arguments):
    cells = [(data, noise, rate, rows, seed) for seed in arguments.seeds for data in CELLS
             if data != "mnist" or arguments.mnist for rows in CELLS[data] for noise, rate in CELLS[data][rows]]
    runs.make(arguments.out, {",".join(map(str, cell)): (arguments, *cell) for cell in cells}, run_one,
              arguments.processes)


def best_cheap(results):
    """The cheap ranking of the largest mean AUROC over the seeds."""
    names = [name for name in results[0]["rankings"] if name != "transition"]
    return max(names, key=lambda name: statistics.mean(result["rankings"][name][0] for result in results))


def line_of(cell, results):
    best = best_cheap(results)
    means = [["/".join(f"{statistics.mean(result['rankings'][name][i] for result in results):.1f}" for i in range(3))]
             for name in ("transition", best)]
    differences = []
    for i in range(3):
        paired = [result["rankings"]["transition"][i] - result["rankings"][best][i] for result in results]
        low, high = runs.interval(paired)
        differences.append(f"{statistics.mean(paired):+.2f} [{low:+.2f}, {high:+.2f}]")
    z = [result["z"] for result in results]
    data, noise, rate, rows = cell
    return (f"| {noise} {rate}, {rows} | {means[0][0]} | {means[1][0]} ({best}) | {' | '.join(differences)} "
            f"| {min(z):.1f} to {max(z):.1f} | {len(results)} |")


def print_tables(path, seeds):
    cells = {}
    for name, figures in runs.read(path).items():
        data, noise, rate, rows, seed = name.split(",")
        if int(seed) in seeds:
            cells.setdefault((data, noise, rate, rows), {})[int(seed)] = figures
    for data in CELLS:
        print(f"\n{data}\n")
        print("| noise, clean rows | transition cleaning | best cheap ranking | AUROC, difference | AP | F1 | z | seeds |")
        print("|---|---|---|---|---|---|---|---|")
        for noise, rate in sorted(NOISES + OTHER_RATES, key=lambda kind: (KINDS.index(kind[0]), kind[1])):
            for rows in sorted(CELLS[data]):
                cell = (data, noise, str(rate), str(rows))
                if cell in cells:
                    print(line_of(cell, [cells[cell][seed] for seed in sorted(cells[cell])]))


if __name__ == "__main__":
    runs.command_line(__doc__, "10..19", make_runs, print_tables, runs.add_processes)
