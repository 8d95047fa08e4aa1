"""Promote: byte by byte from one environment to the next, refused or overridden, and back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import promote
from modelling import models
from support import champion, ledger, step
from support.registered import RegisteredModel
from support.registry import open_registry
from tests.operation.engine.delivery.image.registry import serving_registry
from tests.src.promoting import LOCK, Environments, digest_of
from tests.src.running import Trained, error_of

NAMES = ("DEV", "TEST", "PROD")


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a registry without models, to be copied: making one takes seconds."""
    file = tmp_path_factory.mktemp("empty") / "mlflow.db"
    open_registry(f"sqlite:///{file}")
    return file


@pytest.fixture
def three(tmp_path: Path, empty: Path) -> Environments:
    """Return three environments, each with a file of its own."""
    for name in NAMES:
        shutil.copyfile(empty, tmp_path / f"{name}.db")
    return Environments(tmp_path, {name: f"sqlite:///{tmp_path / name}.db" for name in NAMES})


@pytest.fixture(scope="module")
def server(binary: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving_registry(binary, tmp_path_factory.mktemp("server")) as started:
        yield started.uri


def through_all(places: Environments, model: Path) -> None:
    """Take a model from DEV to PROD, each gate accepting it."""
    places.register("DEV", model, "--alias", "champion")
    places.promote("DEV", "TEST")
    places.register("TEST", model)
    places.promote("TEST", "PROD", "--digest", digest_of(model))


def check_one_digest(places: Environments, model: Path) -> None:
    """Check that the bytes of one model are in all three, and that the ledger tells how they came there."""
    digest = digest_of(model)
    for name in NAMES:
        version = places.champion(name)
        assert version.tags["digest"] == digest
        assert (version.tags["commit"], version.tags["lock"]) == ("c" * 40, LOCK)
        registry = RegisteredModel(places.uris[name], version.name)
        files = registry.files(version, places.folder / f"files-{name}")
        assert models.verify(files)[0] == (model / "model.pickle").read_bytes()
    assert places.champion("PROD").tags["promoted_from"] == f"TEST:{places.champion('TEST').version}"
    expected = [("accepted", "DEV"), ("promoted", "DEV"), ("promoted", "TEST"), ("accepted", "TEST")]
    expected += [("registered", "TEST"), ("promoted", "PROD")]
    assert places.events() == [(event, where, digest[:6]) for event, where in expected]
    assert ledger.verify(places.ledger, *places.heads()) == []
    cut = places.ledger.read_bytes().splitlines(keepends=True)[:-1]
    places.ledger.write_bytes(b"".join(cut))
    assert [problem[:36] for problem in ledger.verify(places.ledger, *places.heads())] == [
        "the tail of the ledger was cut off: "
    ]


def test_one_digest_goes_through_three_files(three: Environments, binary: Trained) -> None:
    model = three.model(binary.model, "one")
    through_all(three, model)
    check_one_digest(three, model)
    shutil.rmtree(model.parent)
    copies = RegisteredModel(three.uris["PROD"], "flights").files(three.champion("PROD"), three.folder)
    assert models.verify(copies)[0] == (binary.model / "model.pickle").read_bytes()


def test_one_digest_goes_through_three_models_of_a_server(
    server: str, binary: Trained, tmp_path: Path
) -> None:
    places = Environments(
        tmp_path, dict.fromkeys(NAMES, server), {name: f"{name.lower()}-flights" for name in NAMES}
    )
    through_all(places, places.model(binary.model, "one"))
    check_one_digest(places, binary.model)


HEAD = "flights {digest} is not promoted from DEV to TEST: "
FIX = ". Fix that, or say why not: --override REASON, which the ledger keeps"
COMMIT = "commit, then run with --fresh"
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no commit": ({"commit": None}, f"it is unknown from which commit it was trained: {COMMIT}"),
    "changes": (
        {"dirty": True},
        f"it was trained from a checkout with changes that commit cccccccccccc lacks: {COMMIT}",
    ),
    "lock file": (
        {"components": {"lock": "b" * 64}},
        "it was trained with another lock file (packages bbbbbbbbbbbb, here aaaaaaaaaaaa): train it again",
    ),
    "no lock file": (
        {"components": {"lock": ""}},
        "it is unknown with which lock file it was trained: run the step that trains it again",
    ),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_model_of_unknown_origin_is_refused(three: Environments, binary: Trained, reason: str) -> None:
    changes, message = REFUSED[reason]
    three.register("DEV", three.model(binary.model, "one", **changes), "--alias", "champion")
    digest = digest_of(binary.model)[:12]
    assert error_of(three.promote, "DEV", "TEST") == HEAD.format(digest=digest) + message + FIX
    assert [event for event, *_ in three.events()] == ["accepted", "promoted"]


def test_what_no_gate_accepted_is_refused_or_overridden(
    three: Environments, binary: Trained, capsys: pytest.CaptureFixture[str]
) -> None:
    model, digest = three.model(binary.model, "one"), digest_of(binary.model)
    three.register("DEV", model, "--alias", "champion")
    three.promote("DEV", "TEST")
    way = f"flights {digest[:12]} is not promoted from TEST to PROD: "
    none = "no gate accepted it in TEST: python3 -m operation models judge"
    assert error_of(three.promote, "TEST", "PROD") == way + none + FIX
    with pytest.raises(step.GateRejected):
        three.register("TEST", model, verdict="rejected", reason="0.02 worse")
    rejected = "the gate of TEST rejected it (entry 4: 0.02 worse)"
    assert error_of(three.promote, "TEST", "PROD") == way + rejected + FIX
    three.promote("TEST", "PROD", "--override", "the holdout was mislabelled")
    last = ledger.read(three.ledger)[-1]
    assert (last["event"], last["environment"]) == ("overridden", "PROD")
    assert (last["reason"], last["overridden"]) == ("the holdout was mislabelled", rejected)
    said = f"overridden: flights version 1 ({digest[:12]}) is the champion of PROD, entry 5\n"
    assert capsys.readouterr().out.endswith(said)


def test_what_is_not_there_or_not_whole_is_refused(three: Environments, binary: Trained) -> None:
    model = three.model(binary.model, "one")
    uri, digest = three.uris["DEV"], digest_of(model)
    nothing = f"{uri} has no champion with a digest of 'flights': run register, or name another digest"
    assert error_of(three.promote, "DEV", "TEST") == nothing
    three.register("DEV", model, "--alias", "champion")
    other = nothing.replace("champion with a digest", "version with the digest bbbbbbbbbbbb")
    assert error_of(three.promote, "DEV", "TEST", "--digest", "b" * 64) == other
    (model / "model.pickle").write_bytes(b"!")
    damaged = error_of(three.promote, "DEV", "TEST")
    assert damaged.startswith(f"flights version 1 of {uri} is not what was registered as {digest[:12]}: ")
    assert damaged.endswith("It was changed or removed: do not use it")
    three.uris["TEST"] = uri
    assert error_of(three.promote, "DEV", "TEST") == (
        f"DEV and TEST have one registry, {uri}: give each its own tracking-uri, or a name of its own, "
        "in the configuration"
    )
    assert [event for event, *_ in three.events()] == ["accepted", "promoted"]


def test_of_two_promotions_at_once_one_wins_and_the_other_is_told(
    three: Environments, binary: Trained, regression: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (
        three.model(one.model, f"m{one.model.name}{place}") for place, one in enumerate((binary, regression))
    )
    for model in (first, second):
        three.register("DEV", model, "--alias", "champion")
    copy = promote.copy

    def overtaken(*words: Any) -> str:
        monkeypatch.setattr(promote, "copy", copy)
        number = copy(*words)
        three.promote("DEV", "TEST", "--digest", digest_of(second))  # while the first one copies
        return number

    monkeypatch.setattr(promote, "copy", overtaken)
    with pytest.raises(
        ledger.Overtaken, match=r"^flights in TEST was changed meanwhile by .*Nothing was done"
    ):
        three.promote("DEV", "TEST", "--digest", digest_of(first))
    assert three.champion("TEST").tags["digest"] == digest_of(second)
    assert [event for event in three.events() if event[1] == "TEST"] == [
        ("promoted", "TEST", digest_of(second)[:6])
    ]


def test_rolling_back_brings_the_last_accepted_model(
    three: Environments, binary: Trained, regression: Trained, multiclass: Trained
) -> None:
    trained = {"a": binary.model, "b": regression.model, "c": multiclass.model}
    copies = {name: three.model(model, name) for name, model in trained.items()}
    for name in "ab":
        three.register("DEV", copies[name], "--alias", "champion")
    over = ["--alias", "champion", "--override", "the customer wants it"]
    three.register("DEV", copies["c"], *over, verdict="rejected")
    three.roll_back("DEV", "--reason", "complaints")
    last = ledger.read(three.ledger)[-1]
    assert (last["event"], last["reason"]) == ("rolled-back", "complaints")
    assert three.champion("DEV").tags["digest"] == digest_of(copies["b"])
    three.roll_back("DEV")
    assert three.champion("DEV").tags["digest"] == digest_of(copies["a"])
    assert ledger.read(three.ledger)[-1]["reason"] == "back to entry 2"
    assert error_of(three.roll_back, "DEV") == (
        "DEV has no accepted model of flights before the one that serves: see python3 -m operation ledger, "
        "and promote one"
    )
    three.register("DEV", copies["b"], "--alias", "champion")
    (copies["a"] / "model.pickle").unlink()
    assert "is not what was registered as" in error_of(three.roll_back, "DEV")
    assert three.champion("DEV").tags["digest"] == digest_of(copies["b"])


def test_a_champion_that_was_changed_by_hand_is_told_and_entered(
    three: Environments, binary: Trained, regression: Trained, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = three.model(binary.model, "one"), three.model(regression.model, "two")
    for model in (first, second):
        three.register("DEV", model, "--alias", "champion")
    three.point("DEV", "1")
    capsys.readouterr()
    three.roll_back("DEV")
    said = capsys.readouterr()
    assert said.err == (
        f"warning: flights in DEV: the champion is {digest_of(first)[:12]}, the ledger says "
        f"{digest_of(second)[:12]} since entry 4: changed by hand, or a change was interrupted\n"
    )
    assert [event for event, *_ in three.events()][-2:] == ["changed-outside", "rolled-back"]
    assert three.champion("DEV").tags["digest"] == digest_of(second)
    open_registry(three.uris["DEV"]).delete_registered_model_alias("flights", "champion")
    three.register("DEV", first)
    assert "flights in DEV: the champion is gone, the ledger says" in capsys.readouterr().err
    assert ledger.read(three.ledger)[-2]["model_digest"] is None


def test_who_is_killed_before_the_alias_is_changed_leaves_what_the_next_one_tells(
    three: Environments, binary: Trained, regression: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = three.model(binary.model, "one"), three.model(regression.model, "two")
    three.register("DEV", first, "--alias", "champion")
    point = RegisteredModel.point
    monkeypatch.setattr(RegisteredModel, "point", killed)
    with pytest.raises(KeyboardInterrupt):
        three.register("DEV", second, "--alias", "champion")
    monkeypatch.setattr(RegisteredModel, "point", point)
    three.register("DEV", second, "--alias", "champion")
    assert [event for event, *_ in three.events()] == [
        *("accepted", "promoted", "accepted", "promoted", "changed-outside", "promoted")
    ]
    assert three.champion("DEV").tags["digest"] == digest_of(second)
    assert champion.Place(three.ledger, "DEV", "flights").served() == ledger.read(three.ledger)[-1]


def killed(*_: object) -> None:
    """Stand for a kill."""
    raise KeyboardInterrupt


def test_what_is_missing_is_wrong_usage(three: Environments, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--name", "a", "--tracking-uri", three.uris["DEV"], "--environment", "DEV"]
    with pytest.raises(SystemExit):
        promote.main([*words, "--ledger", str(three.ledger), "--promotion", str(three.folder / "p")])
    said = capsys.readouterr().err
    assert "to promote, --source-uri and --source-environment must be given" in said


def test_the_promotion_is_written(three: Environments, binary: Trained) -> None:
    three.register("DEV", three.model(binary.model, "one"), "--alias", "champion")
    three.promote("DEV", "TEST")
    written = json.loads((three.folder / "promotion" / "promotion.json").read_text(encoding="utf-8"))
    entry = ledger.read(three.ledger)[-1]
    assert written == {name: entry[name] for name in written}
    assert (written["event"], written["environment"], written["number"]) == ("promoted", "TEST", 3)
