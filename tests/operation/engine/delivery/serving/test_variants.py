"""Champion and challenger behind a real server: sticky, in shadow, rolled back by one command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from operation import cli
from scoring import scored_parts
from scoring.variants import Split
from tests.operation.engine.delivery.serving.running import ROOT, Service, serving, wait_until
from tests.src.requesting import request, rows
from tests.src.running import Trained, run

KEYS = [f"customer {number}" for number in range(40)]


@dataclass
class Variants:
    """A service of two models."""

    service: Service
    folder: Path
    body: str
    names: dict[str, str]

    def split(self, *words: str) -> str:
        """Run the command in a process of its own and return what it says."""
        done = subprocess.run(
            [sys.executable, "-m", "operation", "split", "--port", str(self.service.port), *words],
            cwd=ROOT,
            env={**os.environ, "WORKBENCH_RUNS": str(self.folder / "runs"), "WORKBENCH_PYTHON": "current"},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout + done.stderr

    def variant(self, key: str) -> str:
        """Return who answers `key`."""
        status, document = self.service.scored(self.body, X_Variant_Key=key)
        assert status == 200
        return self.names[document["model"]["digest"]]


@pytest.fixture(scope="module")
def variants(everything: Trained, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Variants]:
    folder = tmp_path_factory.mktemp("variants")
    other = folder / "constant"
    run("train", *everything.trained_into(other), "--estimator", "constant")
    names = {
        json.loads((place / "model.json").read_text(encoding="utf-8"))["digest"]: name
        for place, name in ((everything.model, "champion"), (other, "challenger"))
    }
    words = ["--model", everything.model, "--challenger", other, "--workers", 2]
    with serving(folder, *words) as service:
        yield Variants(service, folder, request(rows(everything)[0]), names)


def test_it_begins_with_the_champion(variants: Variants) -> None:
    assert {variants.variant(key) for key in KEYS} == {"champion"}


def test_both_processes_give_a_key_what_the_split_gives_it(variants: Variants) -> None:
    said = variants.split("0.4", "--salt", "one")
    assert said == "the challenger answers 0.4 of all keys, the champion the others\n"
    split = Split({"challenger": 0.4}, "one")
    for _ in range(2):
        assert [variants.variant(key) for key in KEYS] == [split.variant(key) for key in KEYS]


@dataclass
class Clients:
    """Clients that ask without a pause."""

    variants: Variants
    stop: threading.Event = field(default_factory=threading.Event)
    answers: list[tuple[float, str]] = field(default_factory=list)

    def ask(self, client: int) -> None:
        number = 0
        while not self.stop.is_set():
            number += 1
            begun = time.monotonic()
            self.answers.append((begun, self.variants.variant(f"{client} {number}")))


def test_rollback_is_one_command_and_every_request_after_it_is_the_champions(variants: Variants) -> None:
    variants.split("0.5")
    clients = Clients(variants)
    threads = [threading.Thread(target=clients.ask, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    text = variants.service.text
    wait_until(lambda: len({who for _, who in clients.answers}) == 2, text)
    begun = time.monotonic()
    said = variants.split("0")
    ended = time.monotonic()
    wait_until(lambda: sum(at > ended for at, _ in [*clients.answers]) > 10, text)
    clients.stop.set()
    for thread in threads:
        thread.join()
    assert said == "the champion answers every request\n"
    last = max(at for at, who in clients.answers if who == "challenger")
    print(
        f"rolled back in {ended - begun:.2f} s, the last request that the challenger answered began "
        f"{last - begun:+.2f} s after the command; {len(clients.answers)} answers"
    )
    assert {who for at, who in clients.answers if at < begun} == {"champion", "challenger"}
    after = [who for at, who in clients.answers if at > ended]
    assert set(after) == {"champion"}
    assert ended - begun < 10


def test_what_was_logged_in_shadow_is_joined_with_outcomes_and_compared(
    variants: Variants, tmp_path: Path
) -> None:
    assert variants.split("--shadow", "--salt", "two") == (
        "the champion answers every request; the challenger scores it in shadow\n"
    )
    since = datetime.now(UTC).isoformat()
    assert {variants.variant(key) for key in KEYS} == {"champion"}
    folder, until = variants.folder / "runs" / "scored", time.monotonic() + 20
    while scored_parts.read(folder)["shadow"].sum() < len(KEYS) and time.monotonic() < until:
        time.sleep(0.1)
    labels = scored_parts.read(folder)[["request_id"]].drop_duplicates().assign(label="0")
    labels.to_csv(tmp_path / "labels.csv", index=False)
    run(
        "join_outcomes", "--log", folder, "--labels", tmp_path / "labels.csv", "--joined", tmp_path / "joined"
    )
    words = ["--mode", "shadow", "--since", since, "--loss", "error", "--prediction", "output.prediction"]
    run("compare_variants", "--log", tmp_path / "joined", "--report", tmp_path / "report", *words)
    compared = pd.read_parquet(tmp_path / "report/variants.parquet").set_index("variant")
    assert compared["labelled"].to_dict() == {"champion": len(KEYS), "challenger": len(KEYS)}
    verdict = json.loads((tmp_path / "report/verdict.json").read_text(encoding="utf-8"))
    assert verdict["mode"] == "shadow"
    assert set(verdict["models"].values()) == set(variants.names)


@pytest.mark.skipif(os.name == "nt", reason="signals are a matter of POSIX")
def test_a_plan_outlives_the_processes_that_followed_it(variants: Variants) -> None:
    variants.split("0.4", "--salt", "one")
    split = Split({"challenger": 0.4}, "one")
    before = variants.service.workers()
    assert len(before) == 2
    os.kill(before[0], signal.SIGKILL)
    service = variants.service
    wait_until(lambda: len(set(service.workers()) - {before[0]}) == 2, service.text)
    assert [variants.variant(key) for key in KEYS] == [split.variant(key) for key in KEYS]


def test_a_share_that_is_none_changes_nothing(variants: Variants) -> None:
    variants.split("0")
    assert "the share of 'challenger' is 7: give a number from 0 to 1" in variants.split("7")
    assert variants.variant("anyone") == "champion"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Give a share of the keys such as 0.1, 0 to roll back, or --shadow."),
        (["0.1", "--shadow"], "Give a share of the keys such as 0.1, 0 to roll back, or --shadow."),
        (
            ["0.1", "--port", "5999"],
            "no service on port 5999 has a challenger: start one with "
            "python3 -m operation serve --challenger challenger --port 5999",
        ),
        (
            ["0.1", "--challenger", "challenger"],
            "--challenger: a new challenger starts at 0. Give a share once it is loaded.",
        ),
        (
            ["--challenger", "challenger", "--port", "5999"],
            "no service listens on port 5999: start one with python3 -m operation serve",
        ),
    ],
)
def test_what_cannot_be_split_is_told_and_nothing_changes(
    words: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("WORKBENCH_RUNS", str(tmp_path))
    assert cli.main(["split", *words]) == 2
    assert capsys.readouterr().err == f"error: {message}\n"
