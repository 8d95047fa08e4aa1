"""A batch larger than memory: in parts, resumed by part, with the bits of the whole."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import batch_score
from modelling import models
from scoring import scored_parts
from support import step
from tabular import batch_parts, tables
from tests.src.running import SRC, Trained, contents, error_of, run

ROWS = int(os.environ.get("WORKBENCH_BATCH_ROWS", "24000"))


def score(trained: Trained, table: Path, out: Path, *words: object) -> pd.DataFrame:
    run("batch_score", "--model", trained.model, "--table", table, "--scores", out, *words)
    return tables.read_table(out)


def split(table: pd.DataFrame, folder: Path, cuts: list[int], group: int) -> Path:
    """Write `table` as files that end at `cuts`, in row groups of `group` rows."""
    folder.mkdir()
    for number, (low, high) in enumerate(zip([0, *cuts], [*cuts, len(table)], strict=True)):
        whole = pa.Table.from_pandas(table.iloc[low:high], preserve_index=False)
        pq.write_table(whole, folder / f"{number:03d}.parquet", row_group_size=group)
    return folder


def test_parts_are_the_whole(everything: Trained, tmp_path: Path) -> None:
    table = tables.read_table(everything.holdout)
    words = ["--keep", "day", "ward", "texture", "--log"]
    whole = score(everything, everything.holdout, tmp_path / "whole", *words)
    source = split(table, tmp_path / "source", [10, 11, 60], group=7)
    parts = score(everything, source, tmp_path / "parts", *words, "--part-rows", 25)
    files = [f"part-{number:05d}.parquet" for number in range(5)]
    assert sorted(file.name for file in (tmp_path / "parts").iterdir()) == ["log", "metrics.json", *files]
    pd.testing.assert_frame_equal(parts, whole, check_exact=True)
    metrics = step.read_json(tmp_path / "parts" / "metrics.json")
    assert metrics == step.read_json(tmp_path / "whole" / "metrics.json")
    one, other = (scored_parts.read(tmp_path / name / "log") for name in ("whole", "parts"))
    differing = ["request_id", "row"]
    pd.testing.assert_frame_equal(
        one.drop(columns=differing), other.drop(columns=differing), check_exact=True
    )


def test_what_fits_into_one_part_is_written_as_ever(binary: Trained, tmp_path: Path) -> None:
    score(binary, binary.holdout, tmp_path / "a", "--keep", "day")
    score(binary, binary.holdout, tmp_path / "b", "--keep", "day", "--part-rows", 144)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    model, table = models.load(binary.model), tables.read_table(binary.holdout)
    expected = pd.DataFrame({"day": table["day"]})
    probability = model.predict(table)[:, 1]
    chosen = np.array(["benign", "malignant"], dtype=object)[(probability >= 0.5).astype(int)]
    tables.write_table(expected.assign(prediction=chosen, probability=probability), tmp_path / "c")
    assert (tmp_path / "c").read_bytes() == (tmp_path / "a" / "table.parquet").read_bytes()


def test_the_mean_of_parts_is_that_of_the_whole(binary: Trained, tmp_path: Path) -> None:
    score(binary, binary.holdout, tmp_path / "a")
    score(binary, binary.holdout, tmp_path / "b", "--part-rows", 10)
    one, other = (step.read_json(tmp_path / name / "metrics.json") for name in "ab")
    assert other == {"rows": 144.0, "mean_probability": pytest.approx(one["mean_probability"], rel=1e-14)}


@settings(deadline=None)
@given(data=st.data())
def test_whatever_the_files_and_groups_every_row_comes_once_and_in_order(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = data.draw(st.integers(1, 60))
    cuts = sorted(data.draw(st.sets(st.integers(0, rows), max_size=4)))
    folder = tmp_path_factory.mktemp("source") / "s"
    split(pd.DataFrame({"x": range(rows), "y": 0}), folder, cuts, data.draw(st.integers(1, 70)))
    part_rows = data.draw(st.integers(1, 70))
    first = data.draw(st.integers(0, rows // part_rows + 1))
    source = batch_parts.Source(tuple(sorted(folder.iterdir())), ("x",), part_rows)
    found = {number: part["x"].to_pylist() for number, part in source.parts(first)}
    starts = range(first * part_rows, rows, part_rows)
    expected = [list(range(start, min(start + part_rows, rows))) for start in starts]
    assert list(found.values()) == expected
    assert list(found) == list(range(first, first + len(expected)))


def test_an_attempt_that_failed_is_gone_on_with(
    binary: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["--part-rows", 30, "--resume", tmp_path / "done"]
    scores, calls = batch_score.scores, []

    def failing(*args: object) -> pd.DataFrame:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return scores(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(batch_score, "scores", failing)
    with pytest.raises(KeyboardInterrupt):
        score(binary, binary.holdout, tmp_path / "out", *words)
    assert not (tmp_path / "out").exists()
    score(binary, binary.holdout, tmp_path / "out", *words)
    assert len(calls) == 4 + 2
    assert not (tmp_path / "done").exists()
    score(binary, binary.holdout, tmp_path / "fresh", "--part-rows", 30)
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")


def test_parts_of_another_batch_are_not_gone_on_with(binary: Trained, tmp_path: Path) -> None:
    parts = batch_parts.Parts(tmp_path / "done", "one key")
    parts.write(0, pa.table({"x": [1]}))
    assert batch_parts.Parts(tmp_path / "done", "one key").done == 1
    assert batch_parts.Parts(tmp_path / "done", "another").done == 0
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years", encoding="utf-8")
    assert error_of(batch_parts.Parts, tmp_path / "mine", "a key") == (
        f"--resume: {tmp_path / 'mine'} holds 'thesis.txt', which this step does not write: "
        "name another folder"
    )
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_another_table_has_another_key(binary: Trained, tmp_path: Path) -> None:
    table = tables.read_table(binary.holdout)
    keys = set()
    for number, changed in enumerate((table, table.iloc[::-1], table.assign(radius=table["radius"] + 1e-9))):
        folder = split(changed, tmp_path / str(number), [], 50)
        source = batch_parts.source(folder, ["radius"], 10)
        assert source is not None
        keys |= {source.key("digest"), source.key("other digest")}
    assert len(keys) == 6


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is a matter of POSIX")
def test_a_killed_batch_is_gone_on_with(binary: Trained, tmp_path: Path) -> None:
    words = ["--part-rows", "3", "--resume", str(tmp_path / "done")]
    given = ["--model", str(binary.model), "--table", str(binary.holdout), "--scores", str(tmp_path / "out")]
    command = [sys.executable, str(SRC / "batch_score.py"), *given, *words]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not list((tmp_path / "done").glob("part-*.parquet")) and time.monotonic() < until:
        time.sleep(0.002)
    child.send_signal(signal.SIGKILL)
    child.wait()
    score(binary, binary.holdout, tmp_path / "out", *words)
    score(binary, binary.holdout, tmp_path / "fresh", "--part-rows", 3)
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")


# getrusage would tell the peak of the process that started this one
MEASURED = """
import json, re, sys, time; sys.path.insert(0, sys.argv[1])
import batch_score, modelling.models, pandas, pyarrow.parquet, sklearn.ensemble, threadpoolctl
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
before, started = peak(), time.perf_counter()
batch_score.main(sys.argv[2:])
seconds = time.perf_counter() - started
print(json.dumps({"kilobytes": peak() - before, "seconds": seconds}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peaks are told by Linux")
def test_memory_does_not_grow_with_the_table(flights: Trained, tmp_path: Path) -> None:
    table = tables.read_table(flights.holdout)
    grown = []
    for times in (1, 4):
        file = tmp_path / f"{times}.parquet"
        many = pa.Table.from_pandas(
            table.sample(ROWS // 4, replace=True, random_state=0), preserve_index=False
        )
        with pq.ParquetWriter(file, many.schema) as writer:
            for _ in range(times):
                writer.write_table(many, row_group_size=2000)
        words = ["--model", flights.model, "--table", file, "--scores", tmp_path / f"out-{times}"]
        command = [sys.executable, "-c", MEASURED, SRC, *words, "--part-rows", 2000]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
        measured = json.loads(done.stdout.splitlines()[-1])
        print(f"{times * len(many)} rows: {measured}")
        grown.append(measured["kilobytes"])
    assert grown[1] < grown[0] * 1.3 + 20_000, grown
