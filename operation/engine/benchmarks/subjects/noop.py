"""A run in which nothing changed."""

from __future__ import annotations

import sys
from pathlib import Path

from operation.engine.benchmarks.contender import Command, Comparison, Contender
from operation.engine.benchmarks.graph import write_graph
from operation.engine.benchmarks.options import Options
from operation.engine.benchmarks.processes import execute
from operation.engine.benchmarks.tools import Tools


def comparisons(tools: Tools, options: Options) -> list[Comparison]:
    """Run the use case once; then nothing changes any more."""
    del options
    place = tools.workplace
    place.seed([tools.operation("run")])
    place.fresh()
    again = tools.operation("run")
    execute([again], "before measuring")
    found = [
        Contender("python3 -c pass", lambda _: [_nothing(place.folder)], "Python's own start", 0.03),
        Contender("workbench run", lambda _: [again], "", 0.15, proof="nothing to do"),
    ]
    remarks = ["Before each: the whole use case executed, nothing changed since."]
    if tools.peers:
        count, peers = _with_peers(tools)
        found += peers
        remarks.append(
            f"doit and DVC have a graph of the same {count} tasks, one for each step and each notebook, on "
            "files of the same number and size: code, outputs of steps, executed notebooks and pages. The "
            "workbench looks besides at packages, configuration, parameters and each function of the code."
        )
    title = "a run of the whole use case in which nothing changed"
    return [Comparison("noop", title, found, lambda _: place.as_it_is(), remarks)]


def _nothing(folder: Path) -> Command:
    outside = getattr(sys, "_base_executable", sys.executable)
    return Command([str(outside), "-c", "pass"], folder)


def _with_peers(tools: Tools) -> tuple[int, list[Contender]]:
    """Have doit and DVC execute the graph once each, in folders of their own."""
    place, count = tools.workplace, 0
    every = []
    for name, words, proof in (("doit", [], "-- all:"), ("dvc", ["repro"], "up to date")):
        folder = place.folder / name
        folder.mkdir()
        count = len(write_graph(place.project, place.layout.runs / "latest", folder))
        command = tools.peer(name, *words)
        quiet = {"DVC_NO_ANALYTICS": "1", "DVC_SITE_CACHE_DIR": str(folder / "site")}
        again = Command(command.words, folder, {**command.variables, **quiet})
        if name == "dvc":
            words_of_init = [*command.words[:1], "init", "--no-scm", "--quiet"]
            execute([Command(words_of_init, folder, again.variables)], "before measuring")
        execute([again], "before measuring")
        every.append(_peer(" ".join([name, *words]), again, proof))
    return count, every


def _peer(name: str, command: Command, proof: str) -> Contender:
    return Contender(name, lambda _: [command], "the same number of tasks and files", 1, proof=proof)
