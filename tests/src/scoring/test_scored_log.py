"""What was scored stays: through kills, cut-off lines, full disks and rotation, without what is redacted."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import score
from modelling import models
from scoring import scored_parts
from scoring.scored_form import Redaction
from scoring.scored_log import Limits, ScoredLog
from tabular import tables
from tests.src.requesting import request, rows
from tests.src.running import SRC, Trained, error_of, run
from tests.src.test_disk_full import on_a_small_disk


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def scored(trained: Trained, log: Path, *words: str, most: int = 7) -> list[dict[str, Any]]:
    score.init(["--model", str(trained.model), "--log", str(log), *words])
    sent = rows(trained)[:most]
    score.run(request(*sent[:3]), {"x-request-id": "first"})
    for number, row in enumerate(sent[3:]):
        score.run(request(row), {"x-request-id": f"alone-{number}"})
    opened = score.ready().log
    assert opened is not None
    opened.close()
    return sent


def test_every_row_is_kept_with_inputs_features_and_outputs(everything: Trained, log: Path) -> None:
    sent = scored(everything, log)
    kept = scored_parts.read(log)
    assert kept["request_id"].tolist() == ["first"] * 3 + [f"alone-{number}" for number in range(4)]
    assert kept["row"].tolist() == [0, 1, 2, 0, 0, 0, 0]
    assert set(kept["model_digest"]) == {models.read_facts(everything.model)["digest"]}
    assert kept["time"].is_monotonic_increasing
    inputs = kept.filter(regex="^input").rename(columns=lambda name: name.removeprefix("input."))
    given = pd.DataFrame(sent)
    assert inputs[given.columns].astype(object).where(inputs.notna(), None).to_dict("records") == sent
    model = models.load(everything.model)
    table = tables.read_table(everything.holdout).head(7)
    features = kept.filter(regex="^feature").to_numpy()
    assert features.tobytes() == model.features.transform(table).tobytes()
    assert (kept["output.probability_huge"].to_numpy() == model.predict(table)[:, 1]).all()


def test_lines_become_parquet_with_the_same_rows(everything: Trained, log: Path) -> None:
    scored(everything, log)
    before = scored_parts.read(log)
    made = scored_parts.compact(log)
    assert [file.suffix for file in log.iterdir()] == [".parquet"]
    assert made == list(log.iterdir())
    pd.testing.assert_frame_equal(scored_parts.read(log), before, check_dtype=False)


def test_a_kill_between_making_parquet_and_removing_lines_doubles_nothing(binary: Trained, log: Path) -> None:
    scored(binary, log)
    (lines,) = log.iterdir()
    content = lines.read_bytes()
    scored_parts.compact(log)
    lines.write_bytes(content)
    assert len(scored_parts.read(log)) == 7
    scored_parts.compact(log)
    assert [file.suffix for file in log.iterdir()] == [".parquet"]


def test_a_file_that_is_full_is_followed_by_the_next(binary: Trained, log: Path) -> None:
    spec = models.load(binary.model).features
    kept = ScoredLog(log, spec, Redaction(), Limits(sync_seconds=0.02, most_bytes=500))
    features = np.zeros((1, len(spec.sources)))
    model = {"name": None, "version": "1", "digest": "d"}
    for number in range(10):
        kept.add(str(number), model, [{"radius": 1}], features, [{"prediction": 0}])
        time.sleep(0.05)
    kept.close()
    until = time.monotonic() + 60
    while not list(log.glob("*.parquet")) and time.monotonic() < until:
        time.sleep(0.1)
    assert list(log.glob("*.parquet"))  # made by a process of its own
    assert scored_parts.read(log)["request_id"].astype(int).tolist() == list(range(10))


CHILD = """
import sys, json; sys.path.insert(0, {src!r})
import score
score.init(["--model", {model!r}, "--log", {log!r}])
body = open({body!r}).read()
for number in range(10**9):
    answer = score.run(body, {{"x-request-id": str(number)}})
    assert answer.status == 200
    print(number, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is a matter of POSIX")
def test_a_kill_loses_no_acknowledged_request(binary: Trained, log: Path, tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text(request(rows(binary)[0]), encoding="utf-8")
    code = CHILD.format(src=str(SRC), model=str(binary.model), log=str(log), body=str(body))
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    acknowledged = [int(child.stdout.readline()) for _ in range(300)]
    child.send_signal(signal.SIGKILL)
    acknowledged += [int(line) for line in child.stdout.read().splitlines() if line]
    child.wait()
    kept = set(scored_parts.read(log)["request_id"].astype(int))
    assert set(acknowledged[:-1]) <= kept
    assert acknowledged[-1] in kept or not str(acknowledged[-1]).isdecimal()


def test_a_line_that_was_cut_off_is_left_out(binary: Trained, log: Path) -> None:
    scored(binary, log)
    (lines,) = log.iterdir()
    for cut in (1, 10, 200):
        lines.write_bytes(lines.read_bytes()[:-cut])
        assert len(scored_parts.read(log)) == 6


BROKEN = [
    b"\xff\xfe{\x00",
    b'{"time": "2020-01-01", "request": \xef\xbb\xbf{"data": []}}',
    b"{}",
    b"[1]",
    b'{"features": "00"}',
    b"[" * 100_000,
    b"\x00" * 50,
    b"",
]


@pytest.mark.parametrize("line", BROKEN, ids=range(len(BROKEN)))
def test_a_record_that_cannot_be_read_is_set_aside_and_counted(
    line: bytes, binary: Trained, log: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scored(binary, log)
    (lines,) = log.iterdir()
    head, *records = lines.read_bytes().splitlines(keepends=True)
    lines.write_bytes(b"".join([head, records[0], line + b"\n", *records[1:]]))
    table, unreadable = scored_parts.read_counted(log)
    assert (len(table), unreadable) == (7, 1)
    scored_parts.read(log)
    assert caplog.messages == [f"{log}: 1 unreadable records were skipped"]
    scored_parts.compact(log)
    assert sorted(file.suffix for file in log.iterdir()) == [".parquet", ".unreadable"]
    table, unreadable = scored_parts.read_counted(log)
    assert (len(table), unreadable) == (7, 1)
    labelled(log, pd.DataFrame({"request_id": ["alone-0"], "label": [1]}))
    metrics = json.loads((tmp_path / "joined" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["unreadable_records"] == 1


def test_a_log_without_its_first_line_holds_nothing_that_can_be_read(binary: Trained, log: Path) -> None:
    scored(binary, log)
    (lines,) = log.iterdir()
    lines.write_bytes(b"".join(lines.read_bytes().splitlines(keepends=True)[1:]))
    assert error_of(scored_parts.read, log) == (
        f"{log} holds no scored rows (5 unreadable records): name the log of a service or of batch_score"
    )


def test_whether_the_log_can_be_written_is_tried(
    binary: Trained, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score.init(["--model", str(binary.model)])
    assert score.can_log()
    for mode, expected in (("refuse", False), ("answer", True)):
        score.init(["--model", str(binary.model), "--log", str(log), "--log-full", mode])
        assert score.can_log()
        before = [file.name for file in log.iterdir()]
        with monkeypatch.context() as patched:
            patched.setattr(tempfile, "TemporaryFile", no_space)
            assert score.can_log() is expected
        assert [file.name for file in log.iterdir()] == before


def no_space(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_what_is_redacted_is_nowhere_in_the_log(everything: Trained, log: Path) -> None:
    words = ["--log-leave-out", "radius", "--log-hash", "size", "day"]
    sent = scored(everything, log, *words)
    kept = scored_parts.read(log)
    assert "input.radius" not in kept
    assert not {"feature.radius", "feature.size", "feature.size & ward", "feature.day month"} & set(kept)
    assert {"feature.texture", "feature.rough & ward"} <= set(kept)
    assert kept["input.size"].nunique() == pd.Series([row["size"] for row in sent]).nunique()
    text = "".join(file.read_text(encoding="utf-8") for file in log.glob("*.jsonl"))
    assert not [row["day"] for row in sent if str(row["day"]) in text or str(row["radius"]) in text]
    assert (log / "hash.key").stat().st_size == 64


def test_a_column_that_cannot_be_redacted(binary: Trained, log: Path) -> None:
    assert (
        error_of(scored, binary, log, "--log-hash", "raduis")
        == "--log-hash: the model has no column 'raduis' (did you mean 'radius'?)"
    )


def test_what_cannot_be_logged_is_not_answered_unless_asked(
    binary: Trained, log: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for mode, status in (("refuse", 503), ("answer", 200)):
        scored(binary, log, "--log-full", mode)
        score.init(["--model", str(binary.model), "--log", str(log), "--log-full", mode])
        write = os.write  # bound now: the patched one calls it
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", lambda file, line, write=write: write(file, line[:50]))
            answer = score.run(request(rows(binary)[0]))
        assert (answer.status, answer.lost) == (status, True)
        assert "could not be logged: the disk is full" in caplog.text
        assert score.run(request(rows(binary)[0]), {"x-request-id": f"after-{mode}"}).status == 200
        assert f"after-{mode}" in set(scored_parts.read(log)["request_id"])


FULL = """
import sys; sys.path.insert(0, sys.argv[1])
import score
from pathlib import Path
score.init(["--model", sys.argv[2], "--log", sys.argv[3]])
body = Path(sys.argv[4]).read_text()
statuses = [score.run(body).status for _ in range(200)]
from scoring import scored_parts
kept = len(scored_parts.read(Path(sys.argv[3])))
raise SystemExit(0 if 0 < kept == statuses.count(200) and statuses[-1] == 503 else f"{kept} {statuses}")
"""


def test_a_disk_that_is_really_full_loses_nothing_acknowledged(binary: Trained, tmp_path: Path) -> None:
    disk, body = tmp_path / "disk", tmp_path / "body.json"
    disk.mkdir()
    body.write_text(request(rows(binary)[0]), encoding="utf-8")
    done = on_a_small_disk(disk, sys.executable, "-c", FULL, SRC, binary.model, disk, body)
    assert done.returncode == 0, done.stderr


FULL_AT_FIRST = """
import os, sys; sys.path.insert(0, sys.argv[1])
import score
from pathlib import Path
log, body = Path(sys.argv[3]), Path(sys.argv[4]).read_text()
filler = os.open(log / "filler", os.O_WRONLY | os.O_CREAT)
try:
    while True:
        os.write(filler, bytes(64))
except OSError:
    os.ftruncate(filler, 4096)
score.init(["--model", sys.argv[2], "--log", str(log)])
assert not score.can_log()
statuses = [score.run(body).status]
(log / "filler").unlink()
os.close(filler)
statuses += [score.run(body).status]
from scoring import scored_parts
raise SystemExit(0 if statuses == [503, 200] and len(scored_parts.read(log)) == 1 else str(statuses))
"""


def test_a_disk_that_is_full_at_first_is_waited_for(binary: Trained, tmp_path: Path) -> None:
    disk, body = tmp_path / "disk", tmp_path / "body.json"
    disk.mkdir()
    body.write_text(request(rows(binary)[0]), encoding="utf-8")
    done = on_a_small_disk(disk, sys.executable, "-c", FULL_AT_FIRST, SRC, binary.model, disk, body)
    assert done.returncode == 0, done.stderr


def labelled(log: Path, labels: pd.DataFrame, *words: str) -> pd.DataFrame:
    file, joined = log.parent / "labels.csv", log.parent / "joined"
    labels.to_csv(file, index=False)
    run("join_outcomes", "--log", log, "--labels", file, "--joined", joined, *words)
    return tables.read_table(joined)


def test_labels_that_arrive_later_are_joined(binary: Trained, log: Path) -> None:
    sent = scored(binary, log)
    labels = pd.DataFrame({"request_id": ["alone-2", "alone-0", "alone-2"], "label": [1, 0, 0]})
    joined = labelled(log, labels)
    assert joined.set_index("request_id")["label"].dropna().to_dict() == {"alone-0": 0, "alone-2": 0}
    assert len(joined) == 7
    of_rows = pd.DataFrame({"request_id": ["first", "first"], "row": [0, 2], "label": ["a", "b"]})
    assert labelled(log, of_rows)["label"].tolist()[:3] == ["a", None, "b"]
    by_input = pd.DataFrame({"radius": [sent[1]["radius"]], "came": [5.0]})
    joined = labelled(log, by_input, "--key", "radius", "--label", "came")
    assert joined["label"].notna().tolist() == [row["radius"] == sent[1]["radius"] for row in sent]


def test_a_label_for_a_request_of_several_rows(binary: Trained, log: Path) -> None:
    scored(binary, log)
    assert error_of(labelled, log, pd.DataFrame({"request_id": ["first"], "label": [1]})) == (
        "--labels: request first has several rows but one label: add the column row to the labels"
    )
    assert (
        error_of(labelled, log, pd.DataFrame({"raduis": [1], "label": [1]}), "--key", "raduis")
        == "--key: the log has no column 'raduis' (did you mean 'radius'?)"
    )


def test_a_folder_that_is_no_log(tmp_path: Path) -> None:
    assert error_of(scored_parts.read, tmp_path) == (
        f"{tmp_path} holds no scored rows: name the log of a service or of batch_score"
    )


def test_a_record_is_one_line_of_json(binary: Trained, log: Path) -> None:
    scored(binary, log, most=4)
    (file,) = log.glob("*.jsonl")
    head, first, _ = file.read_text(encoding="utf-8").splitlines()
    assert json.loads(head) == {"features": ["radius", "texture", "size", "day weekday"]}
    record = json.loads(first)
    assert list(record) == ["time", "request_id", "model", "outputs", "features", "inputs"]
    assert np.frombuffer(bytes.fromhex(record["features"]), dtype="<f8").shape == (12,)


def test_a_request_is_kept_as_it_came_where_nothing_is_redacted(binary: Trained, log: Path) -> None:
    score.init(["--model", str(binary.model), "--log", str(log)])
    row = rows(binary)[0]
    for number, body in enumerate(
        (json.dumps({"data": row}), request(row, row), json.dumps({"data": row}, indent=1))
    ):
        assert score.run(body.encode(), {"x-request-id": str(number)}).status == 200
    kept = scored_parts.read(log)
    assert kept["request_id"].tolist() == ["0", "1", "1", "2"]
    assert len(kept.drop(columns=["time", "request_id", "row"]).drop_duplicates()) == 1
    assert kept["input.radius"].tolist() == [row["radius"]] * 4
    text = next(log.glob("*.jsonl")).read_text(encoding="utf-8")
    assert [('"request": {"data"' in line) for line in text.splitlines()[1:]] == [True, True, False]
