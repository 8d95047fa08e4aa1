"""Values that look like secrets: they belong in a key vault, never in a file that git keeps."""

from __future__ import annotations

import math
import re
from collections import Counter

from operation.engine.configuration.documents import Value

_PATTERNS = {
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "an Azure storage or service key": r"(?<![A-Za-z0-9+/])([A-Za-z0-9+/]{86}==|[A-Za-z0-9+/]{43}=)(?!=)",
    "a connection string": r"(?i)\b(AccountKey|SharedAccess(Key|Signature)|Password|Pwd)\s*=\s*[^;\s$]+",
    "a shared access signature": r"[?&]?\bsig=[A-Za-z0-9%+/=]{20,}",
    "a service principal's secret": r"(?<![\w~.-])[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34}",
    "a JSON web token": r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.",
    "a GitHub token": r"\b(gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{40,})",
    "an AWS access key": r"\b(AKIA|ASIA)[A-Z0-9]{16}\b",
    "a personal access token": r"\b(?=[a-z2-7]*[2-7])[a-z2-7]{52}\b",
    "a URL with a password in it": r"\b[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s/@]+@",
}
PATTERNS = {kind: re.compile(pattern) for kind, pattern in _PATTERNS.items()}
_NAMES = re.compile(
    r"(password|passwd|pwd|secret|token|apikey|accesskey|accountkey|storagekey|connectionstring|credentials?)$"
)
_LONG = re.compile(r"(?<![A-Za-z0-9_+/.-])[A-Za-z0-9_+-]{32,}={0,2}(?![A-Za-z0-9_+/.-])")


def secret_kind(name: str, value: Value) -> str | None:
    """Return what kind of secret `value` looks like, or None when it looks like none."""
    if not isinstance(value, str) or not re.sub(r"\$\([^)]*\)", "", value).strip():
        return None
    for kind, pattern in PATTERNS.items():
        if pattern.search(value):
            return kind
    if _NAMES.search(re.sub(r"[^a-z]", "", name.casefold())):
        return f"a secret, by its name '{name}'"
    if any(_is_random(word) for word in _LONG.findall(value)):
        return "a random key"
    return None


def secret_problem(name: str, value: Value) -> str | None:
    """Return what to say of `value` when it looks like a secret, without showing it."""
    kind = secret_kind(name, value)
    return kind and (
        f"looks like {kind} (not shown): Git keeps what stands in a configuration file. Remove it, renew it, "
        "and keep it in a key vault or in a secret variable of the pipeline."
    )


def _is_random(word: str) -> bool:
    classes = [any(map(kind, word)) for kind in (str.islower, str.isupper, str.isdigit)]
    counts = Counter(word).values()
    entropy = -sum(count / len(word) * math.log2(count / len(word)) for count in counts)
    return all(classes) and entropy > 4.2
