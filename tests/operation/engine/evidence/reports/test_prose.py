from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operation.engine.evidence.reports.markup import Fragments
from operation.engine.evidence.reports.prose import as_mathml, render
from tests.operation.engine.evidence.reports.pages import read_page
from tests.operation.engine.evidence.reports.samples import png


def test_markdown_of_jupyter_is_rendered_offline() -> None:
    source = (
        "## Late\n\n~~old~~ | x\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- [x] done\n\n$x$ costs $5 or $6.\n"
    )
    html = render(source, Fragments())
    assert '<h2 id="s-late">Late</h2>' in html
    assert "<del>old</del>" in html
    assert '<th scope="col">a</th>' in html
    assert "<mi>x</mi></mrow></math> costs" in html
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
    page = read_page(render(source, Fragments(), {"one.png": {"image/png": png()}}, (tmp_path,)))
    assert [picture.attributes["alt"] for picture in page.all("img")] == [
        "one",
        "two",
        "Picture without a description",
    ]
    assert page.loading() == []
    assert "picture not included (six): secret.txt" in page.text


def test_code_is_coloured_and_script_stays_text() -> None:
    html = render("```python\nimport x\n```\n\n```\n<script>\n```\n\n`<b>`", Fragments())
    assert '<span class="kn">import</span>' in html
    assert "&lt;script&gt;" in html
    assert "<code>&lt;b&gt;</code>" in html


@pytest.mark.parametrize(
    ("tex", "row"),
    [
        ("x^2", "<msup><mi>x</mi><mn>2</mn></msup>"),
        (r"\hat{p}", '<mover accent="true"><mrow><mi>p</mi></mrow><mo>^</mo></mover>'),
        (r"\frac{1}{n}", "<mfrac><mrow><mn>1</mn></mrow><mrow><mi>n</mi></mrow></mfrac>"),
        (r"\sum_{i}^n", "<munderover><mo>∑</mo><mrow><mi>i</mi></mrow><mi>n</mi></munderover>"),
        (r"\text{<b>&lt;}", "<mtext>&lt;b&gt;&lt;</mtext>"),
        (r"a < b", "<mi>a</mi><mo>&lt;</mo><mi>b</mi>"),
        (r"\mathbb{R}", "<mi>ℝ</mi>"),
        (r"\arg x", '<mo lspace="0" rspace="0.167em">arg</mo><mi>x</mi>'),
        (r"\href{javascript:alert(1)}{x}", "<mrow><mrow><mi>x</mi></mrow></mrow>"),
    ],
)
def test_formulas_that_are_drawn(tex: str, row: str) -> None:
    html = as_mathml(tex, display=True)
    assert html.removeprefix("<math ").partition("<mrow>")[2].removesuffix("</mrow></math>") == row
    assert 'display="block"' in html


@pytest.mark.parametrize("name", ["align", "align*", "aligned", "gather", "eqnarray", "pmatrix", "cases"])
def test_environments_are_drawn_as_tables_without_numbers(name: str) -> None:
    html = render(f"\\begin{{{name}}}\na & b \\\\\nc & d\n\\end{{{name}}}\n", Fragments())
    assert html.count("<mtr>") == 2
    assert "(1)" not in html


@pytest.mark.parametrize(
    "tex",
    [
        r"\unknown x",
        "{a",
        "a}",
        "x^1^2",
        r"\text{a",
        "^",
        "",
        r"\def\a{\a}",
        r"\begin{tabular}x\end{tabular}",
        "{" * 3000 + "}" * 3000,
        "x" * 10_001,
        "\\begin{x",
    ],
)
def test_a_formula_that_is_not_fully_understood_stays_tex(tex: str) -> None:
    assert as_mathml(tex, display=False) == f'<code class="tex">{tex}</code>'


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="\\{}^_ab1 <&$().,textfracsqrthat") | st.text(), st.booleans())
def test_every_text_gives_closed_elements(tex: str, display: bool) -> None:
    assert read_page(as_mathml(tex, display)).problems == []


def test_code_and_prices_and_escaped_dollars_are_no_formulas() -> None:
    html = render("`$x$` costs $5 or $6, \\$7\\$\n\n    $$y$$\n", Fragments())
    assert "<math" not in html
    assert "<code>$x$</code> costs $5 or $6, $7$" in html
