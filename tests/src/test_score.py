"""The scoring script: finds and verifies its model, answers every request, tells no internals."""

from __future__ import annotations

import json
import logging
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest

import score
from modelling import models
from modelling.models import Model
from support import step
from tabular import tables
from tests.src.requesting import request, rows
from tests.src.running import Trained, error_of, run


@pytest.fixture(autouse=True)
def no_words_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCORE_ARGUMENTS", raising=False)
    monkeypatch.delenv("AZUREML_MODEL_DIR", raising=False)


def answered(text: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    answer = score.run(text, {name.replace("_", "-"): one for name, one in headers.items()})
    return answer.status, json.loads(answer.body())


@pytest.mark.parametrize("name", ["flights", "everything", "diabetes", "regression", "sparse", "multiclass"])
def test_answers_are_those_of_batch_to_the_bit(name: str, request_: Any, any_batch: Any) -> None:
    trained: Trained = request_(name)
    expected = any_batch(trained)
    score.init(["--model", str(trained.model)])
    sent = rows(trained)
    together = score.run(request(*sent[:1000])).document["predictions"]
    assert together == expected[:1000]
    alone = [score.run(request(row)).document["predictions"][0] for row in sent[:100]]
    assert alone == expected[:100]


@pytest.fixture
def request_(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue


@pytest.fixture
def any_batch(tmp_path: Path) -> Any:
    def batch(trained: Trained) -> list[dict[str, Any]]:
        words = ["--model", trained.model, "--table", trained.holdout, "--scores", tmp_path / "scores"]
        run("batch_score", *words)
        found: list[dict[str, Any]] = tables.read_table(tmp_path / "scores").to_dict("records")
        return found

    return batch


def test_an_answer_names_its_model_and_request(binary: Trained) -> None:
    score.init(["--model", str(binary.model)])
    status, document = answered(request(rows(binary)[0]), X_Request_Id="order-7")
    digest = models.read_facts(binary.model)["digest"]
    assert status == 200
    assert document["request_id"] == "order-7"
    assert document["model"] == {"name": None, "version": digest[:12], "digest": digest}
    assert list(document["predictions"][0]) == ["prediction", "probability"]


def test_an_id_that_is_none_is_replaced(binary: Trained) -> None:
    score.init(["--model", str(binary.model)])
    _, document = answered(request(rows(binary)[0]), x_request_id="a\nb")
    assert len(document["request_id"]) == 32


def test_a_mapping_is_as_good_as_its_json(binary: Trained) -> None:
    score.init(["--model", str(binary.model)])
    row = rows(binary)[0]
    assert score.run({"data": [row]}).document == score.run(request(row)).document
    assert score.run({"data": row}).document == score.run(request(row)).document


def test_a_bad_request_is_told_whole(binary: Trained) -> None:
    score.init(["--model", str(binary.model)])
    row = rows(binary)[0]
    status, document = answered(request({**row, "radius": "x"}, {**row, "textur": 1}))
    assert status == 400
    assert document["error"] == {
        "message": "the request has 2 problems",
        "problems": [
            {"row": 0, "column": "radius", "problem": "is text, not a number"},
            {
                "row": 1,
                "column": "textur",
                "problem": "is not a column of the model (did you mean 'texture'?)",
            },
        ],
    }
    status, document = answered("{")
    assert (status, document["error"]["problems"][0]["row"]) == (400, None)


def test_the_answer_to_many_problems_is_small(binary: Trained) -> None:
    score.init(["--model", str(binary.model)])
    answer = score.run('{"data": [' + ",".join(["{}"] * 1300) + "]}")
    assert answer.status == 400
    message = "the request has 5200 problems; the first 100 are listed"
    assert answer.document["error"]["message"] == message
    assert len(answer.body()) < 15_000


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_body_that_is_not_plain_utf_8_is_refused(encoding: str, binary: Trained) -> None:
    score.init(["--model", str(binary.model)])
    status, document = answered(request(rows(binary)[0]).encode(encoding))
    assert (status, len(document["error"]["problems"])) == (400, 1)


def test_an_unknown_level_is_answered_with_a_warning(binary: Trained) -> None:
    score.init(["--model", str(binary.model)])
    row = rows(binary)[1] | {"size": "gigantic"}
    _, document = answered(request(row))
    assert document["warnings"] == [
        {"row": 0, "column": "size", "problem": "'gigantic' was not in training: taken as missing"}
    ]
    missing = score.run(request(row | {"size": None})).document
    assert document["predictions"] == missing["predictions"]


def test_a_defect_is_logged_with_its_id_and_tells_nothing(
    binary: Trained, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    score.init(["--model", str(binary.model)])

    def broken(*_: object) -> None:
        raise ValueError("/secret/path")

    monkeypatch.setattr(Model, "predict_features", broken)
    with caplog.at_level(logging.ERROR):
        status, document = answered(request(rows(binary)[0]), x_request_id="order-8")
    assert status == 500
    assert document == {
        "error": {
            "message": "Unexpected error. Search the service's log for this request_id.",
            "problems": [],
        },
        "request_id": "order-8",
    }
    assert "request order-8 failed" in caplog.text
    assert "/secret/path" in caplog.text


def test_the_words_come_from_the_environment_in_a_service(
    binary: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "azureml-models" / "tumours" / "4"
    shutil.copytree(binary.model, place / "model")
    monkeypatch.setenv("AZUREML_MODEL_DIR", str(place))
    monkeypatch.setenv("SCORE_ARGUMENTS", "--threshold 0.999")
    score.init()
    document = score.run(request(*rows(binary))).document
    assert (document["model"]["name"], document["model"]["version"]) == ("tumours", "4")
    model = models.load(binary.model)
    expected = model.outputs(model.predict(tables.read_table(binary.holdout)), 0.999)
    assert [one["prediction"] for one in document["predictions"]] == expected["prediction"].tolist()


def test_an_alias_of_the_registry(binary: Trained, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    report = tmp_path / "report"
    report.mkdir()
    step.write_json({"roc_auc": 0.9}, report / "metrics.json")
    model = tmp_path / "a model"
    shutil.copytree(binary.model, model)
    words = ["--name", "tumours", "--tracking-uri", uri]
    registered = ["--model", model, "--report", report, "--alias", "champion"]
    run("register", *registered, *words, "--registration", tmp_path / "r")
    score.init(words)
    document = score.run(request(rows(binary)[0])).document
    assert (document["model"]["name"], document["model"]["version"]) == ("tumours", "1")

    # whoever puts another model there, complete and sound, has still not registered it
    facts = json.loads((model / "model.json").read_text(encoding="utf-8"))
    (model / "model.json").write_text(json.dumps({**facts, "digest": "0" * 64}), encoding="utf-8")
    assert error_of(score.init, words) == (
        f"{model} is not tumours version 1: its digest is 000000000000, expected "
        f"{facts['digest'][:12]}; it was not loaded, name the right model"
    )
    assert error_of(score.init, [*words, "--alias", "challenger"]) == (
        f"model 'tumours' has no alias 'challenger' in {uri}; its aliases: champion. "
        "Run register with --alias, or name the folder of a model"
    )
    with pytest.raises(step.StepError) as caught:
        score.init([*words, "--alias", "champoin"])
    assert " (did you mean 'champion'?); its aliases: champion." in str(caught.value)
    assert error_of(score.init, ["--name", "tumors", "--tracking-uri", uri]) == (
        f"{uri} has no model 'tumors' (did you mean 'tumours'?); its models: tumours. "
        "Run register, or name a folder"
    )


class Bomb:
    """Says so when it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return (pytest.fail, ("a pickle that nobody trained was loaded",))


@pytest.mark.parametrize("how", ["one byte", "bomb", "another model", "its facts"])
def test_a_model_that_training_did_not_write_is_refused_before_it_is_unpickled(
    how: str, binary: Trained, regression: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "m"
    shutil.copytree(binary.model, folder)
    content = bytearray((folder / "model.pickle").read_bytes())
    content[-100] ^= 1
    replaced = {"one byte": bytes(content), "bomb": pickle.dumps(Bomb())}
    if how == "its facts":
        shutil.copy(regression.model / "model.json", folder)
    else:
        other = (regression.model / "model.pickle").read_bytes()
        (folder / "model.pickle").write_bytes(replaced.get(how, other))
    monkeypatch.setattr(pickle, "loads", lambda *_: pytest.fail("it was unpickled"))
    with pytest.raises(step.StepError, match="is not the model that was trained"):
        score.init(["--model", str(folder)])


def test_another_model_than_the_one_asked_for(binary: Trained) -> None:
    with pytest.raises(step.StepError, match="is not the requested model: its digest is"):
        score.init(["--model", str(binary.model), "--digest", "0" * 64])


@pytest.mark.parametrize("digest", ["", "a", "abc", "0" * 63, "0" * 65, "g" * 64])
def test_a_digest_is_whole_or_wrong_usage(
    binary: Trained, digest: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        score.init(["--model", str(binary.model), "--digest", digest])
    assert stop.value.code == 2
    said = f"argument --digest: expected a whole SHA-256, 64 hexadecimal digits, got {digest!r}"
    assert said in capsys.readouterr().err


def test_no_model(tmp_path: Path, binary: Trained) -> None:
    assert error_of(score.init, []) == (
        "no model: give --model, or --name and --tracking-uri, or set AZUREML_MODEL_DIR"
    )
    assert error_of(score.init, ["--model", str(tmp_path)]) == (
        f"{tmp_path} holds no model: name its folder, the one with model.pickle and model.json"
    )
    for name in ("a", "b"):
        shutil.copytree(binary.model, tmp_path / name)
    assert error_of(score.init, ["--model", str(tmp_path)]) == (
        f"{tmp_path} holds 2 models: name one of them, the one with model.pickle and model.json"
    )
