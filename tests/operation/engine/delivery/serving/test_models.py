"""Models that are looked up again: what is bad is refused, what is new is told, nothing is asked in vain."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from operation.engine.delivery.serving.lookup import (
    ModelLookup,
    RequestedChallenger,
    request_challenger,
    verified_copy,
)
from operation.engine.delivery.serving.models import Models, acknowledge, read_status
from operation.engine.delivery.serving.settings import ServedModel, Settings
from operation.engine.foundation.errors import StepFailed
from operation.engine.foundation.layout import Layout
from support.registry import open_registry


def model(digest: str) -> ServedModel:
    return ServedModel(Path("somewhere"), "flights", "1", digest * 64)


def settings(state: Path) -> Settings:
    return Settings(Path("src"), ("--threshold", "0.3"), "127.0.0.1", 5001, (), state)


class Finder:
    """Finds what it is told to, and counts how often it was asked."""

    def __init__(self, found: ServedModel | None) -> None:
        self.found, self.seen, self.asked, self.error = found, 0, 0, ""

    def __call__(self) -> ServedModel | None:
        self.asked += 1
        if self.error:
            raise StepFailed(self.error)
        return self.found

    def signature(self) -> int:
        return self.seen


def begun(tmp_path: Path, seconds: float = 0.0) -> tuple[Models, Finder, Finder, list[str]]:
    champion, challenger, fresh = Finder(model("a")), Finder(None), list[str]()
    models = Models(
        settings(tmp_path),
        champion,  # type: ignore[arg-type]
        challenger,
        lambda found: fresh.append(found.digest[0]),
        seconds,
    )
    models.begin()
    return models, champion, challenger, fresh


def test_nothing_is_looked_up_where_nothing_has_changed(tmp_path: Path) -> None:
    models, champion, challenger, _ = begun(tmp_path)
    models.look()
    assert read_status(tmp_path)["number"] == 1
    challenger.seen, challenger.found = 1, model("b")
    models.look()
    models.look()
    assert (champion.asked, challenger.asked) == (1, 2)
    document = read_status(tmp_path)
    assert (document["number"], document["served"]["challenger"]) == (2, str(model("b")))
    assert document["arguments"][-2:] == ["--threshold", "0.3"]
    assert "--challenger" in document["arguments"]


def test_what_changes_all_the_time_is_not_asked_all_the_time(tmp_path: Path) -> None:
    models, champion, _, _ = begun(tmp_path, seconds=1000)
    champion.seen, champion.found = 1, model("b")
    models.look()
    assert models.champion == model("a")
    models.renew()  # unless somebody wants to know
    assert models.champion == model("b")


def test_a_bad_model_leaves_the_one_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models, champion, challenger, _ = begun(tmp_path)
    champion.error, champion.found = "it is broken", model("b")
    challenger.found = model("c")
    models.renew()
    document = read_status(tmp_path)
    assert document["served"] == {"champion": str(model("a")), "challenger": str(model("c"))}
    said = "Rejected the new champion; still serving flights version 1 (aaaaaaaaaaaa): it is broken"
    assert capsys.readouterr().err == f"{said}\n"
    assert (document["refused"], document["message"]) == ({"champion": 1, "challenger": 0}, said)
    models.renew()
    assert read_status(tmp_path)["refused"]["champion"] == 2


def test_what_is_told_is_settled_once_every_process_has_loaded_it(tmp_path: Path) -> None:
    models, champion, _, _ = begun(tmp_path)
    assert not models.settle()
    acknowledge(tmp_path, 1)
    assert models.settle()
    assert read_status(tmp_path)["settled"]
    champion.found = model("b")
    models.renew()
    assert not read_status(tmp_path)["settled"]
    assert not models.settle()


def test_a_model_that_no_process_can_load_is_refused_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models, champion, _, _ = begun(tmp_path)
    acknowledge(tmp_path, 1)
    models.settle()
    champion.found = model("b")
    models.renew()
    acknowledge(tmp_path, 2, "out of memory")
    assert not models.settle()
    assert models.champion == model("a")
    assert read_status(tmp_path)["refused"]["champion"] == 1
    said = "Rejected the new champion; still serving flights version 1 (aaaaaaaaaaaa): out of memory\n"
    assert capsys.readouterr().err == said
    acknowledge(tmp_path, 3)
    assert models.settle()


def test_another_challenger_begins_anew_and_the_same_one_does_not(tmp_path: Path) -> None:
    models, _, challenger, fresh = begun(tmp_path)
    for digest in "bbc":
        challenger.found = model(digest)
        models.renew()
    assert fresh == ["b", "c"]


def test_what_goes_wrong_at_the_beginning_is_an_error(tmp_path: Path) -> None:
    champion = Finder(None)
    champion.error = "there is none"
    with pytest.raises(StepFailed, match="there is none"):
        Models(settings(tmp_path), champion).begin()  # type: ignore[arg-type]


def test_a_folder_is_another_when_its_files_are(tmp_path: Path) -> None:
    lookup = ModelLookup(Layout(tmp_path), ["--model", str(tmp_path / "m")], tmp_path)
    (tmp_path / "m").mkdir()
    found = [lookup.signature()]
    for text in ("one", "another"):
        (tmp_path / "m" / "model.json").write_text(text, encoding="utf-8")
        found.append(lookup.signature())
    assert len(set(found)) == 3
    assert lookup.signature() == found[-1]


def test_an_alias_is_another_when_it_moves_and_not_when_others_do(tmp_path: Path) -> None:
    client = open_registry(f"sqlite:///{tmp_path / 'registry.db'}")
    client.create_registered_model("flights")
    for number in "12":
        client.create_model_version("flights", f"file:///{number}", await_creation_for=0)
    words = ["--name", "flights", "--tracking-uri", "sqlite:///registry.db", "--alias", "champion"]
    lookup = ModelLookup(Layout(tmp_path), words, tmp_path)
    found = [lookup.signature()]
    assert lookup.signature() == found[0]
    for alias, version in (("champion", "1"), ("challenger", "2"), ("champion", "2")):
        client.set_registered_model_alias("flights", alias, version)
        found.append(lookup.signature())
    assert found[0] != found[1] == found[2] != found[3]


def test_what_was_verified_is_served_though_the_original_changes(tmp_path: Path) -> None:
    original = tmp_path / "original"
    original.mkdir()
    for name in ("model.json", "model.pickle"):
        (original / name).write_text(name, encoding="utf-8")
    served = ServedModel(original, None, None, "d" * 64)
    folder = verified_copy(served, tmp_path / "kept")
    (original / "model.pickle").write_text("spoilt", encoding="utf-8")
    assert verified_copy(served, tmp_path / "kept") == folder
    assert (folder / "model.pickle").read_text(encoding="utf-8") == "model.pickle"


def test_nobody_asked_for_is_no_challenger(tmp_path: Path) -> None:
    requested = RequestedChallenger(Layout(tmp_path), tmp_path / "asked.json", tmp_path)
    assert requested() is None
    before = requested.signature()
    request_challenger(tmp_path / "asked.json", [])
    assert requested() is None
    assert requested.signature() != before
    assert json.loads((tmp_path / "asked.json").read_text(encoding="utf-8")) == []
