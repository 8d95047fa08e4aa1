"""Replay a failed run from its capsule: stopped before the failing cell, on any clone."""

from __future__ import annotations

import argparse
import json
import time
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from operation.engine.evidence.capsule.differs import differs_here
from operation.engine.evidence.capsule.live import live
from operation.engine.evidence.capsule.replay import Replay, check
from operation.engine.evidence.capsule.script import command, debug
from operation.engine.evidence.capsule.unpack import read_capsule, restore
from operation.engine.foundation.layout import project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``replay``."""
    parser.description = (
        "Restore what a failed run left as a project of its own under runs/replays/, say what differs here, "
        "and open its notebook in JupyterLab with a live kernel, stopped before the failing cell."
    )
    parser.epilog = "example: python3 -m operation replay capsule.zip --check"
    add = parser.add_argument
    add("capsule", type=Path, help="capsule.zip of a failed run")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--check", action="store_true", help="only say whether the same error arises: 0 or 1")
    how.add_argument("--script", action="store_true", help="the failing step alone, under pdb")
    add("--json", action="store_true", help="for programs")
    add("--no-browser", action="store_true", help="only print the address")


def run(args: argparse.Namespace) -> int:
    """Restore, say what differs, and replay."""
    here, clock = project(), time.perf_counter()
    capsule = read_capsule(args.capsule)
    replay = Replay(capsule, restore(capsule, here.runs / "replays"))
    facts = _facts(replay, differs_here(replay, here))
    if not args.json:
        print("\n".join(_lines(capsule.content, facts, args.capsule)), flush=True)
    if args.script:
        return _script(replay, facts, as_json=args.json)
    if args.check:
        return _check(replay, facts, clock, as_json=args.json)
    return _live(replay, facts, clock, args)


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
    place = ":".join(str(one) for one in (error["file"], error["line"]) if one)
    lines = [f"{capsule.name}: {facts['run']} failed in {facts['notebook']}, {place}: {error['type']}"]
    lines += [f"  differs here: {one}" for one in facts["differences"]] or ["  nothing differs here"]
    lines += [
        f"  not in it: {one['member']}: {one['reason']}; {one.get('where', '')}".rstrip("; ")
        for one in facts["left_out"]
    ]
    lines += [f"  a secret was masked in {one}" for one in facts["masked"]]
    return [*lines, f"  restored to {project().relative(Path(facts['project']))}"]


def _script(replay: Replay, facts: dict[str, Any], *, as_json: bool) -> int:
    if as_json:
        print(json.dumps({**facts, "command": command(replay)}, indent=1))
        return 0
    return debug(replay)


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
    if result["reproduced"]:
        return f"reproduced: {_shown(result['expected'])}"
    if result["found"] is None:
        return f"not reproduced: the failing cell succeeded (expected {_shown(result['expected'])})"
    return f"not reproduced: expected {_shown(result['expected'])}, found {_shown(result['found'])}"


def _shown(place: Mapping[str, Any]) -> str:
    where = ":".join(str(one) for one in (place["file"], place["line"]) if one)
    return f"{place['type']} at {where}"


def _live(replay: Replay, facts: dict[str, Any], clock: float, args: argparse.Namespace) -> int:
    with live(replay) as session:
        seconds = round(time.perf_counter() - clock, 1)
        if args.json:
            state = {"url": session.url, "kernel": session.kernel, "stopped": session.stopped}
            print(json.dumps({**facts, **state, "seconds": seconds}), flush=True)
        else:
            print(session.stopped or f"the failing cell is In [{replay.prompt}]; all before it was executed")
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
