"""Labels that arrive are kept, and all of them are joined with what was scored."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from operation import cli

MODEL = {"name": None, "version": "1", "digest": "d"}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Three requests of one row."""
    folder = tmp_path / "log"
    folder.mkdir()
    lines = [json.dumps({"features": ["x"]})]
    for number in range(3):
        head = {"time": f"2026-01-01T00:00:0{number}+00:00", "request_id": f"r{number}", "model": MODEL}
        row = {"inputs": [{"x": number}], "features": "00" * 8, "outputs": [{"prediction": 0.5}]}
        lines.append(json.dumps({**head, **row}))
    (folder / "00000000000000000001-1.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def labels(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def test_labels_add_up(log: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    first = labels(tmp_path, "first.csv", "request_id,label\nr0,1\nr1,0\nr9,1\n")
    assert cli.main(["outcomes", "add", first, "--log", str(log)]) == 0
    assert "2 of 3 scored rows have a label, of 3 labels\n" in capfd.readouterr().out
    second = labels(tmp_path, "second.csv", "request_id,label\nr2,1\nr1,1\n")
    assert cli.main(["outcomes", "add", second, "--log", str(log)]) == 0
    joined = pd.read_parquet(log / "joined" / "table.parquet")
    assert joined.set_index("request_id")["label"].to_dict() == {"r0": 1, "r1": 1, "r2": 1}
    assert {"input.x", "feature.x", "output.prediction", "model_digest"} <= set(joined)


def test_labels_that_cannot_be_joined_are_not_kept(
    log: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    wrong = labels(tmp_path, "wrong.csv", "request,label\nr0,1\n")
    assert cli.main(["outcomes", "add", wrong, "--log", str(log)]) == 1
    said = capfd.readouterr().err
    assert "--labels: there is no column 'request_id' (did you mean 'request'?)" in said
    assert list((log / "labels").iterdir()) == []
    right = labels(tmp_path, "right.csv", "request_id,label\nr0,1\n")
    assert cli.main(["outcomes", "add", right, "--log", str(log)]) == 0


def test_what_is_no_file_of_labels(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["outcomes", "add", str(tmp_path / "labels.xlsx"), "--log", str(log)]) == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path / 'labels.xlsx'} is no .csv or .parquet file. Name a file of labels\n"
    )
    assert cli.main(["outcomes", "add", str(tmp_path / "labels.csv"), "--log", str(log)]) == 2
    assert capsys.readouterr().err == (
        f"error: there is no file {tmp_path / 'labels.csv'}. Name a file of labels\n"
    )
    assert cli.main(["outcomes", "add", "l.csv", "--log", str(tmp_path / "no")]) == 2
    assert capsys.readouterr().err == (
        f"error: --log: there is no folder {tmp_path / 'no'}. Name the one that serve or batch_score wrote\n"
    )
