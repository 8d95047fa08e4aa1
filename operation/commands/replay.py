"""Replay a failed run from its capsule: stopped before the failing cell, on any clone."""

import argparse
import json
import os
import sys
import time
import webbrowser
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from operation.commands.options import add_choice, add_json
from operation.engine import configuration
from operation.engine.evidence.capsule.differs import differs_here
from operation.engine.evidence.capsule.group import live_group
from operation.engine.evidence.capsule.live import Live, live
from operation.engine.evidence.capsule.replay import Replay, check
from operation.engine.evidence.capsule.script import command, debug
from operation.engine.evidence.capsule.unpack import read_capsule, restore
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout, project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``replay``."""
    parser.description = (
        "Restore a failed run from its capsule as a project under runs/replays/, list what differs on this "
        "machine, and open its notebook in JupyterLab with a live kernel, stopped before the failing cell. "
        "Its code is executed only once you agree."
    )
    parser.epilog = (
        "examples:\n  python3 -m operation replay capsule.zip --check --yes\n"
        "  python3 -m operation replay --group '12 & 101' --use-case demand"
    )
    add = parser.add_argument
    add("capsule", type=Path, nargs="?", help="capsule.zip of a failed run")
    alone = "instead: train this group of a use case alone in JupyterLab, and raise what speaks against it"
    add("--group", metavar="NAME", help=f"{alone}, e.g. 12-101")
    add_choice(parser)
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--check", action="store_true", help="only test whether the same error arises: exit code 0 or 1"
    )
    how.add_argument("--script", action="store_true", help="run the failing step alone, under pdb")
    add("--yes", action="store_true", help="execute the code of the capsule without asking")
    add(
        "--pass",
        dest="passed",
        action="append",
        default=[],
        metavar="NAME",
        help="pass on this environment variable of yours, such as a password; may be repeated",
    )
    add_json(parser)
    add("--no-browser", action="store_true", help="print the address, open no browser")


def run(args: argparse.Namespace) -> int:
    """Restore, list what differs, and replay once a person agrees."""
    here, clock = project(), time.perf_counter()
    if args.group or not args.capsule:
        return _group(args, here, clock)
    _check_passed(args.passed)
    capsule = read_capsule(args.capsule)
    replay = Replay(capsule, restore(capsule, here.runs / "replays"), args.passed)
    facts = _facts(replay, differs_here(replay, here))
    if not args.json:
        print("\n".join(_lines(capsule.content, facts, args.capsule)), flush=True)
    if args.script and args.json:
        print(json.dumps({**facts, "command": command(replay)}, indent=1))
        return 0
    if not (args.yes or _agreed(args)):
        print("nothing was executed")
        return 1
    if args.script:
        return debug(replay)
    if args.check:
        return _check(replay, facts, clock, as_json=args.json)
    return _live(live(replay), facts, clock, args)


def _group(args: argparse.Namespace, here: Layout, clock: float) -> int:
    """Train one group of a use case alone, in JupyterLab."""
    if args.capsule or not args.group or args.check or args.script or args.passed:
        raise UsageError("Name the capsule.zip of a failed run, or a group by --group alone.")
    configured = configuration.load(args.environment, args.use_case, here)
    return _live(live_group(here, configured, args.group), {"group": args.group}, clock, args)


def _check_passed(names: Sequence[str]) -> None:
    unset = [name for name in names if name not in os.environ]
    if unset:
        raise UsageError(f"--pass {unset[0]}: no such environment variable is set. Set it, then rerun.")


def _agreed(args: argparse.Namespace) -> bool:
    """Ask whether the code may be executed."""
    if args.json or not sys.stdin.isatty():
        raise UsageError(
            f"{args.capsule.name} holds code, and nobody is there to agree to it: nothing was executed. "
            "Read what differs and the restored project, then add --yes."
        )
    return input("Execute the code of this capsule here? [y/N] ").strip().lower() in {"y", "yes"}


def _facts(replay: Replay, differences: list[str]) -> dict[str, Any]:
    content = replay.capsule.content
    return {
        "run": content["id"],
        "project": str(replay.layout.root),
        "notebook": replay.capsule.notebook,
        "in": replay.prompt,
        "differences": differences,
        "left_out": content["left_out"],
        "masked": content["masked"],
    }


def _lines(content: Mapping[str, Any], facts: Mapping[str, Any], capsule: Path) -> list[str]:
    error = content["error"]
    location = ":".join(str(part) for part in (error["file"], error["line"]) if part)
    lines = [f"{capsule.name}: {facts['run']} failed in {facts['notebook']}, {location}: {error['type']}"]
    lines += [f"  differs here: {line}" for line in facts["differences"]] or ["  nothing differs here"]
    lines += [
        f"  not included: {entry['member']}: {entry['reason']}; {entry.get('where', '')}".rstrip("; ")
        for entry in facts["left_out"]
    ]
    lines += [f"  a secret was masked in {member}" for member in facts["masked"]]
    lines += [f"  restored to {project().relative(Path(facts['project']))}"]
    return ["".join(char if char.isprintable() else "?" for char in line) for line in lines]


def _check(replay: Replay, facts: dict[str, Any], clock: float, *, as_json: bool) -> int:
    result = check(replay)
    seconds = round(time.perf_counter() - clock, 1)
    if as_json:
        print(json.dumps({**facts, **result, "seconds": seconds}, indent=1))
    else:
        print(f"{verdict(result)} ({seconds} s)")
    return 0 if result["reproduced"] else 1


def verdict(result: Mapping[str, Any]) -> str:
    """Return one sentence about the result of ``check``."""
    expected, found = result["expected"], result["found"]
    if result["reproduced"]:
        return f"reproduced: {_location(expected)}"
    if found is None:
        return f"not reproduced: the failing cell succeeded (expected {_location(expected)})"
    if _location(expected) == _location(found) and expected["message"] not in {"", found["message"]}:
        return f"not reproduced: {_location(found)}, with another message: {found['message']!r}"
    return f"not reproduced: expected {_location(expected)}, found {_location(found)}"


def _location(failure: Mapping[str, Any]) -> str:
    where = ":".join(str(part) for part in (failure["file"], failure["line"]) if part)
    return f"{failure['type']} at {where}"


def _live(
    opened: AbstractContextManager[Live], facts: dict[str, Any], clock: float, args: argparse.Namespace
) -> int:
    with opened as session:
        seconds = round(time.perf_counter() - clock, 1)
        if args.json:
            state = {"url": session.url, "kernel": session.kernel, "stopped": session.stopped}
            print(json.dumps({**facts, **state, "seconds": seconds}), flush=True)
        else:
            before = (
                f"Stopped before the failing cell In [{facts.get('in')}]; all cells before it are executed."
            )
            print(session.stopped or before)
            print(f"{session.url}\nready after {seconds} s; Ctrl-C ends it", flush=True)
        if not args.no_browser:
            webbrowser.open(session.url)
        _wait()
    return 0


def _wait() -> None:
    """Wait for Ctrl-C: it is how a session ends, not an interruption."""
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        return
