"""Values that look like secrets: they belong in a key vault, never in a file that git keeps."""

import math
import re
from collections import Counter

from operation.engine.configuration.documents import Value
from operation.engine.foundation.secret_patterns import PATTERNS

_NAMES = re.compile(
    r"(password|passwd|pwd|secret|token|apikey|accesskey|accountkey|storagekey|connectionstring|credentials?)$"
)
_LONG = re.compile(r"(?<![A-Za-z0-9_+/.-])[A-Za-z0-9_+-]{32,}={0,2}(?![A-Za-z0-9_+/.-])")


def secret_kind(name: str, value: Value) -> str | None:
    """Return what kind of secret `value` looks like, or None when it looks like none."""
    if not isinstance(value, str) or not re.sub(r"\$\([^)]*\)", "", value).strip():
        return None
    for pattern in PATTERNS:
        if pattern.compiled.search(value):
            return pattern.kind
    if _NAMES.search(re.sub(r"[^a-z]", "", name.casefold())):
        return f"a secret, by its name '{name}'"
    if any(_is_random(word) for word in _LONG.findall(value)):
        return "a random key"
    return None


def secret_problem(name: str, value: Value) -> str | None:
    """Return what to say of `value` when it looks like a secret, without showing it."""
    kind = secret_kind(name, value)
    return kind and (
        f"looks like {kind} (not shown): Git keeps configuration files. Remove it, renew it, "
        "and keep it in a key vault or in a secret variable of the pipeline."
    )


def _is_random(word: str) -> bool:
    classes = [any(map(kind, word)) for kind in (str.islower, str.isupper, str.isdigit)]
    counts = Counter(word).values()
    entropy = -sum(count / len(word) * math.log2(count / len(word)) for count in counts)
    return all(classes) and entropy > 4.2
