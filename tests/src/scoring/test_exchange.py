"""The model is exchanged while requests come: each is answered whole by one model, and kept in its log."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import score
from scoring import scored_parts
from scoring.scorer import ScoreResponse
from support import step
from tests.src.requesting import request, rows
from tests.src.running import Trained, run


@pytest.fixture(scope="module")
def models(binary: Trained, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    constant = tmp_path_factory.mktemp("constant") / "model"
    run("train", *binary.trained_into(constant), "--estimator", "constant")
    return binary.model, constant


def digest_of(answer: ScoreResponse) -> str:
    return str(answer.document["model"]["digest"])


def test_under_load_every_request_is_answered_and_kept_once(
    models: tuple[Path, Path], binary: Trained, tmp_path: Path
) -> None:
    log, body, stop = tmp_path / "log", request(rows(binary)[0]), threading.Event()
    score.init(["--model", str(models[0]), "--log", str(log)])
    expected = {}
    for model in models:
        score.init(["--model", str(model), "--log", str(log)])
        answer = score.run(body, {"x-request-id": "first"})
        expected[digest_of(answer)] = answer.document["predictions"]

    def work(number: int) -> list[tuple[str, str]]:
        said: list[tuple[str, str]] = []
        while not stop.is_set():
            name = f"{number}-{len(said)}"
            answer = score.run(body, {"x-request-id": name})
            assert answer.status == 200
            assert answer.document["predictions"] == expected[digest_of(answer)]
            said.append((name, digest_of(answer)))
        return said

    with ThreadPoolExecutor(4) as pool:
        working = [pool.submit(work, number) for number in range(4)]
        for exchange in range(10):
            score.init(["--model", str(models[exchange % 2]), "--log", str(log)])
        stop.set()
        said = [pair for one in working for pair in one.result()]
    assert len({digest for _, digest in said}) == 2
    kept = scored_parts.read(log)
    kept = kept[kept["request_id"] != "first"]
    assert Counter(zip(kept["request_id"], kept["model_digest"], strict=True)) == Counter(said)


def test_a_request_that_has_begun_is_answered_by_the_old_model_whose_log_is_closed_then(
    models: tuple[Path, Path], binary: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, body = tmp_path / "log", request(rows(binary)[0])
    score.init(["--model", str(models[0]), "--log", str(log)])
    old = score.ready()
    begun, go_on = threading.Event(), threading.Event()
    predict = old.model.features.transform

    def slow(columns: object) -> object:
        begun.set()
        assert go_on.wait(60)
        return predict(columns)

    monkeypatch.setitem(old.model.features.__dict__, "transform", slow)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(score.run, body, {"x-request-id": "begun before"})
        assert begun.wait(60)
        score.init(["--model", str(models[1])])
        assert digest_of(score.run(body)) == score.ready().identity["digest"]
        assert list(log.glob("*.open.jsonl"))
        go_on.set()
        assert digest_of(waiting.result()) == old.identity["digest"]
    for thread in threading.enumerate():
        if thread.name == "replaced":
            thread.join(60)
    assert not list(log.glob("*.open.jsonl"))
    assert scored_parts.read(log)["model_digest"].tolist() == [old.identity["digest"]]


def test_where_the_new_model_cannot_be_loaded_the_old_one_goes_on(
    models: tuple[Path, Path], binary: Trained, tmp_path: Path
) -> None:
    score.init(["--model", str(models[0])])
    before = score.ready()
    with pytest.raises(step.StepError):
        score.init(["--model", str(tmp_path)])
    assert score.ready() is before
    assert score.run(request(rows(binary)[0])).status == 200


def test_who_observes_a_model_observes_the_one_that_replaces_it(
    models: tuple[Path, Path], binary: Trained
) -> None:
    seen: list[tuple[object, ...]] = []
    score.init(["--model", str(models[0])])
    score.scorers()["champion"].observed = lambda *told: seen.append(told)
    score.init(["--model", str(models[1])])
    score.run(request(rows(binary)[0]))
    assert [(variant, status, rows) for variant, status, _, rows, _ in seen] == [("champion", 200, 1)]
    score.scorers()["champion"].observed = None
