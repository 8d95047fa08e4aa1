"""Versions of one registered model: each digest once, its files copied by who promotes it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from support import step
from support.champion import CHAMPION
from support.promotion import CHANGED
from support.registry import HEAD, SQLITE, open_registry

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "registered models"  # of a server: each version's files are the artifacts of a run
LINEAGE = ("commit", "lock", "key")


class RegisteredModel:
    """The versions of a model in the MLflow registry at `uri`, a SQLite file or a tracking server."""

    def __init__(self, uri: str, name: str, client: MlflowClient | None = None) -> None:
        self.uri, self.name = uri, name
        self.client = client or open_registry(uri)

    def champion(self) -> tuple[str | None, str | None]:
        """Return version and digest of the champion; None for what is unknown."""
        version = self.aliased(CHAMPION)
        return (str(version.version), version.tags.get("digest")) if version else (None, None)

    def aliased(self, alias: str) -> Any | None:
        """Return the version that has an alias, None where none has."""
        from mlflow.exceptions import MlflowException

        try:
            return self.client.get_model_version_by_alias(self.name, alias)
        except MlflowException as error:
            if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                raise step.StepError(f"the registry {self.uri} does not answer: {error.message}") from error
            return None

    def point(self, alias: str, version: str) -> None:
        """Give an alias to a version."""
        self.client.set_registered_model_alias(self.name, alias, version)

    def points(self, alias: str, version: str) -> bool:
        """Return whether a version has an alias."""
        known = self.aliased(alias)
        return known is not None and str(known.version) == version

    def remember(self, head: str) -> None:
        """Keep what `ledger.head` says of the last entry about this model."""
        self.client.set_registered_model_tag(self.name, HEAD, head)

    def find(self, digest: str) -> Any | None:
        """Return the version with a digest, None where there is none."""
        versions = self.client.search_model_versions(f"name='{self.name}'")
        return next((version for version in versions if version.tags.get("digest") == digest), None)

    def add(self, folder: Path, digest: str, tags: Mapping[str, str], *, copy: bool = True) -> str:
        """Return the version with a digest; a new one only where there is none, else one with these tags.

        Parameters
        ----------
        folder : Path
            The model's files.
        digest : str
            SHA-256 of the model.
        tags : mapping of str to str
            What is known of it.
        copy : bool, default=True
            Whether the registry in a file gets files of its own; a server always does.
        """
        self._create()
        if known := self.find(digest):
            for name, value in tags.items():
                if known.tags.get(name) != value:
                    self.client.set_model_version_tag(self.name, known.version, name, value)
            return str(known.version)
        source, run = self._source(folder, digest, copy)
        version = self.client.create_model_version(
            self.name, source, run, tags={**tags, "digest": digest}, await_creation_for=0
        )
        return str(version.version)

    def files(self, version: Any, folder: Path) -> Path:
        """Return the folder of a version, fetched into the new `folder` where its files are elsewhere."""
        from mlflow.artifacts import download_artifacts
        from mlflow.exceptions import MlflowException

        source = urlsplit(str(version.source))
        if source.scheme == "file":
            return Path(url2pathname(source.path))
        folder.mkdir(parents=True)
        try:
            address = self.client.get_model_version_download_uri(self.name, version.version)
            return Path(download_artifacts(address, dst_path=str(folder), tracking_uri=self.uri))
        except (MlflowException, OSError) as error:
            what = f"the files of {self.name} version {version.version}"
            raise step.StepError(f"cannot fetch {what} from {self.uri}: {error}") from error

    def _create(self) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self.client.create_registered_model(self.name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                message = f"the registry rejects the name {self.name!r}: {error.message}"
                raise step.StepError(message) from error

    def _source(self, folder: Path, digest: str, copy: bool) -> tuple[str, str | None]:
        """Return where the registry finds the files from now on, and the run that they belong to."""
        if not self.uri.startswith(SQLITE):
            return self._uploaded(folder, digest)
        if not copy:
            return folder.absolute().as_uri(), None
        file = Path(self.uri.removeprefix(SQLITE)).absolute()
        target = file.with_name(f"{file.stem}-models") / self.name / digest[:16]
        target.parent.mkdir(parents=True, exist_ok=True)
        with step.new_folder(target) as partial:
            shutil.copytree(folder, partial, dirs_exist_ok=True)
        return target.as_uri(), None

    def _uploaded(self, folder: Path, digest: str) -> tuple[str, str]:
        known = self.client.get_experiment_by_name(EXPERIMENT)
        experiment = known.experiment_id if known else self.client.create_experiment(EXPERIMENT)
        run = self.client.create_run(experiment, run_name=f"{self.name} {digest[:12]}")
        self.client.log_artifacts(run.info.run_id, str(folder), "model")
        self.client.set_terminated(run.info.run_id)
        return f"{run.info.artifact_uri}/model", str(run.info.run_id)


def lineage(model: Path) -> dict[str, str]:
    """Return commit, locked packages and key of a model; nothing without a manifest beside it."""
    file = model.parent / "manifest.json"
    if not file.is_file():
        return {}
    record = json.loads(file.read_text(encoding="utf-8"))
    if model.name not in record.get("outputs", {}):
        return {}
    commit = f"{record.get('commit') or ''}{CHANGED if record.get('dirty') else ''}"
    known = {"commit": commit, "lock": record["components"]["lock"], "key": record["key"]}
    return {name: value for name, value in known.items() if value}
