"""What a request comes to, remembered: to read the configuration costs most of a run that has nothing to do.

It is kept under a digest of all that it is read from. Whether something is to be done is judged elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.engine.foundation import manifest
from operation.engine.foundation.layout import Layout
from operation.engine.identity.digests import Digests
from operation.engine.identity.keys import python_version

if TYPE_CHECKING:
    from operation.engine.runs.request import Prepared, Request

_WORD = re.compile(r"[A-Z][A-Z0-9_]*")
_PATTERNS = {"configuration": "*", "notebooks": "*.ipynb", "src": "*.py", "operation": "*.py"}


@dataclass(frozen=True)
class Requested:
    """What a request comes to once the configuration is read."""

    # name -> what is injected into its parameters cell, in the order of execution
    notebooks: Mapping[str, Mapping[str, object]]
    overrides: Mapping[str, Mapping[str, object]]  # step -> argument -> value
    configuration: str  # digest of the use case and the environment, resolved
    scripts: Mapping[str, str]  # step -> its Core Script, from the root


def requested(layout: Layout, prepared: Prepared) -> Requested:
    """Return what a sound request comes to."""
    return Requested(
        {one.name: prepared.parameters(one.name) for one in prepared.notebooks},
        prepared.assignments.overrides,
        prepared.configured.digest,
        {name: layout.relative(step.script) for name, step in prepared.configured.steps.items()},
    )


def remember(layout: Layout, request: Request, known: Requested) -> None:
    """Keep what `request` comes to."""
    manifest.write(_path(layout, request), asdict(known))


def recall(layout: Layout, request: Request) -> Requested | None:
    """Return what `request` comes to, if it was kept and nothing that it was read from changed since."""
    if not any(_folder(layout).glob("*.json")):  # nothing was asked for yet
        return None
    known = manifest.read(_path(layout, request))
    return Requested(**known) if known else None


def _folder(layout: Layout) -> Path:
    return layout.runs / "requests"


def _path(layout: Layout, request: Request) -> Path:
    question = {**asdict(request), "jobs": None}  # the answer is the same
    parts: list[Any] = [question, _files(layout), _variables(layout), python_version()]
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    return _folder(layout) / f"{digest}.json"


def _files(layout: Layout) -> list[list[str]]:
    """Name and digest of every file that the configuration and the contracts are read from."""
    folders = {name: layout.root / name for name in _PATTERNS}
    folders["operation"] = Path(__file__).resolve().parents[2]
    found = [one for name, folder in folders.items() for one in folder.rglob(_PATTERNS[name])]
    files = sorted(one for one in found if one.is_file() and _counts(one))
    digests = Digests(layout.runs / "digests.db").each(files)
    return [list(pair) for pair in zip(map(str, files), digests, strict=True)]


def _variables(layout: Layout) -> dict[str, str]:
    """Variables of the operating system that win over those of a configuration file."""
    texts = [path.read_bytes().decode(errors="replace") for path in layout.configuration.glob("*.yml")]
    names = {"ENVIRONMENT", *(name for text in texts for name in _WORD.findall(text))}
    return {name: os.environ[name] for name in names & os.environ.keys()}


def _counts(file: Path) -> bool:
    return not {"__pycache__", ".ipynb_checkpoints"} & set(file.parts)
