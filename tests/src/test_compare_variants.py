"""Compare variants: what a scored log says, and what it cannot say."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoring.variants import Split
from tests.src.running import child, contents, error_of, left_over, run

WRITTEN = [
    "course.parquet",
    "difference.png",
    "metrics.json",
    "shares.png",
    "variants.parquet",
    "verdict.json",
]
Write = Callable[[pd.DataFrame], Path]


def scored(rows: int = 2000, *, wrong: tuple[float, float] = (0.4, 0.2), share: float = 0.5) -> pd.DataFrame:
    """Return the log of a split in which champion and challenger are wrong with given probabilities."""
    random = np.random.default_rng(5)
    keys = [f"customer {row}" for row in range(rows)]
    split = Split({"challenger": share}, "test")
    variant = np.array([split.variant(key) for key in keys])
    chance = np.where(variant == "challenger", wrong[1], wrong[0])
    label = random.random(rows) < 0.5
    said = label ^ (random.random(rows) < chance)
    return pd.DataFrame(
        {
            "request_id": [f"request {row}" for row in range(rows)],
            "row": 0,
            "time": pd.date_range("2024-01-01", periods=rows, freq="min", tz="UTC"),
            "key": keys,
            "share": share,
            "variant": variant,
            "model_digest": np.where(variant == "challenger", "b" * 64, "a" * 64),
            "output.prediction": np.where(said, "yes", "no"),
            "output.probability": np.where(said, 0.8, 0.3),
            "label": np.where(label, "yes", "no"),
        }
    )


def mirrored(rows: int = 400) -> pd.DataFrame:
    """Return a shadow log: both variants on each request, the challenger a little better each time."""
    one = scored(rows, wrong=(0.3, 0.3)).assign(variant="champion", model_digest="a" * 64)
    nearer = one["output.probability"] + np.where(one["label"] == "yes", 0.05, -0.05)
    both = [one, one.assign(variant="challenger", model_digest="b" * 64, **{"output.probability": nearer})]
    return pd.concat(both).sort_index(kind="stable").reset_index(drop=True)


def compare(log: Path, folder: Path, *words: object) -> tuple[dict[str, Any], dict[str, float]]:
    """Return verdict and metrics."""
    run("compare_variants", "--log", log, "--report", folder / "report", "--positive", "yes", *words)
    verdict, metrics = (
        json.loads((folder / "report" / name).read_text(encoding="utf-8"))
        for name in ("verdict.json", "metrics.json")
    )
    return verdict, metrics


def test_a_better_challenger_is_found_before_the_log_ends(file: Write, tmp_path: Path) -> None:
    log = scored()
    verdict, metrics = compare(file(log), tmp_path, "--loss", "error", "--prediction", "output.prediction")
    assert verdict["answer"] == "challenger better"
    assert 100 < verdict["stopped_after"] < metrics["observations"] == 2000
    assert verdict["models"] == {"challenger": "b" * 64, "champion": "a" * 64}
    wrong = (log["output.prediction"] != log["label"]).groupby(log["variant"]).mean()
    assert metrics["difference"] == pytest.approx(wrong["challenger"] - wrong["champion"], abs=0.01)
    assert metrics["difference_low"] < metrics["difference"] < metrics["difference_high"] < 0
    assert left_over(tmp_path / "report") == WRITTEN


def test_a_worse_challenger_is_found(file: Write, tmp_path: Path) -> None:
    verdict, _ = compare(file(scored(wrong=(0.2, 0.4))), tmp_path)
    assert verdict["answer"] == "challenger worse"


def test_equal_variants_are_undecided_or_equal_within_the_margin(file: Write, tmp_path: Path) -> None:
    log = file(scored(4000, wrong=(0.3, 0.3)))
    assert compare(log, tmp_path)[0]["answer"] == "undecided"
    verdict, metrics = compare(log, tmp_path, "--margin", "0.1")
    assert verdict["answer"] == "no difference that matters"
    assert -0.1 < metrics["difference_low"] < metrics["difference_high"] < 0.1


def test_in_shadow_each_request_is_a_pair(file: Write, tmp_path: Path) -> None:
    log = mirrored()
    verdict, metrics = compare(file(log), tmp_path, "--mode", "shadow")
    loss = (log["output.probability"] - (log["label"] == "yes")) ** 2
    paired = loss[log["variant"] == "challenger"].mean() - loss[log["variant"] == "champion"].mean()
    assert verdict["answer"] == "challenger better"
    assert metrics["observations"] == 400
    assert metrics["difference"] == pytest.approx(paired)


def test_the_same_log_takes_fewer_requests_in_shadow(file: Write, tmp_path: Path) -> None:
    log = mirrored()
    split = Split({"challenger": 0.5}, "test")
    own = log[log["variant"] == log["key"].map(split.variant)]
    assert compare(file(own), tmp_path)[0]["answer"] == "undecided"
    assert 0 < compare(file(log), tmp_path, "--mode", "shadow")[0]["stopped_after"] < 400


def test_two_models_that_hardly_differ(file: Write, tmp_path: Path) -> None:
    log = mirrored()
    nearly = 0.5 + np.where(log["variant"] == "challenger", 1e-13, 0) * np.where(log["label"] == "yes", 1, -1)
    verdict, metrics = compare(
        file(log.assign(**{"output.probability": nearly})), tmp_path, "--mode", "shadow"
    )
    assert verdict["answer"] == "undecided"
    assert abs(metrics["difference"]) < 1e-8


def test_labels_that_came_later_are_joined(file: Write, tmp_path: Path) -> None:
    log = scored()
    labels = log.loc[log.index % 4 > 0, ["request_id", "row", "label"]].sample(frac=1, random_state=0)
    late, metrics = compare(file(log.drop(columns="label")), tmp_path, "--labels", file(labels))
    assert metrics["observations"] == len(labels) == 1500
    known = log[log.index % 4 > 0]
    assert compare(file(known), tmp_path)[0]["stopped_after"] == late["stopped_after"]
    variants = pd.read_parquet(tmp_path / "report/variants.parquet")
    assert variants["requests"].sum() == 1500


def test_a_key_that_comes_again_counts_once(file: Write, tmp_path: Path) -> None:
    log = scored(500)
    again = log.assign(request_id=log["request_id"] + " again", label="yes")
    once = compare(file(log), tmp_path)
    assert compare(file(pd.concat([log, again])), tmp_path) == once
    nobody = pd.concat([log, again]).assign(key=None)
    assert compare(file(nobody), tmp_path)[1]["observations"] == 1000


def test_requests_lost_on_the_way_are_noticed(file: Write, tmp_path: Path) -> None:
    log = scored()
    lost = log[(log["variant"] == "champion") | (log.index % 4 > 0)]
    verdict, metrics = compare(file(lost), tmp_path)
    assert verdict["answer"] == "the shares are not as planned"
    assert metrics["sample_ratio_p_requests"] < 0.001
    unknown = log.assign(label=log["label"].where((log["variant"] == "champion") | (log.index % 4 > 0)))
    verdict, metrics = compare(file(unknown), tmp_path)
    assert verdict["answer"] == "the shares are not as planned"
    assert metrics["sample_ratio_p_labelled"] < 0.001 < metrics["sample_ratio_p_requests"]


def test_other_shares(file: Write, tmp_path: Path) -> None:
    log = file(scored(4000, share=0.2))
    assert compare(log, tmp_path)[0]["answer"] == "challenger better"
    assert compare(log, tmp_path, "--share", "0.5")[0]["answer"] == "the shares are not as planned"


def test_a_share_that_grew_while_champion_and_challenger_became_worse_misleads_nobody(
    file: Write, tmp_path: Path
) -> None:
    """Later requests are harder, and more of them the challenger's: taken together it would look worse."""
    early, late = scored(3000, wrong=(0.1, 0.1), share=0.1), scored(3000, wrong=(0.6, 0.6), share=0.6)
    late = late.assign(request_id="late " + late["request_id"], key="late " + late["key"])
    log = pd.concat([early, late], ignore_index=True)
    wrong = (log["output.prediction"] != log["label"]).groupby(log["variant"]).mean()
    assert wrong["challenger"] - wrong["champion"] > 0.2
    words = ("--loss", "error", "--prediction", "output.prediction")
    verdict, metrics = compare(file(log), tmp_path, *words)
    assert verdict["answer"] == "undecided"
    assert metrics["difference"] == pytest.approx(0, abs=0.05)
    verdict, _ = compare(file(log), tmp_path, *words, "--share", "0.35")
    assert verdict["answer"] == "challenger worse"


def test_requests_that_were_not_drawn_are_left_out(file: Write, tmp_path: Path) -> None:
    log = scored(1000)
    before = log.assign(request_id="before " + log["request_id"], key="before", variant="champion", share=0.0)
    assert compare(file(pd.concat([before, log])), tmp_path) == compare(file(log), tmp_path)


def test_part_of_the_time(file: Write, tmp_path: Path) -> None:
    log = scored(600)
    words = ("--since", "2024-01-01T02:00", "--until", "2024-01-01T07:00")
    assert compare(file(log), tmp_path, *words) == compare(file(log[120:420]), tmp_path)


def test_numbers_are_told_apart_by_distance_in_their_own_unit(file: Write, tmp_path: Path) -> None:
    log = scored().assign(label=100.0)
    log["output.prediction"] = np.where(log["variant"] == "challenger", 110.0, 140.0)
    words = ("--prediction", "output.prediction", "--loss", "absolute", "--loss-bound", "50", "--margin", "1")
    verdict, metrics = compare(file(log), tmp_path, *words)
    assert verdict["answer"] == "challenger better"
    assert metrics["difference"] == pytest.approx(-30, abs=1)
    variants = pd.read_parquet(tmp_path / "report/variants.parquet").set_index("variant")
    assert variants["mean_loss"].to_dict() == pytest.approx({"champion": 40, "challenger": 10})


@pytest.mark.parametrize("mode", ["split", "shadow"])
def test_a_request_that_was_sent_again_is_no_new_evidence(file: Write, tmp_path: Path, mode: str) -> None:
    log = mirrored() if mode == "shadow" else scored(300)
    again = log.iloc[100:160].assign(time=log["time"].max() + pd.Timedelta("1s"))
    for name, rows in (("once", log), ("again", pd.concat([log, again]))):
        compare(file(rows), tmp_path / name, "--mode", mode)
    assert contents(tmp_path / "once/report") == contents(tmp_path / "again/report")


def test_a_process_of_its_own_writes_the_same_bytes(file: Write, tmp_path: Path) -> None:
    log = file(scored(300))
    compare(log, tmp_path)
    words = ["--log", log, "--report", tmp_path / "there", "--positive", "yes"]
    done = child("compare_variants", *words, OMP_NUM_THREADS="3", PYTHONHASHSEED="5")
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(tmp_path / "report") == contents(tmp_path / "there")


@pytest.mark.parametrize(
    ("change", "words", "message"),
    [
        (
            {"model_digest": [f"{row % 2}" * 64 for row in range(60)]},
            [],
            f"variant 'challenger' was answered by 2 models, {'0' * 12}, {'1' * 12}: "
            "give the part of the log in which each variant had one",
        ),
        (
            {"variant": "champoin"},
            [],
            "the log has no variant 'champion' (did you mean 'champoin'?); its variants: champoin",
        ),
        (
            {"request_id": "r"},
            [],
            "variant 'challenger' has request_id r, row 0 twice, with different predictions: "
            "give each scored row once, or name all columns that identify a row in --request",
        ),
        ({"label": None}, [], "one of the variants has no labels yet: add labels, or wait for them"),
        (
            {},
            ["--mode", "shadow"],
            "no request that has a label was scored by both 'champion' and 'challenger': "
            "use --mode split, or give a shadow log with labels",
        ),
        (
            {},
            ["--positive", "Yes"],
            "--positive: no label is 'Yes' (did you mean 'yes'?); the labels are: no, yes",
        ),
        (
            {"output.probability": 7.5},
            [],
            "column 'output.probability' holds 7.5, not a probability: choose another --loss",
        ),
        (
            {"output.probability": "high"},
            [],
            "column 'output.probability' holds 'high', not a number: use --loss error",
        ),
        ({}, ["--loss-bound", "0"], "--loss-bound: 0 is out of range: give a number above 0"),
        ({}, ["--error-rate", "2"], "--error-rate: 2 is out of range: give a number between 0 and 1"),
        (
            {},
            ["--share", "1"],
            "nothing to compare: the share of the challenger is 0 or 1 in the whole log",
        ),
        (
            {},
            ["--since", "2025-01-01"],
            "no request lies between --since and --until: the log goes from 2024-01-01 00:00:00 to "
            "2024-01-01 00:59:00",
        ),
        ({}, ["--until", "noon"], "--until: 'noon' is not a date such as 2013-01-31"),
        (
            {},
            ["--key", "customer"],
            "--log: there is no column 'customer'; the columns are: "
            "request_id, row, time, key, share, variant, model_digest, "
            "output.prediction, output.probability, label",
        ),
    ],
)
def test_what_cannot_be_compared(
    change: dict[str, Any], words: list[str], message: str, file: Write, tmp_path: Path
) -> None:
    log = file(scored(60).assign(**change))
    assert error_of(compare, log, tmp_path, *words) == message
    assert not (tmp_path / "report").exists()


def test_labels_of_numbers_need_no_name(file: Write, tmp_path: Path) -> None:
    log = scored()
    numbers = log.assign(label=(log["label"] == "yes").astype("int64"))
    words = ("--log", file(numbers), "--report", tmp_path / "report")
    run("compare_variants", *words)
    assert (
        error_of(run, "compare_variants", "--log", file(log), "--report", tmp_path / "other")
        == "column 'label' holds 'no', not a number: use --loss error"
    )
    assert (
        error_of(run, "compare_variants", "--log", file(log.assign(label=3)), "--report", tmp_path / "other")
        == "column 'label' holds labels other than 0 and 1: name the --positive one"
    )


def test_labels_may_be_amounts(file: Write, tmp_path: Path) -> None:
    log = scored()
    minutes = log.assign(label=np.where(log["label"] == "yes", 15.0, 14.0))
    named = compare(file(log), tmp_path)
    assert compare(file(minutes), tmp_path, "--threshold", "15") == named


def test_a_row_has_one_label(file: Write, tmp_path: Path) -> None:
    log = scored(60)
    assert (
        error_of(compare, file(log), tmp_path, "--labels", file(pd.concat([log, log[:1]])))
        == "--labels: request_id request 0, row 0 has two labels: remove one of them"
    )
