"""What all pages share: templates, inlined styles and scripts, atomic writing."""

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

# a status is a sign too, for those who do not see colours
MARKS = {
    **dict.fromkeys(("succeeded", "executed"), "✓"),
    **dict.fromkeys(("failed", "unreadable"), "✕"),
    **dict.fromkeys(("running", "unfinished"), "…"),
    "reused": "↺",
    "rejected": "⊘",
    "interrupted": "◼",
}


def configure(environment: Environment) -> None:
    """Give a Jinja environment the filters and globals that the templates use."""
    environment.autoescape = True
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}  # in the order given
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.globals.update(style=style, script=script, policy=policy, marks=MARKS)
    environment.filters.update(
        duration=wording.duration,
        number=wording.number,
        moment=wording.moment,
        short=wording.short,
        written=wording.text,
        address=quote,
        breakable=breakable,
    )


@cache
def environment() -> Environment:
    """Return the Jinja environment of the pages that are not notebooks."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    jinja = Environment(  # noqa: S701  (`configure` turns escaping on)
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined
    )
    configure(jinja)
    return jinja


def policy(styles: str) -> str:
    """Return the content policy of a page with `styles`: nothing loads, and only our own scripts run."""
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


@cache
def style(*names: str) -> Any:
    """Return the style sheets `names`, without comments and indentation, as markup."""
    css = "".join((TEMPLATES / f"{name}.css").read_text(encoding="utf-8") for name in names)
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    return as_markup(re.sub(r"\s*([{};,])\s*", r"\1", css).strip())


@cache
def script(name: str) -> Any:
    """Return the script `name` as markup."""
    return as_markup((TEMPLATES / f"{name}.js").read_text(encoding="utf-8").strip())


def breakable(name: str) -> Any:
    """Return `name` with places where a narrow box may break it."""
    from markupsafe import escape

    return as_markup(str(escape(name)).replace("_", "_<wbr>"))


def as_markup(html: str) -> Any:
    """Return HTML that is ours, escaped or cleaned, as what templates do not escape."""
    from markupsafe import Markup

    return Markup(html)  # noqa: S704


def render(template: str, target: Path, **values: Any) -> Path:
    """Write the page that a template gives and return its path."""
    return write_page(target, environment().get_template(template).render(values))


def write_page(target: Path, html: str) -> Path:
    """Write a page in one step; secrets are masked, lone surrogates become character references."""
    with replacing(target) as partial:
        partial.write_bytes(masked(html).encode("utf-8", "xmlcharrefreplace"))
    return target
