"""Models in MLflow registries, a file or a server for each environment: promoted, rolled back, read."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operation.engine import configuration
from operation.engine.configuration import Configuration
from operation.engine.delivery.image.runtime.registry import Registry
from operation.engine.delivery.serving.lookup import registry_arguments
from operation.engine.evidence.ledger import ledger_file, step_errors, support
from operation.engine.foundation.layout import Layout
from operation.engine.steps.runners import run_script
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
    registry = support(layout.src, "registry")
    prefix = registry.SQLITE
    file = f"{prefix}{layout.root / Path(uri.removeprefix(prefix))}"
    return RegistryView(registry.aliased_digest(file, name, "champion"), registry.read_head(file, name))


def _view_of_server(registry: Registry, name: str) -> RegistryView:
    model = registry.model(name)
    if model is None:
        return RegistryView(None, None)
    tags = {tag["key"]: tag["value"] for tag in model.get("tags", ())}
    has_champion = any(alias["alias"] == "champion" for alias in model.get("aliases", ()))
    champion = registry.version(name, "champion", None).digest if has_champion else None
    return RegistryView(champion, tags.get("ledger"))
