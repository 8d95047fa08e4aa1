"""Values that must never leave this machine, from the environment and ``config.json``, in every form."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from operation.engine.foundation.layout import project

MASK = "***"
_SHORTEST = 6  # what is shorter stands in ordinary text by chance
_NAME = re.compile(
    r"SECRET|PASSWORD|PASSWD|PASSPHRASE|TOKEN|CREDENTIAL|CONNECTION_?STRING|CONNSTR|API_?KEY"
    r"|(^|_)(PWD|PAT|SAS|KEYS?)(_|$)",
    re.IGNORECASE,
)
_FOLDERS = {"PWD", "OLDPWD"}  # the shell's, not passwords


def masked(text: str) -> str:
    """Return `text` with every known secret, plain, base64 or URL-encoded, replaced by ``***``."""
    return _masked(text, _forms(known_secrets()))


def mask_values(value: Any) -> Any:
    """Return a JSON-like value with every text in it masked; numbers, which are no text, stay."""
    forms = _forms(known_secrets())
    text = json.dumps(value, default=str, ensure_ascii=False)
    return _walk(value, forms) if any(form in text for form in forms) else value


def mask_file(path: Path) -> None:
    """Mask the known secrets in a text file; a file that holds none is not touched."""
    if not path.is_file():
        return
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    clean = mask_document(text, path.suffix)
    if clean != text:
        path.write_text(clean, encoding="utf-8", errors="surrogateescape")


def mask_document(text: str, suffix: str) -> str:
    """Return `text` masked so that JSON stays JSON.

    Parameters
    ----------
    suffix : str
        ``.json`` and ``.ipynb`` say that it is JSON.
    """
    clean = masked(text)
    if clean == text or suffix not in {".json", ".ipynb"}:
        return clean
    try:
        return json.dumps(mask_values(json.loads(text)), indent=1, ensure_ascii=False) + "\n"
    except ValueError:  # half a file, of a killed process
        return clean


def _masked(text: str, forms: tuple[str, ...]) -> str:
    for form in forms:
        if form in text:
            text = text.replace(form, MASK)
    return text


def _walk(value: Any, forms: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {_walk(key, forms): _walk(one, forms) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_walk(one, forms) for one in value]
    return _masked(value, forms) if isinstance(value, str) else value


def holds_secret(content: bytes) -> bool:
    """Tell whether `content` holds a known secret in any form."""
    return any(form.encode() in content for form in _forms(known_secrets()))


def known_secrets() -> tuple[str, ...]:
    """Return the values of secret-looking environment variables, and the texts of ``config.json``."""
    named = {value for name, value in os.environ.items() if _is_secret(name, value)}
    return tuple(sorted({*named, *_of_config_json(project().root)}))


def _is_secret(name: str, value: str) -> bool:
    if name in _FOLDERS or len(value) < _SHORTEST or not _NAME.search(name):
        return False
    return not (len(value) < 1000 and os.path.isabs(value) and os.path.exists(value))  # noqa: PTH110, PTH117 - asked of every variable


def _of_config_json(root: Path) -> set[str]:
    """Return the texts of ``config.json`` that the configuration, which Git keeps, does not hold too."""
    try:
        content = json.loads((root / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return set()
    files = (root / "configuration").glob("configuration-*.yml")
    public = "\n".join(file.read_text(encoding="utf-8", errors="replace") for file in files)
    return {text for text in _texts(content) if len(text) >= _SHORTEST and text not in public}


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(one)


@lru_cache(maxsize=8)
def _forms(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """Return all spellings of the secrets, the longest first."""
    found = {form for secret in secrets for form in _spellings(secret) if len(form) >= _SHORTEST}
    return tuple(sorted(found, key=len, reverse=True))


def _spellings(secret: str) -> Iterator[str]:
    import html
    from urllib.parse import quote, quote_plus

    for plain in {
        secret,
        secret.strip(),
        repr(secret)[1:-1],
        html.escape(secret),
        html.escape(secret, False),
    }:
        yield plain
        yield from (json.dumps(plain)[1:-1], json.dumps(plain, ensure_ascii=False)[1:-1])
    for encoded in (quote(secret), quote(secret, safe=""), quote_plus(secret)):
        yield from (encoded, re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), encoded))
    for content in (secret.encode(), f"{secret}\n".encode()):
        for shift in range(3):
            yield from _base64(content, shift)


def _base64(content: bytes, shift: int) -> Iterator[str]:
    """Yield the characters that `content` always gives, `shift` bytes into a longer text."""
    import base64

    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(bytes(shift) + content).decode()
        first = -(-shift * 8 // 6)
        core = whole[first : (shift + len(content)) * 8 // 6]
        if shift == 0:
            yield whole.rstrip("=")
        if len(core) >= 8:
            yield core
