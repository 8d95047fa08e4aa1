from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operation.engine.evidence.reports.styles import clean_declarations, clean_sheet, svg_address

SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


@pytest.mark.parametrize(
    ("sheet", "expected"),
    [
        (
            "@media (max-width: 9px) {td {color: red}}",
            "@media (max-width: 9px) {:is(.html,.prose) td{color: red;}}",
        ),
        ("td:is(a, b) {top: 0}", ":is(.html,.prose) td:is(a, b){top: 0;}"),
        ("@import 'x.css'; @font-face {src: url(x)} p {background: u\\72l(x)}", ""),
        ("}} body {display: none}", ""),
        ("p {--x: '</style>'}", ":is(.html,.prose) p{--x: '\\3c /style>';}"),
    ],
)
def test_what_becomes_of_a_style_sheet(sheet: str, expected: str) -> None:
    assert clean_sheet(sheet).replace('"', "'") == expected


PIECES = ["{", "}", "(", "url(", "\\", "'", '"', "/*", "*/", "<", ";", ":", "@media", "&", "\n"]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=4)).map("".join))
def test_a_style_sheet_of_anything_ends_nothing(sheet: str) -> None:
    cleaned = clean_sheet(sheet)
    assert "<" not in cleaned
    assert clean_sheet(cleaned).count("{") <= cleaned.count("{")  # it reads as the rules that were written
    assert "url(" not in clean_declarations(sheet + "(").lower()


@pytest.mark.parametrize(
    ("svg", "expected"),
    [
        (f'{SVG} onload="x()"><script>x()</script><rect/></svg>', "<rect />"),
        (f'{SVG}><a xlink:href="javascript:x()"><text>&lt;</text></a></svg>', "<a><text>&lt;</text></a>"),
        (f'{SVG}><g><animate attributeName="href"/><use href="#a"/></g></svg>', '<g><use href="#a" /></g>'),
    ],
)
def test_a_picture_has_no_script(svg: str, expected: str) -> None:
    _, _, encoded = svg_address(svg).partition(",")
    content = base64.b64decode(encoded).decode("utf-8")
    assert content.partition(">")[2] == f"{expected}</svg>"
    assert "onload" not in content


@pytest.mark.parametrize(
    "text", ["", "<svg>", "not a picture", '<!DOCTYPE x [<!ENTITY a "b">]><svg>&a;</svg>']
)
def test_what_is_no_picture_has_no_address(text: str) -> None:
    assert svg_address(text) == ""
