#!/usr/bin/env python3
"""The tables of docs/findings.md: transition cleaning against the cheap rankings, paired by seeds.

  benchmarks/findings.py run --ait build/ait --out RESULTS.json [--mnist DIR] [--seeds 10..19] [--processes N]
      makes the runs that RESULTS.json does not hold yet, one thread each, and adds their figures to it
  benchmarks/findings.py table RESULTS.json
      prints the tables
"""
import argparse
import concurrent.futures
import json
import os
import random
import statistics
import subprocess
import tempfile

NOISES = (("symmetric", 0.1), ("symmetric", 0.5), ("pair", 0.1), ("pair", 0.4), ("asymmetric", 0.3), ("feature", 0.3))
CLEAN_ROWS = {"fashion-mnist": (100, 500, 5000), "mnist": (100,)}
FIGURES = ("auroc", "average_precision", "f1")


def figures_of(folder):
    """What a run's folder says: every ranking's figures, in per cent, and how the noise model was chosen."""
    with open(os.path.join(folder, "run.json")) as file:
        result = json.load(file)["result"]
    rankings = {"transition": result["ranking"]["transition"], "validation": result["ranking"]["validation_only"]}
    for name, ranking in result["baselines"]["rankings"].items():
        rankings[name] = ranking["figures"]
    percent = {name: [round(100 * ranking[figure], 4) for figure in FIGURES] for name, ranking in rankings.items()}
    return {"rankings": percent, "z": result["z"], "held_out_z": result["held_out_z"], "chosen": result["chosen"],
            "noise_rate": result["noise_rate"]}


def run_one(ait, mnist, data, noise, rate, rows, seed):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "run")
        command = [ait, "clean", "--cleaning", "transition", "--dataset", data, "--noise-model", noise, "--noise",
                   str(rate), "--validation", str(rows), "--seed", str(seed), "--threads", "1", "--quiet", "--out", out]
        subprocess.run(command + (["--data-dir", mnist] if data == "mnist" else []), check=True)
        return figures_of(out)


def make_runs(arguments):
    results = {}
    if os.path.exists(arguments.out):
        with open(arguments.out) as file:
            results = json.load(file)
    first, last = (int(text) for text in arguments.seeds.split(".."))
    wanted = [(data, noise, rate, rows, seed) for seed in range(first, last + 1) for data in CLEAN_ROWS
              if data != "mnist" or arguments.mnist for rows in CLEAN_ROWS[data] for noise, rate in NOISES]
    wanted = [cell for cell in wanted if name_of(*cell) not in results]
    with concurrent.futures.ThreadPoolExecutor(arguments.processes) as pool:
        futures = {pool.submit(run_one, arguments.ait, arguments.mnist, *cell): cell for cell in wanted}
        for future in concurrent.futures.as_completed(futures):
            results[name_of(*futures[future])] = future.result()
            save(arguments.out, results)


def name_of(data, noise, rate, rows, seed):
    return f"{data},{noise},{rate},{rows},{seed}"


def save(path, results):
    """One line a run; a stop in between leaves the file as it was."""
    lines = ",\n".join(json.dumps(name) + ": " + json.dumps(results[name]) for name in sorted(results))
    with open(path + ".new", "w") as file:
        file.write("{\n" + lines + "\n}\n")
    os.replace(path + ".new", path)


def interval(differences):
    """95 % bootstrap interval of the mean."""
    draw = random.Random(1)
    means = sorted(statistics.mean(draw.choices(differences, k=len(differences))) for _ in range(4000))
    return means[100], means[3899]


def best_cheap(runs):
    """The cheap ranking of the largest mean AUROC over the seeds."""
    names = [name for name in runs[0]["rankings"] if name != "transition"]
    return max(names, key=lambda name: statistics.mean(run["rankings"][name][0] for run in runs))


def line_of(cell, runs):
    best = best_cheap(runs)
    means = [["/".join(f"{statistics.mean(run['rankings'][name][i] for run in runs):.1f}" for i in range(3))]
             for name in ("transition", best)]
    differences = []
    for i in range(3):
        paired = [run["rankings"]["transition"][i] - run["rankings"][best][i] for run in runs]
        low, high = interval(paired)
        differences.append(f"{statistics.mean(paired):+.2f} [{low:+.2f}, {high:+.2f}]")
    z = [run["z"] for run in runs]
    data, noise, rate, rows = cell
    return (f"| {noise} {rate}, {rows} | {means[0][0]} | {means[1][0]} ({best}) | {' | '.join(differences)} "
            f"| {min(z):.1f} to {max(z):.1f} | {len(runs)} |")


def print_tables(path):
    with open(path) as file:
        results = json.load(file)
    cells = {}
    for name in results:
        data, noise, rate, rows, seed = name.split(",")
        cells.setdefault((data, noise, rate, rows), {})[int(seed)] = results[name]
    for data in CLEAN_ROWS:
        print(f"\n{data}\n")
        print("| noise, clean rows | transition cleaning | best cheap ranking | AUROC, difference | AP | F1 | z | seeds |")
        print("|---|---|---|---|---|---|---|---|")
        for noise, rate in NOISES:
            for rows in CLEAN_ROWS[data]:
                cell = (data, noise, str(rate), str(rows))
                if cell in cells:
                    print(line_of(cell, [cells[cell][seed] for seed in sorted(cells[cell])]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run")
    run.add_argument("--ait", required=True)
    run.add_argument("--out", required=True)
    run.add_argument("--mnist")
    run.add_argument("--seeds", default="10..19")
    run.add_argument("--processes", type=int, default=os.cpu_count())
    commands.add_parser("table").add_argument("results")
    arguments = parser.parse_args()
    if arguments.command == "run":
        make_runs(arguments)
    else:
        print_tables(arguments.results)


if __name__ == "__main__":
    main()
