"""Replay traffic: a scored log without a client, split or mirrored."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from modelling import models
from scoring.variants import Split
from tests.src.running import Trained, child, contents, error_of, run


def replay(trained: Trained, folder: Path, *words: object) -> pd.DataFrame:
    inputs = ["--champion", trained.model, "--challenger", trained.model, "--table", trained.holdout]
    run("replay_traffic", *inputs, "--log", folder / "log", *words)
    return pd.read_parquet(folder / "log/table.parquet")


def test_a_split_is_that_of_the_server(binary: Trained, tmp_path: Path) -> None:
    log = replay(binary, tmp_path, "--key", "size", "day", "--share", "0.3", "--salt", "one")
    split = Split({"challenger": 0.3}, "one")
    assert list(log["variant"]) == [split.variant(key) for key in log["key"]]
    assert set(log["variant"]) == {"champion", "challenger"}
    holdout = pd.read_parquet(binary.holdout / "table.parquet")
    assert len(log) == len(holdout) == 144
    assert log["request_id"].is_unique
    assert not log["shadow"].any()


def test_each_score_and_label_is_that_of_its_row(binary: Trained, tmp_path: Path) -> None:
    log = replay(binary, tmp_path)
    model, holdout = models.load(binary.model), pd.read_parquet(binary.holdout / "table.parquet")
    assert list(log["output.probability"]) == list(model.predict(holdout)[:, 1])
    assert list(log["label"]) == [model.classes[code] for code in holdout["target"]]
    assert set(log["model_digest"]) == {model.facts["digest"]}
    metrics = json.loads((tmp_path / "log/metrics.json").read_text(encoding="utf-8"))
    assert metrics == {"requests": 144.0, "challenger_share": float((log["variant"] == "challenger").mean())}


def test_in_shadow_both_score_every_request_and_the_champion_answers(
    regression: Trained, tmp_path: Path
) -> None:
    log = replay(regression, tmp_path, "--shadow")
    first, second = (log[log["variant"] == name] for name in ("champion", "challenger"))
    assert list(first["request_id"]) == list(second["request_id"])
    assert (first["shadow"].any(), second["shadow"].all()) == (False, True)
    assert list(first["label"]) == list(pd.read_parquet(regression.holdout / "table.parquet")["target"])


@pytest.mark.parametrize(("share", "variant"), [("0", "champion"), ("1", "challenger")])
def test_one_variant_may_answer_all(binary: Trained, tmp_path: Path, share: str, variant: str) -> None:
    assert set(replay(binary, tmp_path, "--share", share)["variant"]) == {variant}


def test_a_process_of_its_own_writes_the_same_bytes(multiclass: Trained, tmp_path: Path) -> None:
    replay(multiclass, tmp_path)
    inputs = ["--champion", multiclass.model, "--challenger", multiclass.model, "--table", multiclass.holdout]
    done = child("replay_traffic", *inputs, "--log", tmp_path / "there", OMP_NUM_THREADS="3")
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(tmp_path / "log") == contents(tmp_path / "there")


def test_what_is_replayed_is_compared(binary: Trained, tmp_path: Path) -> None:
    replay(binary, tmp_path, "--shadow")
    words = ["--mode", "shadow", "--positive", "malignant", "--report", tmp_path / "report"]
    run("compare_variants", "--log", tmp_path / "log", *words)
    metrics = json.loads((tmp_path / "report/metrics.json").read_text(encoding="utf-8"))
    assert (metrics["difference"], metrics["stopped_after"], metrics["observations"]) == (0.0, 0.0, 144.0)


def test_models_of_two_targets(binary: Trained, regression: Trained, tmp_path: Path) -> None:
    inputs = ["--champion", binary.model, "--challenger", regression.model, "--table", binary.holdout]
    assert error_of(run, "replay_traffic", *inputs, "--log", tmp_path / "log") == (
        f"{binary.model} predicts benign, malignant, {regression.model} a number: "
        "name two models of the same target"
    )


def test_a_share_that_is_none(binary: Trained, tmp_path: Path) -> None:
    assert (
        error_of(replay, binary, tmp_path, "--share", "1.5")
        == "the share of 'challenger' is 1.5: give a number from 0 to 1"
    )
