"""Services and packages through the real SDK: what ``deploying.py`` found with the emulator."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import score
from modelling import models
from operation.emulator import tokens
from tabular import tables
from tests.operation.engine.delivery.serving.running import serving
from tests.src.conftest import flights  # noqa: F401 - a fixture
from tests.src.requesting import request, rows
from tests.src.running import Trained, run

HERE, ROOT = Path(__file__).parent, Path(__file__).resolve().parents[3]
NUMBER = 1000
NOTEBOOK = """
import json, pathlib, sys
sys.path.insert(0, {src!r})
import score
score.init(["--model", {model!r}])
rows = json.loads(pathlib.Path({rows!r}).read_text(encoding="utf-8"))
found = score.run({{"data": rows}}).document["predictions"]
pathlib.Path({out!r}).write_text(json.dumps(found), encoding="utf-8")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("deploying")


@pytest.fixture(scope="module")
def holdout(flights: Trained, folder: Path) -> list[dict[str, Any]]:  # noqa: F811
    """Return 1,000 flights that training did not see, as a client sends them."""
    table = tables.read_table(flights.holdout).head(NUMBER)
    assert len(table) == NUMBER
    table.to_parquet(folder / "holdout.parquet")
    records = rows(flights, table)
    (folder / "rows.json").write_text(json.dumps(records), encoding="utf-8")
    return records


@pytest.fixture(scope="module")
def another(flights: Trained, folder: Path) -> Path:  # noqa: F811
    """Return a second model of the same flights."""
    run("train", *flights.trained_into(folder / "another"), "--max-iter", "20")
    return folder / "another"


@pytest.fixture(scope="module")
def found(
    run_with_emulator: Callable[..., str],
    emulator_folder: Path,
    flights: Trained,  # noqa: F811
    another: Path,
    holdout: list[dict[str, Any]],
    folder: Path,
) -> dict[str, Any]:
    """Return what became of each attempt in tests/operation/execution/deploying.py."""
    assert len(holdout) == NUMBER
    expired = tokens.token(tokens.signing_key(emulator_folder), "management", -60, "https://localhost")
    root = folder / "project"
    root.mkdir()
    words = [str(one) for one in (root, flights.model, another, folder / "rows.json", expired)]
    code = f"""import runpy, sys
sys.path[:0], sys.argv = {[str(ROOT), str(ROOT / "src")]!r}, ['', *{words!r}]
runpy.run_path({str(HERE / "deploying.py")!r}, run_name='__main__')"""
    answers: dict[str, Any] = json.loads(run_with_emulator(code, folder=root).splitlines()[-1])
    return answers


def said(outcome: dict[str, Any]) -> list[str]:
    """Return what was said, but for how long something has been going on: a matter of the machine."""
    return [line for line in outcome["lines"] if not re.search(r" for \d+ s$", line)]


def test_a_model_that_the_workspace_does_not_have_is_not_deployed(found: dict[str, Any]) -> None:
    assert found["unregistered"]["code"] == 2
    last = found["unregistered"]["lines"][-1]
    assert last.startswith("error: the champion of 'flights' (digest ")
    assert last.endswith(
        ") is not registered in workspace amlworkbenchdev. Add --register, or promote it from another "
        "environment: python3 -m operation models promote"
    )
    assert found["no such version"]["code"] == 2
    assert (
        "model 'flights' in workspace amlworkbenchdev has no version 7. It has: 2 ("
        in (found["no such version"]["lines"][-1])
    )


def test_a_service_is_there_once_the_model_has_answered(
    found: dict[str, Any],
    flights: Trained,  # noqa: F811
) -> None:
    digest = models.read_facts(flights.model)["digest"]
    lines = said(found["deployed"])
    assert found["deployed"]["code"] == 0, lines
    assert lines[0] == f"model flights:1 ({digest[:12]}), registered now, to flights (aci)"
    assert f"  flights: answers a row with the model flights:1 ({digest[:12]})" in lines
    assert any(
        line.startswith("service flights (needs one of its keys): https://localhost:") for line in lines
    )
    assert found["aci"][0]["model"] == {"name": "flights", "version": "1", "digest": digest}
    assert found["without a key"] == 401


def test_nothing_is_said_that_a_person_can_do_nothing_about(found: dict[str, Any]) -> None:
    lines = [line for name in ("deployed", "replaced", "half", "packaged") for line in found[name]["lines"]]
    ours = ("model ", "service ", "  ", "done in ", "package: ", "Unable to log into Docker registry")
    assert [line for line in lines if not line.startswith(ours)] == []


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        ("no start", "RuntimeError: no model for you"),
        ("no answer", "RuntimeError: no answer for you"),
    ],
)
def test_what_answered_before_goes_on_where_the_new_one_does_not(
    found: dict[str, Any],
    flights: Trained,  # noqa: F811
    attempt: str,
    message: str,
) -> None:
    outcome = found[attempt]
    assert outcome["code"] == 1
    (first,) = [line for line in outcome["lines"] if line.startswith("error: ")]
    script = {"no start": "score.py", "no answer": "scoring/scorer.py"}[attempt]
    assert first.startswith(f"error: service flights-next: src/{script}:"), outcome["lines"]
    assert first.endswith(f": {message}")
    assert any(line.startswith("  | ") and message in line for line in outcome["lines"])
    assert outcome["lines"][-1] == "The whole log: runs/deployments/flights-next.log"
    assert found["old goes on"] == [models.read_facts(flights.model)["digest"]]


def test_another_model_takes_a_service_over_once_it_has_answered_beside_it(
    found: dict[str, Any], another: Path
) -> None:
    digest = models.read_facts(another)["digest"]
    assert found["replaced"]["code"] == 0, found["replaced"]["lines"]
    answered = f"answers a row with the model flights:2 ({digest[:12]})"
    assert said(found["replaced"])[1:5] == [
        "service flights exists: trying the model beside it first",
        f"  flights-next: {answered}",
        "  flights: switching to the model",
        f"  flights: {answered}",
    ]
    assert found["new answers"] == [digest]


def test_a_container_has_no_requests_to_share(found: dict[str, Any]) -> None:
    assert found["challenger"]["code"] == 2
    assert found["challenger"]["lines"] == [
        "error: configuration/deployment/aci.yml is of kind aci: a container answers every request. "
        "--challenger and --traffic are for kind aks. Name a file of that kind with --to."
    ]


def test_a_challenger_has_its_share_and_loses_it_with_one_command(
    found: dict[str, Any],
    flights: Trained,  # noqa: F811
    another: Path,
) -> None:
    first, second = (models.read_facts(one)["digest"] for one in (flights.model, another))
    assert found["nobody"]["lines"] == ["error: there is no service large. Deploy its champion first."]
    assert found["half"]["code"] == 0, found["half"]["lines"]
    assert f"  large/v2-{second[:8]}: receives 50 % of the requests" in found["half"]["lines"]
    assert set(found["both"]) == {first, second}
    assert said(found["back"])[0] == f"  large/v2-{second[:8]}: receives 0 % of the requests"
    assert set(found["one"]) == {first}
    print(f"\nrolled back in {found['seconds back']:.1f} s, with the workspace opened")


def test_a_version_that_is_there_takes_over_and_nothing_starts(found: dict[str, Any], another: Path) -> None:
    assert found["switched"]["code"] == 0, found["switched"]["lines"]
    assert set(found["other"]) == {models.read_facts(another)["digest"]}


def test_what_is_deployed_is_listed(found: dict[str, Any]) -> None:
    shown = [" ".join(line.split()[:4]) for line in found["listed"]["lines"]]
    assert shown[0].startswith("flights aci Healthy flights:2")
    assert shown[1].startswith("large aks Healthy flights:1")
    assert found["listed"]["lines"][2].endswith("the remaining requests")
    assert found["listed"]["lines"][3].endswith("50 % of them")


@pytest.mark.parametrize(
    ("attempt", "code", "message"),
    [
        (
            "huge",
            1,
            "error: deploy: WebserviceException: the replicas ask for 20 cores, and the cluster aks-test has "
            "12",
        ),
        (
            "nowhere",
            2,
            "error: workspace amlworkbenchdev has no cluster 'aks-tset'. Did you mean 'aks-test'? It has: "
            "aks-test. Add a line 'vm-size: ...' to configuration/deployment/nowhere.yml to have it created.",
        ),
        (
            "deleted again",
            2,
            "error: workspace amlworkbenchdev has no service 'lagre'. It has: flights.",
        ),
        (
            "packaged again",
            2,
            "error: {root}/context exists. Name a new folder, or remove it.",
        ),
        (
            "image",
            1,
            "error: the package of {model} was not built: the emulator builds no images: package with "
            "generate_dockerfile=True and build the saved context",
        ),
    ],
)
def test_a_failure_is_one_message(
    found: dict[str, Any],
    flights: Trained,  # noqa: F811
    folder: Path,
    attempt: str,
    code: int,
    message: str,
) -> None:
    digest = models.read_facts(flights.model)["digest"]
    values = {"root": folder / "project", "model": f"flights:1 ({digest[:12]})"}
    assert found[attempt]["code"] == code
    assert found[attempt]["lines"][-1] == message.format(**values)


def test_an_expired_token_is_one_sentence(found: dict[str, Any]) -> None:
    assert found["expired"]["code"] == 1
    assert found["expired"]["lines"][-1].startswith("error: deploy: ")
    assert "The token expired" in found["expired"]["lines"][-1]


def test_a_package_holds_the_model_and_what_the_script_imports(found: dict[str, Any], folder: Path) -> None:
    assert found["packaged"]["code"] == 0, found["packaged"]["lines"]
    context = folder / "project" / "context"
    assert "azmlinfsrv" in (context / "Dockerfile").read_text(encoding="utf-8")
    names = {path.name for path in context.rglob("*") if path.is_file()}
    assert {"score.py", "features.py", "model.pickle", "model.json"} <= names
    assert not {"train.py", "plots.py", "ingest.py"} & names


def digest(predictions: Sequence[dict[str, Any]]) -> str:
    """Return a digest of predictions, to the bit."""
    whole = hashlib.sha256()
    for one in predictions:
        whole.update(one["prediction"].encode() + struct.pack("<d", one["probability"]))
    return whole.hexdigest()


def in_a_notebook(model: Path, folder: Path) -> list[dict[str, Any]]:
    import nbformat
    from nbclient import NotebookClient

    out = folder / "predicted.json"
    places = {"src": ROOT / "src", "model": model, "rows": folder / "rows.json", "out": out}
    source = NOTEBOOK.format(**{name: str(path) for name, path in places.items()})
    cell: dict[str, Any] = {"cell_type": "code", "id": "score", "metadata": {}, "outputs": []}
    cells = [{**cell, "source": source, "execution_count": None}]
    text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    notebook = nbformat.reads(text, 4)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, kernel_name="python3").execute()
    answers: list[dict[str, Any]] = json.loads(out.read_text(encoding="utf-8"))
    return answers


def in_batch(model: Path, folder: Path) -> list[dict[str, Any]]:
    words = ["--table", folder / "holdout.parquet", "--scores", folder / "scores"]
    run("batch_score", "--model", model, *words)
    scores = tables.read_table(folder / "scores")
    return [
        dict(zip(("prediction", "probability"), one, strict=True))
        for one in zip(scores["prediction"], scores["probability"], strict=True)
    ]


def by_the_local_server(model: Path, records: list[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    with serving(folder, "--model", model, "--no-log") as service:
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
        connection.request("POST", "/score", request(*records))
        answers: list[dict[str, Any]] = json.loads(connection.getresponse().read())["predictions"]
    return answers


def one_by_one(model: Path, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    score.init(["--model", str(model)])
    return [score.run({"data": [one]}).document["predictions"][0] for one in records]


def test_the_same_rows_give_the_same_bits_in_every_way(
    found: dict[str, Any],
    flights: Trained,  # noqa: F811
    holdout: list[dict[str, Any]],
    folder: Path,
) -> None:
    predicted = {
        "notebook, all at once": in_a_notebook(flights.model, folder),
        "score.run, one by one": one_by_one(flights.model, holdout),
        "batch_score": in_batch(flights.model, folder),
        "serve, all at once": by_the_local_server(flights.model, holdout, folder),
        "ACI in emulator, by hundreds": [row for one in found["aci"] for row in one["predictions"]],
        "AKS in emulator, all at once": found["aks"][0]["predictions"],
    }
    digests = {way: digest(rows) for way, rows in predicted.items()}
    print("", *(f"{way:<30} {len(predicted[way])} rows  {one}" for way, one in digests.items()), sep="\n")
    assert {len(rows) for rows in predicted.values()} == {NUMBER}
    assert len(set(digests.values())) == 1, digests
