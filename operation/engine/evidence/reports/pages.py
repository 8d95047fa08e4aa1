"""What all pages share: templates, inlined styles and scripts, writing so that no half page is seen."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from operation.engine.evidence.reports import wording
from operation.engine.foundation.files import replacing
from operation.engine.foundation.secrets import masked

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"

MARKS = {
    "succeeded": "✓",
    "executed": "✓",
    "reused": "↺",
    "failed": "✕",
    "unreadable": "✕",
    "rejected": "⊘",
    "interrupted": "◼",
    "running": "…",
    "unfinished": "…",
    "pending": "·",
}


def configure(environment: Environment) -> None:
    """Give a Jinja environment the filters and globals that the templates use."""
    environment.autoescape = True
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}  # in the order given
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.globals.update(style=style, script=script, policy=policy, mark=mark)
    environment.filters.update(
        duration=wording.duration,
        number=wording.number,
        moment=wording.moment,
        short=wording.short,
        written=wording.text,
        address=quote,
        breakable=breakable,
    )


def policy(styles: str) -> str:
    """Return the content policy of a page: nothing loads, and no script runs but those of our own.

    Parameters
    ----------
    styles : str
        The content of the page's only style element.
    """
    # An attribute cannot be named by its digest; it reaches no further than its element, and loads nothing.
    return (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"script-src {_scripts()}; style-src-elem {_source(styles)}; style-src-attr 'unsafe-inline'"
    )


@cache
def _scripts() -> str:
    return " ".join(_source(script(path.stem)) for path in sorted(TEMPLATES.glob("*.js")))


def _source(content: str) -> str:
    """Return an element's content as a content policy names it."""
    digest = sha256(content.encode("utf-8", "xmlcharrefreplace")).digest()
    return f"'sha256-{b64encode(digest).decode('ascii')}'"


def mark(status: str) -> str:
    """Return the sign of a status, for those who do not see colours."""
    return MARKS.get(status, "·")


@cache
def environment() -> Environment:
    """Return the Jinja environment of the pages that are not notebooks."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    jinja = Environment(  # noqa: S701  (`configure` turns escaping on)
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined
    )
    configure(jinja)
    return jinja


@cache
def style(*names: str) -> Any:
    """Return the style sheets `names`, without comments and indentation, as markup."""
    from markupsafe import Markup

    css = "".join((TEMPLATES / f"{name}.css").read_text(encoding="utf-8") for name in names)
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    return Markup(re.sub(r"\s*([{};,])\s*", r"\1", css).strip())  # noqa: S704  (our own file)


@cache
def script(name: str) -> Any:
    """Return the script `name` as markup."""
    from markupsafe import Markup

    return Markup((TEMPLATES / f"{name}.js").read_text(encoding="utf-8").strip())  # noqa: S704  (our own file)


def breakable(name: str) -> Any:
    """Return `name` with places where a narrow box may break it."""
    from markupsafe import Markup, escape

    return Markup(str(escape(name)).replace("_", "_<wbr>"))  # noqa: S704  (escaped)


def write_page(target: Path, html: str) -> Path:
    """Write `html` to `target` in one step: a reader sees the old page or the new one.

    Parameters
    ----------
    target : Path
        The page; its folder exists.
    html : str
        The page's content. Lone surrogates, which UTF-8 cannot hold, become character references.
        Known secrets are masked.
    """
    with replacing(target) as partial:
        partial.write_bytes(masked(html).encode("utf-8", "xmlcharrefreplace"))
    return target
