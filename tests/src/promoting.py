"""Environments with a registry and a ledger, in which models are registered, promoted and rolled back."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelling import models
from support import ledger, step
from support.champion import Place
from support.registry import HEAD, open_registry
from tests.src.running import run

LOCK = "a" * 64
TRAINED = {"commit": "c" * 40, "dirty": False, "components": {"lock": LOCK}}
METRICS = {"roc_auc": 0.7}
REASON = "0.02 better"


@dataclass
class Environments:
    """DEV, TEST and PROD: each with a registry, or with a name of its own in one."""

    folder: Path
    uris: dict[str, str]
    names: dict[str, str] = field(default_factory=dict)

    @property
    def ledger(self) -> Path:
        """The ledger of all of them."""
        return self.folder / "ledger.jsonl"

    def model(self, trained: Path, key: str, **changes: Any) -> Path:
        """Return a copy of a model as the store keeps it: with the manifest of the step that trained it."""
        target = self.folder / "store" / key / "model"
        shutil.copytree(trained, target)
        record = {**TRAINED, "key": key, "outputs": {"model": {}}, **changes}
        (target.parent / "manifest.json").write_text(json.dumps(record), encoding="utf-8")
        return target

    def register(
        self, environment: str, model: Path, *more: object, verdict: str = "accepted", reason: str = REASON
    ) -> None:
        """Register a model, once a gate has decided about it and entered that."""
        report = self.folder / "report"
        report.mkdir(exist_ok=True)
        step.write_json(METRICS, report / "metrics.json")
        decided = decision(self.folder / f"{environment}-{verdict}", model, verdict, reason)
        place = Place(self.ledger, environment, self._name(environment))
        place.record_decision(
            digest_of(model), verdict == "accepted", reason, file_digest(decided / "decision.json")
        )
        inputs = ["--model", model, "--report", report, "--registration", self.folder / "registration"]
        run("register", *inputs, *self._place(environment), "--decision", decided, *more)

    def promote(self, source: str, target: str, *more: object) -> None:
        """Promote a model from one environment to another."""
        words = ["--source-uri", self.uris[source], "--source-name", self._name(source)]
        words += [
            "--source-environment",
            source,
            "--lock",
            LOCK,
            "--promotion",
            str(self.folder / "promotion"),
        ]
        run("promote", *self._place(target), *words, *more)

    def roll_back(self, environment: str, *more: object) -> None:
        """Roll back."""
        words = ["--rollback", "--promotion", self.folder / "promotion"]
        run("promote", *self._place(environment), *words, *more)

    def _name(self, environment: str) -> str:
        return self.names.get(environment, "flights")

    def _place(self, environment: str) -> list[str]:
        words = ["--name", self._name(environment), "--tracking-uri", self.uris[environment]]
        return [*words, "--environment", environment, "--ledger", str(self.ledger)]

    def champion(self, environment: str) -> Any:
        """Return the version that is the champion."""
        client = open_registry(self.uris[environment])
        return client.get_model_version_by_alias(self._name(environment), "champion")

    def point(self, environment: str, version: str) -> None:
        """Change the champion by hand."""
        client = open_registry(self.uris[environment])
        client.set_registered_model_alias(self._name(environment), "champion", version)

    def heads(self) -> list[str]:
        """Return what the registries remember of the ledger."""
        found = [
            open_registry(uri).get_registered_model(self._name(environment)).tags[HEAD]
            for environment, uri in self.uris.items()
        ]
        return list(map(str, found))

    def events(self) -> list[tuple[str, str, str]]:
        """Return event, environment and the beginning of the digest of each entry."""
        return [
            (entry["event"], entry["environment"], str(entry["model_digest"])[:6])
            for entry in ledger.read(self.ledger)
        ]


def decision(folder: Path, model: Path, verdict: str = "accepted", reason: str = REASON) -> Path:
    """Write what a gate decided about a model."""
    folder.mkdir(exist_ok=True)
    about = {"challenger": digest_of(model), "decision": verdict, "reason": reason}
    step.write_json(about, folder / "decision.json")
    return folder


def file_digest(file: Path) -> str:
    """Return the digest of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def digest_of(model: Path) -> str:
    """Return the digest of a model."""
    return str(models.read_facts(model)["digest"])
