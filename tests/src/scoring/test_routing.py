"""Routing: real models behind one door, a plan that changes while requests come."""

from __future__ import annotations

import json
import logging
import shlex
import threading
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import score
from scoring import scored_parts
from scoring.routing import Router
from scoring.scored_form import Redaction
from scoring.scored_log import Limits, ScoredLog
from scoring.scorer import Scorer, ScoreResponse
from scoring.served_model import Served
from scoring.split_plan import LivePlan, Plan, read_plan, write_plan
from scoring.variants import Split, position
from support import step
from tests.src.requesting import request, rows
from tests.src.running import Trained, error_of, run

KEYS = [f"customer {number}" for number in range(80)]


@pytest.fixture(scope="module")
def scorers(binary: Trained, tmp_path_factory: pytest.TempPathFactory) -> tuple[Scorer, Scorer]:
    """A champion, and a challenger that says the same of every row."""
    constant = tmp_path_factory.mktemp("constant") / "model"
    run("train", *Trained.trained_into(binary, constant), "--estimator", "constant")
    served = [Served(folder) for folder in (binary.model, constant)]
    first, second = (Scorer(one, one.load(), 0.5, 100) for one in served)
    return first, second


class Service:
    """A router with a plan in a file and a log."""

    def __init__(self, champion: Scorer, challenger: Scorer, folder: Path) -> None:
        self.file, self.log = folder / "plan.json", folder / "log"
        self.names = {
            one.identity["digest"]: name for one, name in ((champion, "champion"), (challenger, "challenger"))
        }
        for scorer in (champion, challenger):
            scorer.log = ScoredLog(self.log, scorer.model.features, Redaction(), Limits())
        self.router = Router(champion, challenger, LivePlan(self.file))

    def variant(self, text: str, key: str | None = None, request_id: str = "r") -> str:
        """Return who answered."""
        answer = self.router.answer(text, request_id, key)
        assert answer.status == 200
        return self.names[answer.document["model"]["digest"]]

    def logged(self) -> pd.DataFrame:
        """Return what the log says, once nothing waits."""
        self.router.close()
        return scored_parts.read(self.log)


@pytest.fixture
def service(scorers: tuple[Scorer, Scorer], tmp_path: Path) -> Iterator[Service]:
    made = Service(*scorers, tmp_path)
    yield made
    made.router.close()
    for scorer in scorers:
        assert scorer.log is not None
        scorer.log.close()
        scorer.log = None


@pytest.fixture
def text(binary: Trained) -> str:
    return request(rows(binary)[0])


def test_each_key_has_the_variant_that_the_split_gives_it(service: Service, text: str) -> None:
    write_plan(Plan(0.4, "one"), service.file)
    split = Split({"challenger": 0.4}, "one")
    said = [service.variant(text, key) for key in KEYS]
    assert said == [split.variant(key) for key in KEYS]
    assert set(said) == {"champion", "challenger"}
    assert [service.variant(text, None, key) for key in KEYS] == said


def test_the_log_says_who_answered_and_where_the_key_lies_but_not_the_key(
    service: Service, text: str
) -> None:
    write_plan(Plan(0.4, "one"), service.file)
    said = [service.variant(text, key, f"r-{key}") for key in KEYS]
    log = service.logged().set_index("request_id").loc[[f"r-{key}" for key in KEYS]]
    assert list(log["variant"]) == said
    assert list(log["model_digest"].map(service.names)) == said
    assert list(log["key"]) == [f"{position('one', key):016x}" for key in KEYS]
    assert not log["shadow"].any()


def test_no_plan_a_broken_one_and_a_rolled_back_one_leave_all_to_the_champion(
    service: Service, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    for content in (None, "{", '{"share": 2, "salt": "", "shadow": false}', '{"share": 1}'):
        if content is not None:
            service.file.write_text(content, encoding="utf-8")
        assert service.variant(text) == "champion"
    assert [record.message.partition(":")[0] for record in caplog.records] == [
        "the champion answers every request"
    ] * 3
    write_plan(Plan(1.0), service.file)
    assert service.variant(text) == "challenger"
    write_plan(Plan(0.0), service.file)
    assert service.variant(text) == "champion"


def test_each_request_after_a_new_plan_follows_it(service: Service, text: str) -> None:
    for share in [0.0, 1.0] * 25:
        write_plan(Plan(share), service.file)
        assert service.variant(text) == ("challenger" if share else "champion")


def test_no_request_meets_half_a_plan(service: Service, text: str, caplog: pytest.LogCaptureFixture) -> None:
    stop = threading.Event()

    def write() -> None:
        share = 0.0
        while not stop.is_set():
            share = 1.0 - share
            write_plan(Plan(share), service.file)

    write_plan(Plan(0.0), service.file)
    writer = threading.Thread(target=write)
    writer.start()
    said = [service.variant(text) for _ in range(300)]
    stop.set()
    writer.join()
    assert set(said) == {"champion", "challenger"}
    assert caplog.records == []


def test_in_shadow_the_champion_answers_and_the_challenger_is_heard(service: Service, text: str) -> None:
    write_plan(Plan(1.0, shadow=True), service.file)
    assert [service.variant(text, key, f"r-{key}") for key in KEYS] == ["champion"] * len(KEYS)
    log = service.logged()
    assert len(log) == 2 * len(KEYS)
    first, second = (log[log["shadow"] == shadow].sort_values("request_id") for shadow in (False, True))
    assert (set(first["variant"]), set(second["variant"])) == ({"champion"}, {"challenger"})
    assert list(first["key"]) == list(second["key"])
    assert list(first["request_id"]) == list(second["request_id"])


def test_a_request_that_is_refused_is_refused_by_the_champion(service: Service) -> None:
    for plan in (Plan(1.0), Plan(0.0, shadow=True)):
        write_plan(plan, service.file)
        assert service.router.answer("{}", "r").status == 400
    with pytest.raises(step.StepError):
        service.logged()


def test_a_client_does_not_pay_for_a_challenger_that_fails(
    service: Service,
    scorers: tuple[Scorer, Scorer],
    text: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*_: object) -> ScoreResponse:
        raise ZeroDivisionError

    monkeypatch.setattr(scorers[1].reader, "read", fails)
    with caplog.at_level(logging.ERROR):
        for plan in (Plan(1.0), Plan(0.0, shadow=True)):
            write_plan(plan, service.file)
            assert service.variant(text, None, "r-7") == "champion"
        assert len(service.logged()) == 2
    assert [record.message for record in caplog.records] == [
        "request r-7: the challenger failed, the champion answers",
        "request r-7: the challenger failed in shadow",
    ]


def test_the_scoring_script_holds_both_models(
    scorers: tuple[Scorer, Scorer], text: str, tmp_path: Path
) -> None:
    first, second = (str(scorer.served.folder) for scorer in scorers)
    write_plan(Plan(0.4, "one"), tmp_path / "plan.json")
    words = ["--model", first, "--challenger", shlex.join(["--model", second])]
    assert error_of(score.init, words) == "--challenger needs --plan: name the plan file of the split"
    score.init([*words, "--plan", str(tmp_path / "plan.json")])
    split, names = Split({"challenger": 0.4}, "one"), dict(zip((first, second), scorers, strict=True))
    for key in KEYS[:20]:
        answer = score.run(text, {"X-Variant-Key": key})
        expected = names[second if split.variant(key) == "challenger" else first]
        assert answer.document["model"] == expected.identity
    score.init(["--model", first])
    assert score.run(text, {"X-Variant-Key": KEYS[0]}).document["model"] == scorers[0].identity


def test_a_plan_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_plan(Plan(0.25, "é", True), tmp_path / "deep" / "plan.json")
    assert read_plan(tmp_path / "deep" / "plan.json") == Plan(0.25, "é", True)
    assert [one.name for one in (tmp_path / "deep").iterdir()] == ["plan.json"]


@pytest.mark.parametrize("share", [1.5, -0.1])
def test_a_share_that_is_none_is_not_written(share: float, tmp_path: Path) -> None:
    assert (
        error_of(write_plan, Plan(share), tmp_path / "plan.json")
        == f"the share of 'challenger' is {share:g}: give a number from 0 to 1"
    )
    assert not (tmp_path / "plan.json").exists()


@pytest.mark.parametrize("value", [True, "0.5", None, float("inf"), 2])
def test_a_file_that_is_no_plan(value: object, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({"share": value, "salt": "", "shadow": False}), encoding="utf-8")
    assert error_of(read_plan, file) == (
        f"{file} is not a plan: share must be a number from 0 to 1, salt text, shadow true or false"
    )
