"""What the scripts share that make many runs of `ait clean`: a results file that grows run by run, and its figures."""
import argparse
import concurrent.futures
import csv
import json
import os
import random
import statistics
import subprocess
import tempfile

FIGURES = ("auroc", "average_precision", "f1")


def command_line(description, seeds, make_runs, print_tables, add_arguments=lambda run: None):
    """The two commands of every script: `run` adds runs to a results file, `table` prints what it holds."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run")
    run.add_argument("--ait", required=True, help="the program")
    run.add_argument("--out", required=True, help="the results, which runs are added to")
    run.add_argument("--mnist", help="the folder of MNIST's files (default: without MNIST)")
    add_arguments(run)
    table = commands.add_parser("table")
    table.add_argument("results")
    for command in (run, table):
        command.add_argument("--seeds", default=seeds, type=span, help=f"FIRST..LAST (default {seeds})")
    arguments = parser.parse_args()
    if arguments.command == "run":
        make_runs(arguments)
    else:
        print_tables(arguments.results, arguments.seeds)


def add_processes(run):
    run.add_argument("--processes", type=int, default=os.cpu_count())


def span(text):
    first, last = (int(part) for part in text.split(".."))
    return range(first, last + 1)


def read(path):
    if not os.path.exists(path):
        return {}
    with open(path) as file:
        return json.load(file)


def save(path, results):
    """One line a run; a stop in between leaves the file as it was."""
    lines = ",\n".join(json.dumps(name) + ": " + json.dumps(results[name]) for name in sorted(results))
    with open(path + ".new", "w") as file:
        file.write("{\n" + lines + "\n}\n")
    os.replace(path + ".new", path)


def clean(arguments, data, options):
    """What `ait clean` says of a run with these options: run.json, and the lines of history.csv (none of transition)."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "run")
        command = [arguments.ait, "clean", "--dataset", data, *(str(option) for option in options), "--quiet", "--out", out]
        subprocess.run(command + (["--data-dir", arguments.mnist] if data == "mnist" else []), check=True)
        with open(os.path.join(out, "run.json")) as file:
            run = json.load(file)
        history = os.path.join(out, "history.csv")
        if not os.path.exists(history):
            return run, []
        with open(history) as file:
            return run, list(csv.DictReader(file))


def make(path, wanted, run_one, processes=1):
    """Adds run_one(*cell) to the results for all cells in `wanted`, by name, that are not there yet."""
    results = read(path)
    missing = {name: cell for name, cell in wanted.items() if name not in results}
    with concurrent.futures.ThreadPoolExecutor(processes) as pool:
        futures = {pool.submit(run_one, *cell): name for name, cell in missing.items()}
        for future in concurrent.futures.as_completed(futures):
            results[futures[future]] = future.result()
            save(path, results)


def per_cent(ranking):
    return [round(100 * ranking[figure], 4) for figure in FIGURES]


def interval(differences):
    """95 % bootstrap interval of the mean."""
    draw = random.Random(1)
    means = sorted(statistics.mean(draw.choices(differences, k=len(differences))) for _ in range(4000))
    return means[100], means[3899]
