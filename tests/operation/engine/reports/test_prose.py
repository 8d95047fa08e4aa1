from __future__ import annotations

import doctest
from pathlib import Path

from operation.engine.reports import prose
from operation.engine.reports.markup import Anchors
from operation.engine.reports.prose import render
from tests.operation.engine.reports.pages import read_page
from tests.operation.engine.reports.samples import png


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(prose).failed == 0


def test_markdown_of_jupyter_is_rendered_offline() -> None:
    source = (
        "## Late\n\n~~old~~ | x\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- [x] done\n\n$x$ costs $5 or $6.\n"
    )
    html = render(source, Anchors())
    assert '<h2 id="s-late">Late</h2>' in html
    assert "<del>old</del>" in html
    assert '<th scope="col">a</th>' in html
    assert "<math><semantics>" in html
    assert "costs $5 or $6." in html


def test_pictures_are_embedded_from_attachments_and_files_and_named_when_they_are_elsewhere(
    tmp_path: Path,
) -> None:
    (tmp_path / "a b.svg").write_text("<svg/>", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("x", encoding="utf-8")
    source = (
        "![one](attachment:one.png) ![two](<a b.svg>) ![three](https://a.b/c.png) ![four](gone.png)\n"
        "![five](attachment:gone.png) ![six](secret.txt) <img src='a b.svg'>"
    )
    page = read_page(render(source, Anchors(), {"one.png": {"image/png": png()}}, (tmp_path,)))
    assert [picture.attributes["alt"] for picture in page.all("img")] == [
        "one",
        "two",
        "Picture without a description",
    ]
    assert page.loading() == []
    assert "picture not part of this page (six): secret.txt" in page.text


def test_code_is_coloured_and_script_stays_text() -> None:
    html = render("```python\nimport x\n```\n\n```\n<script>\n```\n\n`<b>`", Anchors())
    assert '<span class="kn">import</span>' in html
    assert "&lt;script&gt;" in html
    assert "<code>&lt;b&gt;</code>" in html
