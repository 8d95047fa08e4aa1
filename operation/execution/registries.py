"""Models in MLflow registries, a file or a server for each environment: promoted, rolled back, read."""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operation.engine import configuration
from operation.engine.configuration import Configuration
from operation.engine.delivery.image.runtime.registry import Registry
from operation.engine.delivery.serving.lookup import registry_arguments
from operation.engine.evidence.ledger import ledger_file, step_errors, support
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.steps.runners import run_script
from operation.execution import promotion
from operation.execution.registered_models import locked_packages


@dataclass(frozen=True)
class RegistryView:
    """What a registry says of a model."""

    champion: str | None  # digest
    head: str | None  # of the ledger's last entry about the model


def promote(
    layout: Layout, source: Configuration, target: Configuration, digest: str | None, override: str | None
) -> Mapping[str, Any]:
    """Promote a model from one environment's registry to another's; return the new entry's facts."""
    _, name, _, uri = registry_arguments(layout, source.environment, source.use_case)
    words = ["--source-name", name, "--source-uri", uri, "--source-environment", source.environment]
    words += _optional("--lock", locked_packages(layout, source))
    words += [*_optional("--digest", digest), *_optional("--override", override)]
    return _carry_out(layout, target, words)


def roll_back(layout: Layout, configured: Configuration, reason: str | None) -> Mapping[str, Any]:
    """Bring the last accepted model of an environment back; return the new entry's facts."""
    return _carry_out(layout, configured, ["--rollback", *_optional("--reason", reason)])


def judge(layout: Layout, configured: Configuration, digest: str | None) -> str:
    """Let the gate of an environment judge its champion, or the version with a digest; return the digest."""
    _, name, _, uri = registry_arguments(layout, configured.environment, configured.use_case)
    folder = promotion.judged_folder(layout, digest or "champion")
    with step_errors():
        registry = support(layout.src, "registered").RegisteredModel(_absolute(layout, uri), name)
        version = registry.find(digest) if digest else registry.aliased("champion")
        if version is None:
            what = f"version with the digest {digest[:12]}" if digest else "champion"
            raise UsageError(f"{uri} has no {what} of '{name}' to be judged: promote one.")
        shutil.copytree(registry.files(version, folder / "files"), folder / promotion.OUTPUT)
    promotion.judge_folder(layout, configured, folder)
    return str(version.tags.get("digest"))


def _optional(option: str, value: str | None) -> list[str]:
    return [option, value] if value else []


def _carry_out(layout: Layout, target: Configuration, words: list[str]) -> Mapping[str, Any]:
    folder = layout.runs / "promotions" / target.environment
    place = registry_arguments(layout, target.environment, target.use_case)
    place += ["--environment", target.environment, "--ledger", str(ledger_file(layout, target))]
    run_script(layout.src / "promote.py", [*place, *words, "--promotion", str(folder)])
    facts: dict[str, Any] = json.loads((folder / "promotion.json").read_text(encoding="utf-8"))
    return facts


def views(layout: Layout, use_case: str) -> dict[tuple[str, str], RegistryView]:
    """Return what the registries of all environments say: environment and model -> champion and head."""
    found = {}
    for environment in configuration.environments(layout):
        _, name, _, uri = registry_arguments(layout, environment, use_case)
        with step_errors():
            found[environment, name] = _view(layout, uri, name)
    return found


def _view(layout: Layout, uri: str, name: str) -> RegistryView:
    """Return what one registry says, without importing MLflow."""
    if uri.startswith(("http://", "https://")):
        return _view_of_server(Registry({**os.environ, "MLFLOW_TRACKING_URI": uri}), name)
    registry, file = support(layout.src, "registry"), _absolute(layout, uri)
    return RegistryView(registry.aliased_digest(file, name, "champion"), registry.read_head(file, name))


def _absolute(layout: Layout, uri: str) -> str:
    """Return the address of a SQLite file from the root of the project, any other as it is."""
    prefix = "sqlite:///"
    return f"{prefix}{layout.root / Path(uri.removeprefix(prefix))}" if uri.startswith(prefix) else uri


def _view_of_server(registry: Registry, name: str) -> RegistryView:
    model = registry.model(name)
    if model is None:
        return RegistryView(None, None)
    tags = {tag["key"]: tag["value"] for tag in model.get("tags", ())}
    has_champion = any(alias["alias"] == "champion" for alias in model.get("aliases", ()))
    champion = registry.version(name, "champion", None).digest if has_champion else None
    return RegistryView(champion, tags.get("ledger"))
