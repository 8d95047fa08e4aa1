"""Masks secrets in whatever leaves this machine: known values in every encoding, and what looks like one."""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO

from operation.engine.foundation.known_secrets import SHORTEST, known_secrets
from operation.engine.foundation.secret_patterns import SLOW, SecretPattern, mask_forms, patterns_for

MASK = "***"
_BINARY = ("image/", "bdata")  # keys of notebooks' outputs that hold base64 of pictures and numbers
_clean: set[int] = set()  # what was masked before and held nothing: cells are saved many times


def masked(text: str, *, code: bool = False, thorough: bool = False) -> str:
    """Return `text` with every known secret, in any encoding, and all that looks like one as ``***``.

    Parameters
    ----------
    code : bool, default=False
        `text` is Python: mask only what cannot be harmless code.
    thorough : bool, default=False
        Look for forms without a fixed part too, which takes ten times as long.
    """
    return _Masker(text, thorough).text(text, code=code)


def mask_values(value: Any, *, thorough: bool = False) -> Any:
    """Return a JSON-like value with every text in it masked; numbers, which are no text, stay."""
    texts = tuple(_texts(value))
    signature = hash((texts, known_secrets()))
    if signature in _clean:
        return value
    text = "\n".join(text for key, text in texts if not key.startswith(_BINARY))
    clean = _Masker(text, thorough).value(value)
    if clean == value:
        _clean.add(signature)
        return value
    return clean


def mask_file(path: Path) -> None:
    """Mask the secrets in a text file; a file that holds none is not touched."""
    if not path.is_file():
        return
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    clean = mask_document(text, path.suffix)
    if clean != text:
        path.write_text(clean, encoding="utf-8", errors="surrogateescape")


def mask_document(text: str, suffix: str, *, thorough: bool = False) -> str:
    """Return `text` masked so that JSON stays JSON, and code code.

    Parameters
    ----------
    suffix : str
        ``.json`` and ``.ipynb`` say that it is JSON, ``.py`` and ``.lock`` that it is code.
    thorough : bool, default=False
        As for `masked`.
    """
    if suffix not in {".json", ".ipynb"}:
        return masked(text, code=suffix in {".py", ".lock"}, thorough=thorough)
    try:
        content = json.loads(text)
    except ValueError:  # half a file, of a killed process
        return masked(text, thorough=thorough)
    clean = mask_values(content, thorough=thorough)
    return text if clean is content else json.dumps(clean, indent=1, ensure_ascii=False) + "\n"


def masked_lines(lines: Iterable[str], end: str = "") -> Iterator[str]:
    """Yield `lines` masked; those of a private key together, as one alone does not show what it is.

    The line that ends with `end`, if that is given, is the last, without it.
    """
    text = ""
    for line in lines:
        is_last = bool(end) and line.endswith(end)
        text += line.removesuffix(end) if is_last else line
        if is_last:
            break
        if "-----BEGIN" not in text or "-----END" in text or len(text) > 10_000:
            yield masked(text)
            text = ""
    yield masked(text)


def holds_secret(content: bytes) -> bool:
    """Tell whether `content` holds a known secret in any encoding."""
    return any(form.encode() in content for form in _encodings(known_secrets()))


@contextmanager
def masked_console() -> Iterator[None]:
    """Mask what this process prints in the block."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_MaskedStream(stream) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class _MaskedStream:
    """A text stream whose writes are masked; all else is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        # a terminal may lack letters, and the name of a file may be no text at all
        self._stream.write(masked(text).encode(encoding, "replace").decode(encoding))
        return len(text)

    def writelines(self, lines: Iterator[str]) -> None:
        self.write("".join(lines))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _texts(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text in a JSON-like value with the key under which it stands, and the keys."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield "", str(name)
            yield from _texts(member, str(name))
    elif isinstance(value, list | tuple):
        for member in value:
            yield from _texts(member, key)
    elif not isinstance(value, bool | int | float | None):
        yield key, str(value)


class _Masker:
    """Masks the parts of one text, of which it knows what may stand in it."""

    def __init__(self, whole: str, thorough: bool) -> None:
        self.encodings = _encodings(known_secrets())
        self.patterns: list[SecretPattern] = [*patterns_for(whole), *(SLOW if thorough else ())]

    def known(self, text: str) -> str:
        for form in self.encodings:
            if form in text:
                text = text.replace(form, MASK)
        return text

    def text(self, text: str, *, code: bool = False) -> str:
        return mask_forms(self.known(text), self.patterns, MASK, code=code)

    def value(self, value: Any, key: str = "") -> Any:
        """Return a JSON-like value masked; `key` is where it stands."""
        if isinstance(value, dict):
            return {self._key(name): self.value(member, str(name)) for name, member in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(member, key) for member in value]
        if isinstance(value, bool | int | float | None):
            return value
        text = str(value)
        clean = self.known(text) if key.startswith(_BINARY) else self.text(text, code=key == "source")
        return value if clean == text else clean

    def _key(self, name: object) -> object:
        return self.text(name) if isinstance(name, str) else name


@lru_cache(maxsize=8)
def _encodings(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """Return all encodings of the secrets, the longest first."""
    forms = {form for secret in secrets for form in _encoded(secret) if len(form) >= SHORTEST}
    return tuple(sorted(forms, key=len, reverse=True))


def _encoded(secret: str) -> Iterator[str]:
    import html
    from urllib.parse import quote, quote_plus

    escaped = html.escape(secret)
    numeric = escaped.replace("&quot;", "&#34;").replace("&#x27;", "&#39;")  # as markupsafe has it
    for plain in {secret, secret.strip(), repr(secret)[1:-1], escaped, numeric, html.escape(secret, False)}:
        yield plain
        yield from (json.dumps(plain)[1:-1], json.dumps(plain, ensure_ascii=False)[1:-1])
    for encoded in (quote(secret), quote(secret, safe=""), quote_plus(secret)):
        yield from (encoded, re.sub(r"%[0-9A-F]{2}", lambda code: code[0].lower(), encoded))
    for content in (secret.encode(errors="surrogateescape"), f"{secret}\n".encode(errors="surrogateescape")):
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
