"""How values are written for a reader: durations, numbers, moments, keys."""

import json
import math
from datetime import UTC, datetime

NOTHING = "–"


def duration(seconds: float | None) -> str:
    """Return `seconds` as a person says it.

    >>> duration(0.042), duration(1.234), duration(64), duration(7500)
    ('42 ms', '1.2 s', '1 min 04 s', '2 h 05 min')
    """
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds < 0.1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def number(value: object) -> str:
    """Return a metric with four digits that matter and groups of thousands.

    >>> number(0.68412345), number(0.442), number(336776), number(20000.0), number(1234.56), number(True)
    ('0.6841', '0.4420', '336,776', '20,000', '1,235', 'yes')
    """
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        whole = value.is_integer() or abs(value) >= 1000
        return f"{value:,.0f}" if whole and abs(value) < 1e15 else f"{value:#.4g}"
    return text(value)


def text(value: object) -> str:
    """Return a parameter as it would be typed: a string as it is, the rest as JSON.

    >>> text("hist"), text([1, 2]), text(None)
    ('hist', '[1, 2]', 'null')
    """
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def moment(iso: str | None) -> str:
    """Return an ISO-8601 time in UTC to the minute; what isn't a time stays as it is.

    >>> moment("2026-11-22T13:45:01+00:00"), moment("soon"), moment(None)
    ('2026-11-22 13:45 UTC', 'soon', '–')
    """
    if not iso:
        return NOTHING
    try:
        when = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    when = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    return f"{when:%Y-%m-%d %H:%M} UTC"


def short(digest: str | None, length: int = 10) -> str:
    """Return the beginning of a key or commit, enough to tell it from others."""
    return digest[:length] if digest else NOTHING


def clip(content: str, room: int) -> tuple[str, int]:
    """Return the beginning and the end of a text, as much as takes `room` bytes of HTML, and what is missing.

    >>> clip("short", 10)
    ('short', 0)
    >>> clip("ab" * 100, 60)[1]
    176
    """
    if len(content) <= room and html_size(content) <= room:
        return content, 0
    keep = min(len(content), room)
    while True:
        keep = keep * 3 // 4
        gap = f"\n… {len(content) - keep:,} characters omitted …\n"
        shown = content[: keep - keep // 3] + gap + content[len(content) - keep // 3 :]
        if not keep or html_size(shown) <= room:
            return shown, len(content) - keep


def html_size(content: str) -> int:
    """Return about how many bytes of HTML a text takes: signs are written out, each colour is an element."""
    signs = sum(content.count(sign) for sign in "<>&'\"")
    return len(content.encode("utf-8", "replace")) + 4 * signs + 60 * content.count("\x1b")
