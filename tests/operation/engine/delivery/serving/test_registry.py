"""From training to a verdict, through processes: real flights, a registry, a service that goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

import replay_traffic
from modelling import models
from operation.engine.delivery.serving.models import ask_to_look, read_status
from support import step
from support.registry import open_registry
from tabular import tables
from tests.operation.engine.delivery.serving.running import ROOT, Service, serving, wait_until
from tests.src.conftest import flights  # noqa: F401 - a fixture
from tests.src.promoting import decision
from tests.src.requesting import request, rows
from tests.src.running import Trained, child, run

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are a matter of POSIX")
ASKED = 300


@dataclass
class Live:
    """A service of the registry's champion and challenger, in a project of its own."""

    service: Service
    root: Path
    trained: Trained

    def workbench(self, *words: object) -> subprocess.CompletedProcess[str]:
        """Run a command of the workbench in this project."""
        command = [sys.executable, "-m", "operation", *map(str, words)]
        own = {"WORKBENCH_ROOT": str(self.root), "WORKBENCH_PYTHON": "current"}
        environment = {**os.environ, **own}
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    def train(self, name: str, *words: object) -> Path:
        """Train another model of the same flights."""
        folder = self.root / "trained" / name
        run("train", *self.trained.trained_into(folder), *words)
        return folder

    @property
    def first(self) -> Path:
        """Return the first champion."""
        return self.root / "trained" / "first"

    @property
    def uri(self) -> str:
        """Return where the registry is."""
        return f"sqlite:///{self.root / 'runs' / 'mlflow.db'}"

    def register(self, model: Path, alias: str) -> None:
        """Register a model beside those that are there."""
        run("register", *registering(self.root, model, alias))

    def digest(self) -> str:
        """Return whose answer a request gets."""
        status, document = self.service.scored(request(rows(self.trained)[0]))
        assert status == 200, document
        return str(document["model"]["digest"])

    def wait_until_served(self, digest: str) -> None:
        """Wait until this model answers, and no other does."""
        state = self.root / "runs/serving" / str(self.service.port)
        wait_until(lambda: self.digest() == digest and bool(read_status(state)["settled"]), self.service.text)

    def counted(self, line: str) -> float:
        """Return a metric."""
        text = self.service.asked("GET", "/metrics")[2].decode()
        found = [one for one in text.splitlines() if one.rpartition(" ")[0] == line]
        assert len(found) == 1, text
        return float(found[0].rpartition(" ")[2])


def registering(root: Path, model: Path, alias: str) -> list[object]:
    """Return the words that register a model."""
    report = root / "report"
    report.mkdir(exist_ok=True)
    step.write_json({"roc_auc": 0.7}, report / "metrics.json")
    uri = f"sqlite:///{root / 'runs' / 'mlflow.db'}"
    words = ["--name", "flights", "--tracking-uri", uri, "--alias", alias]
    words += ["--ledger", str(root / "runs" / "ledger.jsonl"), "--environment", "DEV"]
    words += ["--decision", str(decision(root / "accepted", model))]
    return ["--model", model, "--report", report, *words, "--registration", root / "r"]


def digest_of(model: Path) -> str:
    return str(models.read_facts(model)["digest"])


@pytest.fixture(scope="module")
def live(flights: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:  # noqa: F811
    root = tmp_path_factory.mktemp("project")
    for name in ("src", "configuration", "notebooks"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "requirements.lock", root)
    model = root / "trained" / "first"
    for done in (
        child("train", *flights.trained_into(model), "--max-iter", 60),
        child("register", *registering(root, model, "champion")),
    ):
        assert done.returncode == 0, done.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORKBENCH_ROOT", str(root))
        with serving(root, "--model", "champion", "--use-case", "flights") as service:
            yield Live(service, root, flights)


def test_the_champion_of_the_registry_answers(live: Live) -> None:
    assert f"serving flights version 1 ({digest_of(live.first)[:12]}) at " in live.service.text()
    assert live.digest() == digest_of(live.first)


def test_a_challenger_is_added_while_it_serves_and_compared(live: Live, tmp_path: Path) -> None:
    assert live.workbench("split", "0.5", "--port", live.service.port).returncode == 2
    simple = live.train("simple", "--estimator", "linear")
    live.register(simple, "challenger")
    port = ["--port", live.service.port]
    done = live.workbench("split", "--challenger", "challenger", "--use-case", "flights", *port)
    known = f"flights version 2 ({digest_of(simple)[:12]})"
    said = f"Challenger {known} is loaded and receives 0 % of traffic."
    assert done.stdout.splitlines()[-1:] == [said], done.stderr
    assert live.workbench("split", "0.5", *port).returncode == 0
    sent, model = rows(live.trained)[:ASKED], models.load(live.first)
    answers = [live.service.scored(request(row), x_request_id=f"r{place}") for place, row in enumerate(sent)]
    assert {status for status, _ in answers} == {200}
    assert {one["model"]["digest"] for _, one in answers} == {digest_of(simple), digest_of(live.first)}
    for variant, folder in (("champion", live.first), ("challenger", simple)):
        labels = f'model="{digest_of(folder)}",status="200",variant="{variant}"'
        of_it = sum(one["model"]["digest"] == digest_of(folder) for _, one in answers)
        assert live.counted(f"score_variant_requests_total{{{labels}}}") >= of_it > 100
    holdout = tables.read_table(live.trained.holdout).head(ASKED)
    labels_file = tmp_path / "labels.csv"
    names = [f"r{place}" for place in range(ASKED)]
    came = replay_traffic.labels_of(model, holdout)
    came.to_frame("label").assign(request_id=names).to_csv(labels_file, index=False)
    done = live.workbench("outcomes", "add", labels_file)
    assert f"{ASKED} of " in done.stdout, done.stderr
    words = ["--use-case", "flights", "--log", live.root / "runs/scored/joined"]
    done = live.workbench("step", "compare_variants", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    (verdict,) = (live.root / "runs/store").glob("*/report/verdict.json")
    found = json.loads(verdict.read_text(encoding="utf-8"))
    assert found["models"] == {"champion": digest_of(live.first), "challenger": digest_of(simple)}
    assert found["answer"]


def test_another_champion_is_taken_from_the_registry(live: Live) -> None:
    other = live.train("other", "--max-iter", 20)
    live.workbench("split", "0", "--port", live.service.port)
    live.register(other, "champion")
    live.wait_until_served(digest_of(other))


def test_a_rollback_serves_the_model_before_without_a_failed_request(live: Live) -> None:
    other, first, ended = live.digest(), digest_of(live.first), threading.Event()

    def ask() -> list[str]:
        answers = []
        while not ended.is_set():
            answers.append(live.digest())  # fails unless the status is 200
        return answers

    with ThreadPoolExecutor(1) as client:
        asked = client.submit(ask)
        began = time.monotonic()
        done = live.workbench("models", "rollback", "--registry", "--use-case", "flights")
        seconds = time.monotonic() - began
        assert done.returncode == 0, done.stderr
        assert live.digest() == first
        ended.set()
        answers = asked.result()
    print(f"{len(answers)} requests answered during a rollback of {seconds:.1f} s")
    assert answers == sorted(answers, key=[other, first].index)  # one exchange, and none back
    assert done.stdout.splitlines()[-1] == (
        f"port {live.service.port}: serves flights version 1 ({first[:12]})"
    )
    live.register(live.root / "trained" / "other", "champion")
    ask_to_look(live.root / "runs/serving" / str(live.service.port))
    live.wait_until_served(other)


def test_a_bad_model_is_refused_and_the_one_before_goes_on(live: Live) -> None:
    good, refused = live.digest(), 'score_models_refused_total{variant="champion"}'
    before = live.counted(refused)
    bad = live.train("bad", "--max-iter", 10)
    live.register(bad, "challenger")
    version = open_registry(live.uri).get_model_version_by_alias("flights", "challenger").version
    content = bytearray((bad / "model.pickle").read_bytes())
    content[1000] ^= 1
    (bad / "model.pickle").write_bytes(content)
    open_registry(live.uri).set_registered_model_alias("flights", "champion", version)
    live.service.process.send_signal(signal.SIGHUP)  # it looks at once
    wait_until(lambda: live.counted(refused) > before, live.service.text)
    assert live.digest() == good
    assert "Rejected the new champion; still serving flights version 3 (" in live.service.text()
    (live.root / "trained/other/model.pickle").write_bytes(content)
    (worker,) = live.service.workers()
    os.kill(worker, 9)
    wait_until(lambda: live.service.workers() not in ([], [worker]), live.service.text)
    live.wait_until_served(good)  # a process that is started again has it too: it was kept


def test_a_model_of_before_there_were_schemas_is_to_be_trained_again(live: Live, tmp_path: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(live.root / "trained" / "simple", old)
    facts = json.loads((old / "model.json").read_text(encoding="utf-8"))
    del facts["schema"]
    (old / "model.json").write_text(json.dumps(facts), encoding="utf-8")
    done = live.workbench("split", "--challenger", old, "--port", live.service.port)
    assert done.returncode == 1
    assert done.stderr.startswith("error: Rejected the new challenger; still serving flights version 2 (")
    assert done.stderr.endswith(f": {old} was trained by an earlier version of these scripts: retrain it\n")
