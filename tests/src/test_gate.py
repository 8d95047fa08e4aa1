"""Gate: what is accepted, what is rejected and why, whatever state champion, holdout and labels are in."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import gate
from support import ledger, step
from tests.src.running import Trained, contents, error_of, run

METRICS = {"roc_auc": 0.7, "log_loss": 0.4, "baseline_log_loss": 0.5, "rmse": 50.0}


class Gate:
    """The gate, called with what is the same in all tests."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.report, self.ledger = folder, folder / "report", folder / "ledger.jsonl"
        self.report.mkdir()
        step.log_metrics(self.report, METRICS)

    def words(self, challenger: Trained, *more: object) -> list[str]:
        inputs = ["--model", challenger.model, "--report", self.report, "--holdout", challenger.holdout]
        words = [
            *inputs,
            "--name",
            "tumours",
            "--min-rows",
            "100",
            "--decision",
            self.folder / "decision",
            *more,
        ]
        return [str(word) for word in words]

    def __call__(self, challenger: Trained, *more: object) -> dict[str, Any]:
        run("gate", *self.words(challenger, *more))
        found: dict[str, Any] = json.loads(
            (self.folder / "decision" / "decision.json").read_text(encoding="utf-8")
        )
        return found

    def recorded(self) -> list[str]:
        return ["--ledger", str(self.ledger), "--environment", "DEV"]


@pytest.fixture
def judge(tmp_path: Path) -> Gate:
    return Gate(tmp_path)


def test_without_a_champion_the_conditions_decide(judge: Gate, binary: Trained) -> None:
    found = judge(binary, "--conditions", "roc_auc>=0.6", "log_loss<baseline_log_loss")
    assert (found["decision"], found["champion"], found["difference"]) == ("accepted", None, None)
    assert found["reason"] == "there is no champion yet, and 2 conditions hold"
    found = judge(binary, "--conditions", "roc_auc>=0.8", "log_loss>=baseline_log_loss", "roc_auc>=0.6")
    assert found["decision"] == "rejected"
    assert found["reason"] == (
        "roc_auc>=0.8 does not hold: 0.7 against 0.8; "
        "log_loss>=baseline_log_loss does not hold: 0.4 against 0.5"
    )


def test_a_better_model_is_accepted_with_its_evidence(
    judge: Gate, binary: Trained, constant: Trained
) -> None:
    costs = ["--cost-false-alarm", "1", "--cost-miss", "5", "--slices", "size", "--slice-rows", "40"]
    costs += ["--group-columns", "size"]
    found = judge(binary, "--champion", constant.model, *costs, "--conditions", "roc_auc>=0.6")
    assert found["decision"] == "accepted"
    assert found["reason"].startswith(
        "it is certainly better than the champion: its mean brier loss differs by -0."
    )
    assert found["reason"].endswith(
        " on 144 equal rows; none of 2 slices is certainly worse, 1 condition holds"
    )
    assert found["difference"]["high"] < 0
    assert found["looks"] == {
        "number": 1,
        "planned": 30,
        "error_rate": pytest.approx(0.0125, abs=1e-4),
        "counted": False,
    }
    assert {entry["category"] for entry in found["slices"]} == {"medium", "small"}
    assert (found["groups"]["columns"], found["groups"]["certain"]) == (["size"], 0)
    assert found["calibration"]["champion"]["error"] >= 0
    assert found["size"]["challenger"] > found["size"]["champion"]
    assert found["cost"]["challenger"] < found["cost"]["champion"]
    assert found["holdout"]["rows"] == 144
    metrics = step.read_json(judge.folder / "decision" / "metrics.json")
    assert (metrics["accepted"], metrics["difference"]) == (1.0, found["difference"]["value"])


def test_a_worse_model_is_rejected(judge: Gate, binary: Trained, constant: Trained) -> None:
    found = judge(constant, "--champion", binary.model)
    assert found["reason"].startswith(
        "it is certainly worse than the champion: its mean brier loss differs by +0."
    )
    found = judge(constant, "--champion", binary.model, "--rule", "non-inferiority", "--margin", "0.5")
    assert found["reason"].startswith(
        "it is certainly not worse than the champion by 0.5 or more: its mean brier "
    )
    found = judge(binary, "--champion", constant.model, "--margin", "0.9")
    assert found["reason"].startswith("it is better than the champion by less than 0.9: its mean brier ")


def test_the_champion_itself_is_accepted(judge: Gate, binary: Trained) -> None:
    assert judge(binary, "--champion", binary.model)["reason"] == (
        "it is the champion already, and no condition is set"
    )


@pytest.mark.parametrize("task", ["regression", "multiclass"])
def test_other_tasks_are_judged_too(
    judge: Gate, task: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    trained: Trained = request.getfixturevalue(task)
    simple = tmp_path / "simple"
    words = ["--training", trained.training, "--features", trained.features, "--estimator", "constant"]
    run("train", *words, "--model", simple)
    found = judge(trained, "--champion", simple, "--min-rows", "20")
    assert found["decision"] == "accepted"
    assert found["metric"] == {"regression": "absolute", "multiclass": "brier"}[task]


def test_a_champion_that_cannot_be_loaded_is_told(
    judge: Gate, binary: Trained, constant: Trained, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(constant.model, broken)
    (broken / "model.pickle").write_bytes(b"other")
    found = judge(binary, "--champion", broken)
    assert found["reason"].startswith(f"the champion {found['champion'][:12]} cannot be compared: ")
    assert "is not the model that was trained" in found["reason"]
    found = judge(binary, "--champion", broken, "--broken-champion", "replace")
    assert found["decision"] == "accepted"
    assert found["reason"] == (
        "the champion cannot be compared and is replaced unseen, as configured; no condition is set"
    )
    assert judge(binary, "--champion", tmp_path / "nowhere")["champion"] == "unknown"


def test_a_champion_of_another_target_is_told(judge: Gate, binary: Trained, multiclass: Trained) -> None:
    reason = judge(binary, "--champion", multiclass.model)["reason"]
    assert reason.endswith("it predicts something else: setosa, versicolor, virginica")


def test_a_champion_with_other_columns_is_compared_on_equal_rows(
    judge: Gate, binary: Trained, gaps: Trained, tmp_path: Path
) -> None:
    reason = judge(binary, "--champion", gaps.model)["reason"]
    assert "there is no column 'ward'" in reason
    assert reason.endswith("; keep the column in the holdout, or give --champion-holdout")
    fewer = pd.read_parquet(gaps.holdout / "table.parquet").iloc[10:]
    fewer.sample(frac=1, random_state=0).to_parquet(tmp_path / "fewer.parquet")
    other = ["--champion-holdout", tmp_path / "fewer.parquet", "--row-key", "day"]
    found = judge(binary, "--champion", gaps.model, *other)
    assert found["difference"]["rows"] == 104
    assert (found["holdout"]["rows"], found["holdout"]["left_out"]) == (104, 40)


def test_labels_that_are_late_are_waited_for(
    judge: Gate, binary: Trained, constant: Trained, tmp_path: Path
) -> None:
    rows = pd.read_parquet(binary.holdout / "table.parquet")
    late = rows.assign(target=rows["target"].where(rows.index % 3 > 0))
    late.to_parquet(tmp_path / "late.parquet")
    words = ["--champion", constant.model, "--holdout", tmp_path / "late.parquet", "--min-rows", "90"]
    assert judge(binary, *words)["reason"] == "48 of 144 rows have no label yet: wait for them"
    found = judge(binary, *words, "--min-labelled", "0.5")
    assert (found["decision"], found["holdout"]["without_label"]) == ("accepted", 48)


def test_too_little_to_tell(judge: Gate, binary: Trained, constant: Trained) -> None:
    champion = ["--champion", constant.model]
    assert judge(binary, *champion, "--min-rows", "500")["reason"] == (
        "144 labelled rows are too few to tell: 500 are needed"
    )
    assert judge(binary, *champion, "--unit", "size")["reason"] == (
        "4 units of 'size' are too few to tell: 20 are needed"
    )


def test_looks_at_a_holdout_are_counted_and_run_out(
    judge: Gate, binary: Trained, constant: Trained, logistic: Trained, gaps: Trained
) -> None:
    recorded = [*judge.recorded(), "--looks", "2", "--champion", constant.model]
    first = judge(binary, *recorded)
    assert (first["looks"]["number"], first["looks"]["counted"]) == (1, True)
    bytes_of_first = contents(judge.folder / "decision")
    assert judge(logistic, *recorded)["looks"]["number"] == 2
    judge(binary, *recorded)
    assert contents(judge.folder / "decision") == bytes_of_first, "the same again is no other look"
    swapped = [*judge.recorded(), "--looks", "2", "--champion", binary.model]
    assert judge(logistic, *swapped)["reason"] == (
        "the holdout is worn out: all 2 looks at it are spent, renew it"
    )
    entries = [*ledger.read(judge.ledger)]
    assert [entry["event"] for entry in entries] == ["accepted", "accepted", "rejected"]
    assert entries[0]["holdout"] == first["holdout"]["digest"]
    assert (entries[0]["model_digest"], entries[0]["champion"]) == (first["challenger"], first["champion"])
    assert ledger.verify(judge.ledger) == []


def test_a_decision_stands_while_the_ledger_holds_it(judge: Gate, binary: Trained) -> None:
    words = judge.words(binary, *judge.recorded(), "--time", "2026-01-31T12:00:00+00:00")
    gate.main(words)
    args = gate.build_parser().parse_args(words)
    assert gate.effects_stand(args)
    assert ledger.read(judge.ledger)[0]["time"] == "2026-01-31T12:00:00+00:00"
    args.environment = "TEST"
    assert not gate.effects_stand(args), "another environment decides for itself"
    args.environment = "DEV"
    judge.ledger.unlink()
    assert not gate.effects_stand(args)


def test_size_and_latency_have_limits(
    judge: Gate, binary: Trained, capsys: pytest.CaptureFixture[str]
) -> None:
    found = judge(binary, "--size-limit", "0.001", "--latency-limit", "1e-9")
    assert [found[name]["passed"] for name in ("size", "latency")] == [False, False]
    first, second = found["reason"].split("; ")
    assert first == "a single row takes longer than 1e-09 ms"
    assert second.startswith("its file has 0.")
    assert second.endswith(" MB, more than 0.001 MB")
    assert judge(binary, "--latency-limit", "1e9")["latency"] == {"limit_ms": 1e9, "passed": True}
    assert "ms, the median of single rows; the limit is 1e+09 ms" in capsys.readouterr().out


def test_a_calibration_beyond_the_limit_is_rejected(
    judge: Gate, binary: Trained, constant: Trained, tmp_path: Path
) -> None:
    rows = pd.read_parquet(binary.holdout / "table.parquet").assign(target=1)
    rows.to_parquet(tmp_path / "all.parquet")
    found = judge(constant, "--holdout", tmp_path / "all.parquet", "--calibration-limit", "0.05")
    assert found["reason"].startswith("its calibration error is certainly 0.")
    assert found["reason"].endswith(" or more, beyond 0.05")


def test_a_frozen_holdout_is_recognised(judge: Gate, binary: Trained) -> None:
    digest = judge(binary)["holdout"]["digest"]
    assert judge(binary, "--holdout-digest", digest)["decision"] == "accepted"
    message = error_of(gate.main, judge.words(binary, "--holdout-digest", "0" * 64))
    assert f"is not the frozen holdout: its digest is {digest}" in message


MISTAKES = {
    "--error-rate 0.5": "--error-rate: 0.5 is out of range: give a number between 0 and 0.5",
    "--looks 0": "--looks: 0 is out of range: give 1 or more",
    "--looks 101": "--looks: 101 is out of range: give 100 or fewer, and renew the holdout after them",
    "--margin nan": "--margin: nan is out of range: give 0 or more",
    "--cost-miss 2": "--cost-false-alarm and --cost-miss belong together: give both, or none",
    "--ledger x": "--ledger needs --environment: name the environment that is decided for",
}


@pytest.mark.parametrize("words", MISTAKES)
def test_arguments_out_of_range(judge: Gate, binary: Trained, words: str) -> None:
    assert error_of(gate.main, judge.words(binary, *words.split())) == MISTAKES[words]
