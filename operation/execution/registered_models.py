"""Models in a workspace: registered with their lineage, listed, downloaded."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping
from contextlib import chdir, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.engine.configuration import Configuration, Step
from operation.engine.evidence.ledger import ledger_file, step_errors, support
from operation.engine.foundation import manifest
from operation.engine.foundation.errors import UsageError, WorkbenchError
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.nearest import did_you_mean, listed
from operation.engine.identity.contract import read_contract
from operation.engine.identity.digests import Digests
from operation.engine.identity.state import ProjectState
from operation.engine.steps.session import Session
from operation.engine.steps.step import Done

if TYPE_CHECKING:
    from azureml.core import Model, Workspace

ACCEPTED = "accepted"  # property: the environment whose gate accepted a version
FIXED = ("digest", "key", "manifest", "commit", ACCEPTED)  # as properties, which cannot be edited later


@dataclass(frozen=True)
class ModelVersion:
    """A version of a model in a workspace."""

    name: str
    version: int
    digest: str  # SHA-256 of its folder; empty where someone else registered it
    tags: Mapping[str, str]  # its lineage
    new: bool = False  # whether it was registered now; the workspace may have had it

    @property
    def model_digest(self) -> str:
        """SHA-256 of its model.pickle, by which ledger and registries know it; else of its folder."""
        return self.tags.get("model") or self.digest


def register(
    workspace: Workspace, name: str, done: Done, output: str, tags: Mapping[str, str]
) -> ModelVersion:
    """Register an output of a step as the next version of model `name`, unless that digest is there."""
    return register_files(
        workspace, name, done.entry.output(output), {**lineage(done.entry.manifest, output), **tags}
    )


def register_folder(workspace: Workspace, name: str, folder: Path, digest: str) -> ModelVersion:
    """Register a folder as the next version of model `name`, with its lineage where the store knows it."""
    record = manifest.read(folder.parent / "manifest.json")
    known = record is not None and folder.name in record.get("outputs", {})
    tags = lineage(record, folder.name) if record and known else {}
    return register_files(workspace, name, folder, {**tags, "digest": digest})


def lineage(record: Mapping[str, Any], output: str) -> dict[str, str]:
    """Return where a model comes from: its digest, those of its inputs and of its step's manifest."""
    azure = record.get("azure") or {}
    tags = {
        "digest": record["outputs"][output]["digest"],
        "key": record["key"],
        "manifest": record["seal"],
        "lock": record["components"]["lock"],
        "step": record["step"],
        "commit": f"{record['commit'] or ''}{' with changes' if record['dirty'] else ''}",
        "azure_run": azure.get("run", ""),
        **{f"data.{name}": digest for name, digest in record["components"]["inputs"].items()},
    }
    return {name: value for name, value in tags.items() if value}


def register_files(workspace: Workspace, name: str, folder: Path, tags: Mapping[str, str]) -> ModelVersion:
    """Register a folder with its tags, unless the workspace has its digest."""
    from azureml.core import Model

    for version in versions(workspace, name):
        if version.digest == tags["digest"]:
            return version
    facts = manifest.read(folder / "model.json") or {}
    tags = {**tags, **({"model": str(facts["digest"])} if "digest" in facts else {})}
    # the SDK takes what lies in the working folder, and prints what the caller says better
    with chdir(folder.parent), redirect_stdout(io.StringIO()):
        model = Model.register(
            workspace,
            model_path=folder.name,
            model_name=name,
            tags=dict(tags),
            properties={key: tags[key] for key in FIXED if key in tags},
        )
    return ModelVersion(model.name, model.version, tags["digest"], dict(tags), new=True)


def versions(workspace: Workspace, name: str | None = None) -> list[ModelVersion]:
    """Return the versions of model `name`, or of all models, the newest first."""
    from azureml.core import Model

    listed = [_version(model) for model in Model.list(workspace, name=name)]
    return sorted(listed, key=lambda version: (version.name, -version.version))


def _version(model: Model) -> ModelVersion:
    tags, fixed = {key: str(value) for key, value in (model.tags or {}).items()}, model.properties or {}
    tags |= {ACCEPTED: str(fixed[ACCEPTED])} if ACCEPTED in fixed else {}
    return ModelVersion(model.name, model.version, str(fixed.get("digest") or tags.get("digest", "")), tags)


def find(
    workspace: Workspace, name: str, *, version: int | None = None, digest: str | None = None
) -> ModelVersion:
    """Return one version of a model: by number, by its digest, else the newest."""
    candidates = versions(workspace, name)
    if not candidates:
        names = sorted({model.name for model in versions(workspace)})
        hint = did_you_mean(name, names)
        raise UsageError(
            f"workspace {workspace.name} has no model '{name}'.{hint} It has: {listed(names, 'and')}."
        )
    matches = [
        model for model in candidates if version in (None, model.version) and digest in (None, model.digest)
    ]
    if not matches:
        wanted = f"version {version}" if version is not None else f"digest {digest}"
        existing = ", ".join(f"{model.version} ({model.digest[:12]})" for model in candidates)
        raise UsageError(f"model '{name}' in workspace {workspace.name} has no {wanted}. It has: {existing}.")
    return matches[0]


def download(workspace: Workspace, version: ModelVersion, target: Path) -> Path:
    """Download a version into `target`, a new folder, and verify it."""
    from azureml.core import Model

    if target.exists():
        raise UsageError(f"{target} exists. Name a new folder, or remove it.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as partial:
        model = Model(workspace, version.name, version=version.version)
        model.download(target_dir=partial, exist_ok=True)
        (folder,) = Path(partial).iterdir()  # it returns a file where the folder holds only one
        _verify(version, folder)
        folder.rename(target)
    return target


def _verify(version: ModelVersion, folder: Path) -> None:
    digest = Digests(folder.parent / "digests.db").of(folder).digest
    if version.digest and digest != version.digest:
        raise WorkbenchError(
            f"model {version.name}, version {version.version}: its digest is {digest[:12]}, and it was "
            f"registered as {version.digest[:12]}. It was changed or damaged in the workspace: do not use it."
        )


def locked_packages(layout: Layout, configured: Configuration) -> str | None:
    """Return the digest of the packages locked here for the step that trains the registered model."""
    for step in configured.steps.values():
        trained = configured.reference(step.inputs.get("model")) if is_registration(step) else None
        if trained:
            return ProjectState(layout).script(configured.step(trained[0]).script)[1].digest
    return None


def is_registration(step: Step) -> bool:
    """Tell whether a step registers the model that it reads: Azure ML's registry then gets it too."""
    contract = read_contract(step.script)
    reads_model = "." in step.inputs.get("model", "")
    return "registration" in contract.outputs and "name" in contract.values and reads_model


def register_passed(workspace: Workspace, session: Session, done: Done) -> ModelVersion:
    """Register the model that passed the gate of the registration `done`, with its metrics."""
    step, _, output = session.configured.step(done.plan.step).inputs["model"].partition(".")
    tags = metric_tags(done.metrics, session.configured.use_case, session.configured.environment)
    name, environment = str(done.plan.arguments["name"]), session.configured.environment
    registered = register(workspace, name, session.step(step), output, {**tags, ACCEPTED: environment})
    accept(workspace, session.layout, session.configured, registered, done.plan.step)
    return registered


def accept(
    workspace: Workspace, layout: Layout, configured: Configuration, version: ModelVersion, step: str
) -> None:
    """Keep that a gate of this environment has let a version pass: in the ledger, and with the version."""
    from azureml.core import Model

    with step_errors():
        _record(place(layout, configured, workspace, version.name), version, step)
    if version.tags.get(ACCEPTED) != configured.environment:
        with redirect_stdout(io.StringIO()):
            model = Model(workspace, version.name, version=version.version)
            model.add_properties({ACCEPTED: configured.environment})


def place(layout: Layout, configured: Configuration, workspace: Workspace, name: str) -> Any:
    """Return a model of a workspace, as the guard of champions in ``src/support`` knows it.

    The environment's MLflow registry has a champion of its own, which steps compare with and register.
    """
    model = f"{workspace.name}/{name}"
    return support(layout.src).champion.Place(ledger_file(layout, configured), configured.environment, model)


def _record(about: Any, registered: ModelVersion, step: str) -> None:
    """Enter that a gate passed, unless the step has done that, and that the workspace has the model."""
    digest = registered.model_digest
    judged = about.decision(digest)
    if judged is None or judged["event"] != "accepted":
        about.record_decision(digest, True, f"the step {step} let it pass", None)
    if registered.new:
        about.append("registered", digest, "in the workspace", version=str(registered.version))


def metric_tags(metrics: Mapping[str, Any], use_case: str, environment: str) -> dict[str, str]:
    """Return tags beside the lineage: metrics, use case and environment."""
    values = {name: value for name, value in metrics.items() if isinstance(value, float)}
    tags = {f"metric.{name}": f"{value:.6g}" for name, value in values.items()}
    return {"use_case": use_case, "environment": environment, **tags}
