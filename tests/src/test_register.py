"""Register: what the gate accepted, in an MLflow registry on a SQLite file."""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import gate
import register
from support import ledger, step
from support.registry import open_registry
from tests.src.running import Trained, child, contents, error_of, left_over, run

METRICS = {"roc_auc": 0.7, "log_loss": 0.4, "baseline_log_loss": 0.5}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One SQLite file for all tests of this module: the first use of a new one takes seconds."""
    return f"sqlite:///{(tmp_path_factory.mktemp('registry') / 'new/mlflow.db').as_posix()}"


@pytest.fixture
def report(tmp_path: Path) -> Path:
    (tmp_path / "report").mkdir()
    step.log_metrics(tmp_path / "report", METRICS)
    return tmp_path / "report"


def decision(folder: Path, challenger: Trained, *more: object) -> Path:
    """Return the folder of a decision about a model."""
    inputs = ["--model", challenger.model, "--holdout", challenger.holdout, "--report", folder / "report"]
    run("gate", *inputs, "--name", "any", "--min-rows", 100, "--decision", folder / "decision", *more)
    return folder / "decision"


def words(trained: Trained, report: Path, registry: str, name: str, *more: object) -> list[object]:
    inputs = ["--model", trained.model, "--report", report, "--registration", report.parent / "out"]
    return [*inputs, "--tracking-uri", registry, "--name", name, *more]


def versions(registry: str, name: str) -> list[Any]:
    return list(open_registry(registry).search_model_versions(f"name='{name}'"))


def test_a_model_is_registered_once_whatever_it_is_asked(
    binary: Trained, report: Path, registry: str, capsys: pytest.CaptureFixture[str]
) -> None:
    accepted = ["--decision", decision(report.parent, binary)]
    capsys.readouterr()
    run("register", *words(binary, report, registry, "tumours", *accepted))
    first = contents(report.parent / "out")
    run("register", *words(binary, report, registry, "tumours", *accepted))
    assert capsys.readouterr().out == "registered tumours version 1 as challenger\n" * 2
    assert contents(report.parent / "out") == first
    (version,) = versions(registry, "tumours")
    facts = json.loads((binary.model / "model.json").read_text(encoding="utf-8"))
    assert version.tags["digest"] == facts["digest"]
    assert version.tags["metric.roc_auc"] == "0.7"
    digest = hashlib.sha256((report.parent / "decision/decision.json").read_bytes()).hexdigest()
    assert json.loads(first["registration.json"])["decision"] == digest


def test_the_alias_moves_to_another_model(
    binary: Trained, regression: Trained, report: Path, registry: str
) -> None:
    run("register", *words(binary, report, registry, "moving", "--alias", "champion"))
    run("register", *words(regression, report, registry, "moving", "--alias", "champion"))
    client = open_registry(registry)
    assert str(client.get_model_version_by_alias("moving", "champion").version) == "2"
    run("register", *words(binary, report, registry, "moving", "--alias", "champion"))
    assert str(client.get_model_version_by_alias("moving", "champion").version) == "1"
    assert len(versions(registry, "moving")) == 2


@pytest.mark.parametrize("scheme", ["sqlite:///", "none that is read here:"])
def test_an_alias_that_points_elsewhere_is_seen(
    binary: Trained,
    regression: Trained,
    report: Path,
    registry: str,
    scheme: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("support.registry.SQLITE", scheme)
    name = f"seen-{len(scheme)}"
    first, second = (
        list(map(str, words(model, report, registry, name, "--alias", "champion")))
        for model in (binary, regression)
    )

    def stands(argv: list[str]) -> bool:
        return register.effects_stand(register.build_parser().parse_args(argv))

    assert not stands(first)
    register.main(first)
    assert (stands(first), stands(second)) == (True, False)
    register.main(second)
    assert (stands(first), stands(second)) == (False, True)


def kept(report: Path) -> list[object]:
    """Return the words that keep a ledger."""
    return ["--ledger", report.parent / "ledger.jsonl", "--environment", "DEV"]


def entries(report: Path) -> list[ledger.Entry]:
    return list(ledger.read(report.parent / "ledger.jsonl"))


def test_a_champion_needs_an_accepted_decision(binary: Trained, report: Path, registry: str) -> None:
    champion = words(binary, report, registry, "guarded", "--alias", "champion", *kept(report))
    assert error_of(run, "register", *champion) == (
        "--alias champion: no gate judged it: give --decision, or say why not: --override REASON, which "
        "the ledger keeps"
    )
    champion += ["--decision", decision(report.parent, binary, *kept(report))]
    for _ in range(2):
        run("register", *champion)
    assert [entry["event"] for entry in entries(report)] == ["accepted", "promoted"]
    decided = hashlib.sha256((report.parent / "decision/decision.json").read_bytes()).hexdigest()
    assert {entry["decision_digest"] for entry in entries(report)} == {decided}


def test_an_override_says_why_and_is_entered(binary: Trained, report: Path, registry: str) -> None:
    reason = ["--override", "the holdout was mislabelled"]
    for missing in (["--alias", "champion"], kept(report)):
        assert error_of(run, "register", *words(binary, report, registry, "over", *missing, *reason)) == (
            "--override needs --alias champion, and --ledger, which keeps the reason"
        )
    rejected = ["--decision", decision(report.parent, binary, "--conditions", "roc_auc>=0.8")]
    argv = words(binary, report, registry, "over", "--alias", "champion", *kept(report), *reason, *rejected)
    run("register", *argv)
    (last,) = entries(report)
    assert (last["event"], last["reason"]) == ("overridden", "the holdout was mislabelled")
    assert last["overridden"] == "roc_auc>=0.8 does not hold: 0.7 against 0.8"
    args = register.build_parser().parse_args([str(word) for word in argv])
    assert register.effects_stand(args)
    (report.parent / "ledger.jsonl").unlink()
    assert not register.effects_stand(args)


def test_a_ledger_belongs_to_an_environment(binary: Trained, report: Path, registry: str) -> None:
    argv = words(binary, report, registry, "homeless", *kept(report)[:2])
    assert error_of(run, "register", *argv) == (
        "--ledger needs --environment: name the environment that the registry serves"
    )


def test_what_is_registered_again_is_entered_once(binary: Trained, report: Path, registry: str) -> None:
    time = ["--time", "2026-01-31T00:00:00+00:00"]
    for _ in range(2):
        run("register", *words(binary, report, registry, "again", *kept(report), *time))
    (entry,) = entries(report)
    assert (entry["event"], entry["time"]) == ("registered", time[1])
    assert entry["reason"] == "as challenger: no gate judged it"


REJECTED = "the gate rejected the model; it is not registered: roc_auc>=0.8 does not hold: 0.7 against 0.8"


def test_a_rejected_model_is_not_registered(binary: Trained, report: Path, registry: str) -> None:
    rejected = ["--decision", decision(report.parent, binary, "--conditions", "roc_auc>=0.6", "roc_auc>=0.8")]
    with pytest.raises(step.GateRejected) as caught:
        run("register", *words(binary, report, registry, "rejected", *rejected))
    assert str(caught.value) == REJECTED
    assert left_over(report.parent) == ["decision", "report"]
    assert versions(registry, "rejected") == []


def test_a_process_is_rejected_with_exit_code_3(binary: Trained, report: Path, registry: str) -> None:
    rejected = ["--decision", decision(report.parent, binary, "--conditions", "roc_auc>=0.8")]
    done = child("register", *words(binary, report, registry, "rejected", *rejected))
    assert (done.returncode, done.stderr) == (3, f"error: {REJECTED}\n")


def test_a_decision_about_another_model_is_refused(
    binary: Trained, regression: Trained, report: Path, registry: str
) -> None:
    other = ["--decision", decision(report.parent, binary)]
    with pytest.raises(step.StepError, match=r"is about another model, .*: rerun the gate$"):
        run("register", *words(regression, report, registry, "other", *other))


def test_the_champion_of_the_registry_is_judged_against(
    binary: Trained, constant: Trained, report: Path, registry: str
) -> None:
    arguments = argparse.Namespace(tracking_uri=registry, name="judged", champion_alias="champion")
    assert gate.digests_elsewhere(arguments) == {"champion": "none"}
    run("register", *words(constant, report, registry, "judged", "--alias", "champion"))
    facts = json.loads((constant.model / "model.json").read_text(encoding="utf-8"))
    assert gate.digests_elsewhere(arguments) == {"champion": facts["digest"]}
    folder = decision(report.parent, binary, "--tracking-uri", registry, "--name", "judged")
    found = step.read_json(folder / "decision.json")
    assert (found["champion"], found["difference"]["rows"]) == (facts["digest"], 144)


@pytest.mark.parametrize("digest", ["", "0" * 64])
def test_a_champion_that_was_registered_elsewhere_is_fetched(
    binary: Trained, constant: Trained, report: Path, registry: str, digest: str
) -> None:
    name, client = f"fetched{digest[:1]}", open_registry(registry)
    client.create_registered_model(name)
    tags = {"digest": digest} if digest else {}
    version = client.create_model_version(name, str(constant.model), tags=tags)
    client.set_registered_model_alias(name, "champion", version.version)
    folder = decision(report.parent, binary, "--tracking-uri", registry, "--name", name)
    found = step.read_json(folder / "decision.json")
    if digest:
        assert "its digest is" in found["reason"], "it is not the one that was registered"
        return
    assert (found["champion"], found["difference"]["rows"]) == ("unknown", 144)
    arguments = argparse.Namespace(tracking_uri=registry, name=name, champion_alias="champion")
    assert gate.digests_elsewhere(arguments) == {"champion": str(constant.model)}


def test_two_processes_may_make_the_registry_at_the_same_time(
    binary: Trained, report: Path, tmp_path: Path
) -> None:
    new = f"sqlite:///{(tmp_path / 'new.db').as_posix()}"
    with ThreadPoolExecutor(2) as both:
        started = [
            both.submit(
                child, "register", *words(binary, report, new, name, "--registration", tmp_path / name)
            )
            for name in ("a", "b")
        ]
        done = [one.result() for one in started]
    assert [(one.returncode, one.stderr) for one in done] == [(0, ""), (0, "")]


def test_a_tampered_model_is_not_registered(
    binary: Trained, report: Path, registry: str, tmp_path: Path
) -> None:
    shutil.copytree(binary.model, tmp_path / "m")
    (tmp_path / "m/model.pickle").write_bytes(b"other")
    arguments = words(binary, report, registry, "tampered")
    arguments[1] = tmp_path / "m"
    with pytest.raises(step.StepError, match="is not the model that was trained"):
        run("register", *arguments)
    assert versions(registry, "tampered") == []


def test_a_name_that_the_registry_refuses(binary: Trained, report: Path, registry: str) -> None:
    with pytest.raises(step.StepError, match=r"^the registry rejects the name 'a/b': "):
        run("register", *words(binary, report, registry, "a/b"))
    assert left_over(report.parent) == ["report"]


def test_a_store_that_cannot_be_opened(binary: Trained, report: Path) -> None:
    with pytest.raises(step.StepError, match=r"^--tracking-uri: cannot open 'nosuch://x': "):
        run("register", *words(binary, report, "nosuch://x", "tumours"))
