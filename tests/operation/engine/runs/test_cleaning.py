"""Cleaning: what is old goes, what a kept run refers to never does."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from operation import cli
from operation.engine.foundation.layout import Layout
from operation.engine.runs.cleaning import human, plan_cleaning, remove
from tests.operation.engine.conftest import write

DAY = 86_400


def _run(layout: Layout, name: str, days: float, keys: list[str], **content: object) -> None:
    """Write a run that began `days` ago, and the entries of its steps."""
    started = datetime.now(UTC) - timedelta(days=days)
    record = {
        "kind": "run",
        "status": "succeeded",
        "use_case": "tiny",
        "environment": "DEV",
        "started": started.isoformat(),
        "notebooks": [],
        "steps": [{"key": key} for key in keys],
    }
    write(layout, f"runs/{name}/manifest.json", json.dumps({**record, **content}))
    for key in keys:
        _old(write(layout, f"runs/store/{key}/out/a.txt", "x" * 1000).parents[1], days)


def _old(path: Path, days: float) -> Path:
    for one in [*path.rglob("*"), path]:
        os.utime(one, (time.time() - days * DAY,) * 2)
    return path


def _gone(layout: Layout, days: float, limit: float | None = None) -> set[str]:
    return {one.path.name for one in plan_cleaning(layout, days, limit).removable}


def test_what_a_kept_run_refers_to_stays(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    _run(layout, "oldest", 90, ["shared", "only-old"])
    _run(layout, "middle", 60, ["shared", "middle"])
    _run(layout, "newest", 1, ["shared", "new"])
    assert _gone(layout, 30) == {"oldest", "middle", "only-old"} | {"middle"}
    assert _gone(layout, 70) == {"oldest", "only-old"}


def test_the_newest_and_the_newest_that_succeeded_of_each_kind_stay(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    _run(layout, "good-dev", 90, ["a"])
    _run(layout, "good-test", 80, ["b"], environment="TEST")
    _run(layout, "bad-dev", 70, ["c"], status="failed")
    _run(layout, "killed", 60, ["d"], status="running")
    _run(layout, "bad-new", 50, ["e"], status="failed")
    assert _gone(layout, 30) == {"bad-dev", "c", "killed", "d"}


def test_a_run_that_gave_a_notebook_to_a_kept_one_stays(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    _run(layout, "first", 90, ["a"])
    _run(layout, "second", 80, ["b"], notebooks=[{"reused_from": "first"}])
    _run(layout, "third", 1, ["c"], notebooks=[{"reused_from": "second"}, {"name": "x"}])
    assert _gone(layout, 30) == set()


def test_a_run_that_still_executes_keeps_what_its_steps_gave(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    _run(layout, "running", 0, [], status="running")
    write(layout, "runs/running/steps/1-count.json", '{"key": "a"}')
    _old(write(layout, "runs/store/a/out/a.txt", "x").parents[1], 90)
    assert _gone(layout, 30) == set()


def test_size_takes_the_oldest_that_nobody_refers_to(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    _run(layout, "run", 1, ["kept"])
    for days in (5, 4, 3):
        _old(write(layout, f"runs/store/free-{days}/out/a.txt", "x" * 1000).parents[1], days)
    assert _gone(layout, 30) == set()
    assert _gone(layout, 30, 2500) == {"free-5", "free-4"}
    assert _gone(layout, 30, 0) == {"free-5", "free-4", "free-3"}


def test_certificates_replays_and_leftovers_go_and_so_does_what_is_remembered(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    _run(layout, "old", 90, [])
    _run(layout, "new", 1, [])
    for name in ("certificates/a", "replays/b", f"store/.partial/k-{2**22 + 1}-x"):
        _old(write(layout, f"runs/{name}/a.txt", "x").parent, 90)
    for name in ("old", "new"):
        write(layout, f"runs/notebooks/{name}.json", json.dumps({"run": name}))
    cleaning = plan_cleaning(layout, 30)
    assert [one.kind for one in cleaning.removable] == ["run", "certificate", "replay", "leftover"]
    remove(layout, cleaning)
    assert plan_cleaning(layout, 30).removable == []
    assert [one.name for one in (layout.runs / "notebooks").iterdir()] == ["new.json"]
    assert list((layout.store / ".partial").iterdir()) == []


def test_the_command_says_what_goes_and_a_dry_run_removes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    layout = Layout(tmp_path)
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    assert cli.main(["clean"]) == 0
    assert capsys.readouterr().out == "nothing to remove; kept: 0 runs and everything they refer to.\n"
    _run(layout, "new", 1, ["a"])
    for key in ("b", "c"):
        _old(write(layout, f"runs/store/{key}/out/a.txt", "x" * 1000).parents[1], 90)
    expected = (
        "      1.0 kB  store entry runs/store/b\n"
        "      1.0 kB  store entry runs/store/c\n"
        "{} 2.0 kB: 2 store entries; kept: 1 run and everything they refer to.\n"
    )
    assert cli.main(["clean", "--older-than", "30", "--dry-run"]) == 0
    assert _sorted(capsys.readouterr().out) == _sorted(expected.format("would free"))
    assert (layout.store / "b").is_dir()
    assert cli.main(["clean", "--older-than", "30"]) == 0
    assert _sorted(capsys.readouterr().out) == _sorted(expected.format("freeing"))
    assert [one.name for one in layout.store.glob("?")] == ["a"]
    assert cli.main(["clean", "--older-than", "-1"]) == 2
    assert "expected 0 or more, got -1" in capsys.readouterr().err


def _sorted(text: str) -> list[str]:
    return sorted(text.splitlines())


@pytest.mark.parametrize(
    ("size", "said"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2e9, "2.0 GB"), (3e12, "3.0 TB")],
)
def test_sizes_are_as_people_read_them(size: float, said: str) -> None:
    assert human(size) == said
