"""The differences between two executions of a step, in words: what changed, from what to what."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Difference:
    """One thing that differs."""

    kind: str  # "script", "function", "argument", "input", "package" or "python"
    name: str  # ``src/train.py: fit()``, ``--learning-rate``, ``training``, ``numpy``
    before: Any  # its value, a digest shortened; None: it was not there
    after: Any

    def __str__(self) -> str:
        if self.kind == "function":
            verb = "added" if self.before is None else "removed" if self.after is None else "changed"
            return f"{self.name} {verb}"
        if self.kind == "input":
            return f"input {self.name} has other content ({self.before} -> {self.after})"
        return f"{f'{self.kind} {self.name}'.strip()}: {_shown(self.before)} -> {_shown(self.after)}"


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Compare the components of two keys, as manifests hold them.

    Parameters
    ----------
    before, after : mapping
        ``components`` of a step's manifest, with ``packages`` (name -> version) beside them.

    Returns
    -------
    list of Difference
        In the order in which a person should look: code, arguments, inputs, packages, Python.
    """
    return [
        *_scalar("script", before.get("script"), after.get("script")),
        *_functions(before.get("sources", {}), after.get("sources", {})),
        *_mapping("argument", "--", before.get("arguments", {}), after.get("arguments", {})),
        *_inputs(before.get("inputs", {}), after.get("inputs", {})),
        *_packages(before, after),
        *_scalar("python", before.get("python"), after.get("python")),
    ]


def _scalar(kind: str, before: object, after: object) -> Iterator[Difference]:
    if before != after:
        yield Difference(kind, "", before, after)


def _functions(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for file in sorted({*before, *after}):
        old, new = before.get(file, {}), after.get(file, {})
        for name in sorted({*old, *new}):
            if old.get(name) != new.get(name):
                label = f"src/{file}: {name if name == '<module>' else name + '()'}"
                yield Difference("function", label, _short(old.get(name)), _short(new.get(name)))


def _mapping(
    kind: str, prefix: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Difference]:
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield Difference(kind, f"{prefix}{name}", before.get(name), after.get(name))


def _inputs(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Difference]:
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield Difference("input", name, _short(before.get(name)), _short(after.get(name)))


def _packages(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    if before.get("lock") == after.get("lock"):
        return
    found = list(_mapping("package", "", before.get("packages", {}), after.get("packages", {})))
    digests = _short(before.get("lock")), _short(after.get("lock"))
    yield from found or [Difference("package", "requirements.lock", *digests)]


def _short(digest: str | None) -> str | None:
    return digest[:12] if digest else None


def _shown(value: object) -> str:
    return "not there" if value is None else str(value)
