"""The form of scored data, online and in batch: what is logged of each scored row, and what is not.

One row of the table is one scored row: time, request_id, row (of the request), name, version and digest of
the model, where there are two of them variant, key, share and shadow, then ``input.<column>``,
``feature.<name>`` and ``output.<name>``.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import step

INPUT, FEATURE, OUTPUT = "input.", "feature.", "output."
KEY_FILE = "hash.key"


@dataclass(frozen=True)
class Redaction:
    """Which columns of the inputs are left out of the log, or hashed."""

    left_out: frozenset[str] = frozenset()
    # columns logged as a keyed hash: equal values can be matched, but not read
    hashed: frozenset[str] = frozenset()
    secret: bytes = b""  # key of the hashes

    @property
    def keeps_all(self) -> bool:
        """Whether nothing is redacted."""
        return not self.left_out and not self.hashed

    def inputs(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the inputs of one row as they are logged."""
        if self.keeps_all:
            return dict(row)
        return {
            name: self._hash(value) if name in self.hashed else value
            for name, value in row.items()
            if name not in self.left_out
        }

    def hides(self, columns: Iterable[str]) -> bool:
        """Return whether a feature made of `columns` would reveal what is redacted."""
        return not (self.left_out | self.hashed).isdisjoint(columns)

    def _hash(self, value: Any) -> str | None:
        if value is None:
            return None
        text = json.dumps(value, sort_keys=True).encode()
        return hmac.new(self.secret, text, hashlib.sha256).hexdigest()[:32]


def redaction(
    folder: Path, columns: Iterable[str], left_out: Sequence[str], hashed: Sequence[str]
) -> Redaction:
    """Return the redaction of a log in `folder`; the key of its hashes is created there once.

    Raises
    ------
    StepError
        When a name is not a column of the model.
    """
    known = list(columns)
    for option, names in (("--log-leave-out", left_out), ("--log-hash", hashed)):
        for name in names:
            if name not in known:
                raise step.StepError(f"{option}: the model has no column {name!r}{step.nearest(name, known)}")
    return Redaction(frozenset(left_out), frozenset(hashed), _secret(folder) if hashed else b"")


def _secret(folder: Path) -> bytes:
    file = folder / KEY_FILE
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("x", encoding="ascii") as stream:
            file.chmod(0o600)
            stream.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    return file.read_text(encoding="ascii").encode()
