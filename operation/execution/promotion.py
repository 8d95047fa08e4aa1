"""Models of one workspace made champions of the next, or rolled back: guarded as in any registry."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from operation.engine.configuration import Configuration
from operation.engine.evidence.ledger import step_errors, support
from operation.engine.foundation.errors import UsageError, WorkbenchError
from operation.engine.foundation.layout import Layout
from operation.engine.identity.store import Entry
from operation.engine.steps.runners import child_process
from operation.engine.steps.session import Session
from operation.execution.registered_models import (
    ACCEPTED,
    ModelVersion,
    accept,
    download,
    is_registration,
    locked_packages,
    place,
    register_files,
    versions,
)

if TYPE_CHECKING:
    from azureml.core import Workspace

OUTPUT = "model"  # of the step that trains
ALIAS, CHAMPION, HEAD = "alias", "champion", "ledger"  # tags of a version
_OWN_TAGS = (ALIAS, HEAD, ACCEPTED)  # which another workspace gives itself


def promote(
    workspaces: tuple[Workspace, Workspace],
    configured: tuple[Configuration, Configuration],
    version: ModelVersion,
    layout: Layout,
    override: str | None = None,
) -> ModelVersion:
    """Make a verified copy of a version the champion of another environment's workspace, with its lineage.

    Both pairs are those of the environment that it is in, and of the one that it goes to.
    """
    (source, target), (leaving, entering) = workspaces, configured
    if not version.digest:
        raise UsageError(
            f"model {version.name}, version {version.version} in {source.name} has no digest: it was not "
            "registered by the workbench. Register it: python3 -m operation models register"
        )
    copies: list[ModelVersion] = []

    def copy() -> str:
        with tempfile.TemporaryDirectory() as folder:
            model = download(source, version, Path(folder) / version.name)
            origin = {"digest": version.digest, "promoted_from": f"{source.name}:{version.version}"}
            tags = {name: value for name, value in version.tags.items() if name not in _OWN_TAGS}
            copies.append(register_files(target, version.name, model, {**tags, **origin}))
        return str(copies[0].version)

    promotion, lock = support(layout.src), locked_packages(layout, leaving)
    with step_errors():
        promotion.promote(
            place(layout, leaving, source, version.name),
            place(layout, entering, target, version.name),
            WorkspaceModel(target, version.name),
            promotion.Model(version.model_digest, version.tags),
            copy,
            lock=lock,
            override=override,
        )
    return copies[0]


def roll_back(
    workspace: Workspace, configured: Configuration, name: str, layout: Layout, reason: str | None = None
) -> ModelVersion:
    """Make the last accepted model before an environment's champion the champion of its workspace again."""
    chosen: list[ModelVersion] = []

    def verified(digest: str) -> str:
        matches = [version for version in versions(workspace, name) if version.model_digest == digest]
        if not matches:
            gone = f"workspace {workspace.name} no longer has {name} {digest[:12]}"
            raise WorkbenchError(f"{gone}: promote it again.")
        with tempfile.TemporaryDirectory() as folder:
            download(workspace, matches[0], Path(folder) / name)
        chosen.append(matches[0])
        return str(matches[0].version)

    with step_errors():
        support(layout.src).roll_back(
            place(layout, configured, workspace, name), WorkspaceModel(workspace, name), verified, reason
        )
    return chosen[0]


def judge(
    workspace: Workspace, configured: Configuration, version: ModelVersion, layout: Layout
) -> ModelVersion:
    """Let the gate of an environment judge a version as if it had been trained there."""
    folder = judged_folder(layout, version.digest)
    download(workspace, version, folder / OUTPUT)
    step = judge_folder(layout, configured, folder)
    accept(workspace, layout, configured, version, step)
    return version


def judged_folder(layout: Layout, digest: str) -> Path:
    """Return a new folder for what stands in for a step that trains."""
    folder = layout.runs / "judged" / digest[:16]
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def judge_folder(layout: Layout, configured: Configuration, folder: Path) -> str:
    """Execute the step that registers, and what it needs, with a model in the place of the trained one."""
    for step in configured.steps.values():
        trained = configured.reference(step.inputs.get("model")) if is_registration(step) else None
        if trained and trained[1] == OUTPUT:
            session = Session(configured, layout, child_process)
            session.standing_in({trained[0]: Entry(folder, {})}).step(step.name, fresh=True)
            return step.name
    raise UsageError(f"No step of '{configured.use_case}' registers the output `{OUTPUT}` of another step.")


class WorkspaceModel:
    """The versions of a model in a workspace, whose tags say which is the champion."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self._workspace, self._name = workspace, name

    def champion(self) -> tuple[str | None, str | None]:
        """Return version and digest of the champion; None where there is none."""
        champions = [version for version in self._versions() if version.tags.get(ALIAS) == CHAMPION]
        return (str(champions[0].version), champions[0].model_digest) if champions else (None, None)

    def point(self, alias: str, version: str) -> None:
        """Give an alias to a version, and to no other."""
        for other in self._versions():
            if other.tags.get(ALIAS) == alias and str(other.version) != version:
                self._tag(str(other.version), {}, [ALIAS])
        self._tag(version, {ALIAS: alias})

    def remember(self, head: str) -> None:
        """Keep what the ledger's last entry about this model is, at its newest version."""
        if newest := self._versions():
            self._tag(str(newest[0].version), {HEAD: head})

    def _versions(self) -> list[ModelVersion]:
        return versions(self._workspace, self._name)

    def _tag(self, version: str, tags: Mapping[str, str], removed: Sequence[str] = ()) -> None:
        from azureml.core import Model

        with redirect_stdout(io.StringIO()):
            model = Model(self._workspace, self._name, version=int(version))
            present = [name for name in removed if name in model.tags]
            model.update_tags_properties(add_tags=dict(tags) or None, remove_tags=present or None)
