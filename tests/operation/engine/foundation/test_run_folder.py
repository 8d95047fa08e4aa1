"""The folders of runs: none is taken twice, and their names say which was first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from operation.engine.foundation import run_folder as folder

RUNS = 200


def test_runs_of_the_same_second_sort_as_they_began(tmp_path: Path) -> None:
    names = [folder.new(tmp_path, "tiny", "DEV").path.name for _ in range(RUNS)]
    assert sorted(names) == names
    assert len({name[:15] for name in names}) < RUNS


def test_runs_that_begin_together_have_folders_of_their_own(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: folder.new(tmp_path, "tiny", "DEV").path, range(RUNS)))
    assert set(made) == set(tmp_path.iterdir())
    assert len(set(made)) == RUNS
