"""Models in a workspace: registered with their lineage, listed, downloaded, promoted by digest."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping
from contextlib import chdir, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.engine.configuration import Step
from operation.engine.foundation import manifest
from operation.engine.foundation.errors import UsageError, WorkbenchError
from operation.engine.foundation.nearest import did_you_mean, listed
from operation.engine.identity.contract import read_contract
from operation.engine.identity.digests import Digests
from operation.engine.steps.session import Session
from operation.engine.steps.step import Done

if TYPE_CHECKING:
    from azureml.core import Model, Workspace

OURS = ("digest", "key", "manifest", "commit")  # what no later hand may change


@dataclass(frozen=True)
class Registered:
    """A version of a model."""

    name: str  # in its workspace
    version: int
    digest: str  # SHA-256 of its folder; empty where someone else registered it
    tags: Mapping[str, str]  # its lineage
    new: bool = False  # whether it was made now; the workspace may have had it


def register(workspace: Workspace, name: str, done: Done, output: str, more: Mapping[str, str]) -> Registered:
    """Register an output of a step as the next version of model `name`, unless that digest is there."""
    tags = {**lineage(done.entry.manifest, output), **more}
    return _register(workspace, name, done.entry.output(output), tags)


def register_folder(workspace: Workspace, name: str, folder: Path, digest: str) -> Registered:
    """Register a folder as the next version of model `name`, with its lineage where the store knows it."""
    record = manifest.read(folder.parent / "manifest.json")
    known = record is not None and folder.name in record.get("outputs", {})
    tags = lineage(record, folder.name) if record and known else {}
    return _register(workspace, name, folder, {**tags, "digest": digest})


def lineage(record: Mapping[str, Any], output: str) -> dict[str, str]:
    """Return where a model comes from: digests of it, of what it was made of, of its step's manifest."""
    azure = record.get("azure") or {}
    found = {
        "digest": record["outputs"][output]["digest"],
        "key": record["key"],
        "manifest": record["seal"],
        "step": record["step"],
        "commit": f"{record['commit'] or ''}{' with changes' if record['dirty'] else ''}",
        "azure_run": azure.get("run", ""),
        **{f"data.{name}": digest for name, digest in record["components"]["inputs"].items()},
    }
    return {name: value for name, value in found.items() if value}


def _register(workspace: Workspace, name: str, folder: Path, tags: Mapping[str, str]) -> Registered:
    from azureml.core import Model

    same = [one for one in versions(workspace, name) if one.digest == tags["digest"]]
    if same:
        return same[0]
    # the SDK takes what lies in the working folder, and prints what the caller says better
    with chdir(folder.parent), redirect_stdout(io.StringIO()):
        model = Model.register(
            workspace,
            model_path=folder.name,
            model_name=name,
            tags=dict(tags),
            properties={key: tags[key] for key in OURS if key in tags},
        )
    return Registered(model.name, model.version, tags["digest"], dict(tags), new=True)


def versions(workspace: Workspace, name: str | None = None) -> list[Registered]:
    """Return the versions of model `name`, or of all models, the newest first."""
    from azureml.core import Model

    found = [_registered(one) for one in Model.list(workspace, name=name)]
    return sorted(found, key=lambda one: (one.name, -one.version))


def _registered(model: Model) -> Registered:
    tags = {key: str(value) for key, value in (model.tags or {}).items()}
    fixed = model.properties or {}
    return Registered(model.name, model.version, str(fixed.get("digest") or tags.get("digest", "")), tags)


def find(
    workspace: Workspace, name: str, *, version: int | None = None, digest: str | None = None
) -> Registered:
    """Return one version of a model: by number, by its digest, else the newest."""
    known = versions(workspace, name)
    if not known:
        names = sorted({one.name for one in versions(workspace)})
        hint = did_you_mean(name, names)
        raise UsageError(
            f"workspace {workspace.name} has no model '{name}'.{hint} It has: {listed(names, 'and')}."
        )
    fits = [
        one
        for one in known
        if (version is None or one.version == version) and (digest is None or one.digest == digest)
    ]
    if not fits:
        wanted = f"version {version}" if version is not None else f"digest {digest}"
        there = ", ".join(f"{one.version} ({one.digest[:12]})" for one in known)
        raise UsageError(f"model '{name}' in workspace {workspace.name} has no {wanted}. It has: {there}.")
    return fits[0]


def download(workspace: Workspace, found: Registered, target: Path) -> Path:
    """Download a version into `target`, which is made, and verify it."""
    from azureml.core import Model

    if target.exists():
        raise UsageError(f"{target} exists: name a folder that does not, or remove it.")
    with tempfile.TemporaryDirectory(dir=_existing(target.parent)) as aside:
        model = Model(workspace, found.name, version=found.version)
        model.download(target_dir=aside, exist_ok=True)
        (folder,) = Path(aside).iterdir()  # what `download` returns is a file where the folder holds only one
        _verify(found, folder)
        folder.rename(target)
    return target


def _existing(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _verify(found: Registered, folder: Path) -> None:
    digest = Digests(folder.parent / "digests.db").of(folder).digest
    if found.digest and digest != found.digest:
        raise WorkbenchError(
            f"model {found.name}, version {found.version}: its digest is {digest[:12]}, and it was "
            f"registered as {found.digest[:12]}. It was changed or damaged in the workspace: do not use it."
        )


def promote(source: Workspace, target: Workspace, found: Registered) -> Registered:
    """Register a verified copy of a version in another workspace, with the same lineage."""
    if not found.digest:
        raise UsageError(
            f"model {found.name}, version {found.version} in {source.name} has no digest: it was not "
            "registered by the workbench. Register it with: python3 -m operation models register"
        )
    with tempfile.TemporaryDirectory() as aside:
        folder = download(source, found, Path(aside) / found.name)
        origin = {"promoted_from": f"{source.name}:{found.version}"}
        return _register(target, found.name, folder, {**found.tags, "digest": found.digest, **origin})


def is_registration(step: Step) -> bool:
    """Tell whether a step registers the model that it reads: Azure ML's registry then gets it too."""
    contract = read_contract(step.script)
    reads_model = "." in step.inputs.get("model", "")
    return "registration" in contract.outputs and "name" in contract.values and reads_model


def register_passed(workspace: Workspace, session: Session, done: Done) -> Registered:
    """Register the model that the registration `done` let pass, with what was measured."""
    step, _, output = session.configured.step(done.plan.step).inputs["model"].partition(".")
    tags = described(done.metrics, session.configured.use_case, session.configured.environment)
    return register(workspace, str(done.plan.arguments["name"]), session.step(step), output, tags)


def described(metrics: Mapping[str, Any], use_case: str, environment: str) -> dict[str, str]:
    """Return tags beside the lineage: what was measured, and for what."""
    measured = {
        f"metric.{name}": f"{value:.6g}" for name, value in metrics.items() if isinstance(value, float)
    }
    return {"use_case": use_case, "environment": environment, **measured}
