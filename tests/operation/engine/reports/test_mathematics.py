from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operation.engine.reports.mathematics import as_mathml
from tests.operation.engine.reports.pages import read_page


@pytest.mark.parametrize(
    ("tex", "row"),
    [
        ("x^2", "<msup><mi>x</mi><mn>2</mn></msup>"),
        (r"\hat{p}", '<mover accent="true"><mrow><mi>p</mi></mrow><mo>^</mo></mover>'),
        (r"\frac{1}{n}", "<mfrac><mrow><mn>1</mn></mrow><mrow><mi>n</mi></mrow></mfrac>"),
        (r"\sum_{i}^n", "<munderover><mo>∑</mo><mrow><mi>i</mi></mrow><mi>n</mi></munderover>"),
        (r"\text{two words}", "<mtext>two words</mtext>"),
        (r"a < b", "<mi>a</mi><mo>&lt;</mo><mi>b</mi>"),
        (r"\left( -\alpha \right.", "<mo>(</mo><mo>−</mo><mi>α</mi>"),
        (r"\mathbb{R}", "<mi>ℝ</mi>"),
    ],
)
def test_formulas_that_are_drawn(tex: str, row: str) -> None:
    assert as_mathml(tex, display=False).startswith(f"<math><semantics><mrow>{row}</mrow><annotation")


@pytest.mark.parametrize(
    "tex", [r"\begin{align}a\end{align}", r"\unknown x", "{a", "a}", "x^1^2", r"\text{a", "^"]
)
def test_a_formula_that_is_not_fully_understood_stays_tex(tex: str) -> None:
    assert as_mathml(tex, display=False) == f'<code class="tex">{tex}</code>'


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="\\{}^_ab1 <&$().,textfracsqrthat") | st.text(), st.booleans())
def test_every_text_gives_closed_elements(tex: str, display: bool) -> None:
    assert read_page(as_mathml(tex, display)).problems == []
