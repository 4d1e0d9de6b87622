"""Serves one peer to the benchmark's driver: commands on standard input, a line of JSON for each.

Usage: python -m peers.serve MODULE
  start JSON      a piece of work: its own process, forked after the imports, answers until `quit`
  check FOLDER    F.npy, gx.npy and (where the method has it) gz.npy of the first UL iteration
  time COUNT      seconds of COUNT UL iterations, each from the start
  quit            peak resident memory of the process
"""

import importlib
import json
import os
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from peers.work import Work, load


def _say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


def peak_bytes() -> int:
    """Peak resident memory of this process (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    return 0


def _check(contestant: Any, folder: Path) -> dict[str, Any]:
    check = contestant.check()
    np.save(folder / "F.npy", check.F)
    np.save(folder / "gx.npy", check.gx)
    if check.gz is not None:
        np.save(folder / "gz.npy", check.gz)
    return {"kbar": check.kbar}


def _time(contestant: Any, count: int) -> dict[str, Any]:
    seconds, kbar = [], None
    for _ in range(count):
        contestant.reset()
        began = time.perf_counter()
        kbar = contestant.iterate()
        seconds.append(time.perf_counter() - began)
    return {"kbar": kbar, "seconds": seconds}


def _answer_until_quit(module: ModuleType, request: dict[str, Any]) -> None:
    work = Work(**{**request["work"], "sizes": tuple(request["work"]["sizes"])})
    contestant = module.Contestant(work, load(work), request["threads"], request["options"])
    _say({"ready": True, "versions": module.VERSIONS})
    for line in sys.stdin:
        word, *arguments = line.split()
        if word == "check":
            contestant.reset()
            _say(_check(contestant, Path(arguments[0])))
        elif word == "time":
            _say(_time(contestant, int(arguments[0])))
        else:
            break
    _say({"peak_bytes": peak_bytes()})


def _run_child(module: ModuleType, line: str) -> None:
    """The forked process; whatever goes wrong becomes an answer."""
    try:
        _answer_until_quit(module, json.loads(line))
    except Exception as error:  # the driver reports it and goes on without this peer
        _say({"error": f"{type(error).__name__}: {error}".splitlines()[0]})
    sys.stdout.flush()
    os._exit(0)


def main() -> None:
    """Imports the peer once, then forks a process for every piece of work."""
    module = importlib.import_module(f"peers.{sys.argv[1]}")
    _say({"ready": True, "versions": module.VERSIONS})
    while line := sys.stdin.readline():
        child = os.fork()
        if child == 0:
            _run_child(module, line.removeprefix("start "))
        _, status = os.waitpid(child, 0)
        if status != 0:
            _say({"error": f"the process ended with status {status} (out of memory?)"})


if __name__ == "__main__":
    main()
