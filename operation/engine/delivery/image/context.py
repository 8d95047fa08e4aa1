"""The build context: every file that an image is made of, the same bytes for the same things."""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operation.engine.delivery.image.contents import engine_files, locked_packages, script_files
from operation.engine.delivery.image.dockerfile import dockerfile
from operation.engine.delivery.serving.settings import ServedModel
from operation.engine.foundation.errors import StepFailed, WorkbenchError
from operation.engine.foundation.layout import Layout
from operation.engine.identity.packages import whole_lock
from operation.setup import lockfile

SCHEMA = 1
MANIFEST = "manifest.json"
REQUIREMENTS = "requirements-scoring.txt"
HEAD = "# What the image installs: what {named} name, and what that needs, as requirements.lock has it.\n"
MOMENT = 315_532_800  # 1980-01-01: the time of every file, the earliest that all archives can tell


@dataclass(frozen=True)
class Recipe:
    """What is to be packaged."""

    base: str  # the base image
    model: ServedModel | None  # what goes into the image; None where it is fetched at the start
    variables: Mapping[str, str]  # that the service reads
    keeps_log: bool = False  # whether what a log of scored rows needs goes in too


def write_context(layout: Layout, recipe: Recipe, into: Path | None = None) -> Path:
    """Write the build context; return its folder.

    It is `into`, by default one below ``runs/packages`` that is named by what it holds.

    Raises
    ------
    WorkbenchError
        When the model does not fit the lock, or the folder cannot be written.
    """
    files = _files(layout, recipe)
    manifest = _manifest(layout, recipe, files)
    folder = into or layout.runs / "packages" / str(manifest["key"])
    files[MANIFEST] = (json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()
    _write(folder, files)
    return folder


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a build context."""
    document: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return document


def _files(layout: Layout, recipe: Recipe) -> dict[str, bytes]:
    """Return the content of every file but the manifest, by its name in the context."""
    environments = [layout.configuration / "environments" / "scoring.yml"]
    if recipe.keeps_log:
        environments.append(layout.configuration / "environments" / "scored-log.yml")
    head = HEAD.format(named=" and ".join(file.name for file in environments))
    files = {REQUIREMENTS: (head + "\n".join(locked_packages(environments, layout.lock)) + "\n").encode()}
    for file in [*script_files(layout.src / "score.py"), *engine_files(layout)]:
        files[f"app/{file.relative_to(layout.root).as_posix()}"] = file.read_bytes()
    if recipe.model:
        files |= _model_files(layout, recipe.model)
    labels = _labels(layout, recipe, files)
    text = dockerfile(recipe.base, labels, recipe.variables, model_in_image=recipe.model is not None)
    return {**files, "Dockerfile": text.encode()}


def _model_files(layout: Layout, model: ServedModel) -> dict[str, bytes]:
    """Return the model's files, once they are what training wrote and the lock has its packages."""
    files = {f"model/{name}": (model.folder / name).read_bytes() for name in ("model.json", "model.pickle")}
    digest = hashlib.sha256(files["model/model.pickle"]).hexdigest()
    if digest != model.digest:
        raise StepFailed(
            f"{model.folder / 'model.pickle'} is not the model that was trained: its digest is "
            f"{digest[:12]}, expected {model.digest[:12]}. It was not packaged; retrain the model."
        )
    locked = lockfile.versions(layout.lock)
    for name, trained in json.loads(files["model/model.json"])["packages"].items():
        available = sorted(locked.get(name, ["none"]))
        if trained not in available:
            raise WorkbenchError(
                f"{model} was trained with {name} {trained} but {layout.lock.name} has "
                f"{' and '.join(available)}: the image could not load it. Retrain it."
            )
    return files


def _labels(layout: Layout, recipe: Recipe, files: Mapping[str, bytes]) -> dict[str, str]:
    model = recipe.model
    labels = {
        "org.opencontainers.image.base.name": recipe.base,
        "workbench.lock.digest": whole_lock(layout.lock).digest,
        "workbench.source.digest": source_digest(files),
        "workbench.model": "" if model else recipe.variables.get("SCORE_MODEL"),
        "workbench.model.digest": model and model.digest,
        "workbench.model.name": model and model.name,
        "workbench.model.version": model and model.version,
    }
    return {name: value for name, value in labels.items() if value}


def source_digest(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256 of the names and digests of all files of code."""
    return _key(_digests({name: content for name, content in files.items() if name.startswith("app/")}))


def _digests(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}


def _key(digests: Mapping[str, str]) -> str:
    text = "".join(f"{name}\0{digest}\n" for name, digest in digests.items())
    return hashlib.sha256(text.encode()).hexdigest()


def _manifest(layout: Layout, recipe: Recipe, files: Mapping[str, bytes]) -> dict[str, Any]:
    digests, model = _digests(files), recipe.model
    return {
        "schema": SCHEMA,
        "key": _key(digests),
        "base": recipe.base,
        "base_is_pinned": "@sha256:" in recipe.base,
        "model": {"name": model.name, "version": model.version, "digest": model.digest} if model else None,
        "variables": dict(recipe.variables),
        "lock_digest": whole_lock(layout.lock).digest,
        "source_digest": source_digest(files),
        "keeps_log": recipe.keeps_log,
        "files": digests,
    }


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write all files, or leave what was there."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise WorkbenchError(f"{folder} is not an image's build context. Name an empty folder with --into.")
    partial = folder.with_name(f"{folder.name}.partial-{os.getpid()}")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        for name, content in files.items():
            file = partial / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        for path in [*partial.rglob("*"), partial]:
            path.chmod(0o755 if path.is_dir() else 0o644)
            os.utime(path, (MOMENT, MOMENT))
        if folder.is_dir():
            shutil.rmtree(folder)
        partial.replace(folder)
    except OSError as error:
        raise WorkbenchError(f"cannot write {folder}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
