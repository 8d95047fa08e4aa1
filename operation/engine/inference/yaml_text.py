"""Values as YAML that every reader understands alike: PyYAML's 1.1, Azure's 1.2 and ours."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

# begins with a letter, so that it is no number and no date
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*")
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}  # mean something in YAML 1.1 or 1.2


def written(value: str | float | bool) -> str:
    """Return `value` as one word of YAML, quoted where a reader might take it for anything else."""
    plain = isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS
    return str(value) if plain else json.dumps(value, ensure_ascii=False)


def written_list(values: Iterable[str | float], indent: int) -> str:
    """Return `values` as a list behind a key: on one line where that is short, otherwise one a line."""
    words = [written(value) for value in values]
    line = f" [{', '.join(words)}]"
    if len(line) <= 70:
        return line
    margin = " " * indent
    return "".join(f"\n{margin}- {word}" for word in words)


def comment(text: str) -> str:
    """Return `text` as a comment of one line, whatever the data put into it."""
    line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return f"# {line[:200]}"
