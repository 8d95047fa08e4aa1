from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from operation.engine.evidence.reports.markup import Fragments
from tests.operation.engine.evidence.reports.hostile import VECTORS
from tests.operation.engine.evidence.reports.pages import Page, read_page

_ACTIVE = """script style iframe frame object embed applet form button select textarea meta base link template
noscript foreignobject animate set math portal video audio source body main"""
ACTIVE = frozenset(_ACTIVE.split())
PIECES = [
    "<div>", "</div>", "<p>", "</p>", "<table><tr><th>", "</table>", "<script>", "</script>", "<style>",
    "</style>", "<style scoped>", "@import 'http://x/y.css';", "b{background:url(http://x/y)}", "<!--", "-->",
    "<svg>", "</svg>", "<math>", "<mtext>", "<mglyph>", "<h1>Title", "</h1>", "<main>", "<plaintext>",
    "<title>", "<noscript>", "<textarea>", "<p style='", "<a href='javascript:", "<img src=x onerror=x() ",
    "&amp;", "&lt;", "&", "<", ">", "\"", "'", "=", "]]>", "<![CDATA[", "<table>", "<select>", "<desc>",
]  # fmt: skip


def passive(page: Page) -> bool:
    """Tell whether nothing on a page acts, loads, or leads to code."""
    for element in page.elements:
        if element.tag in ACTIVE or any(name.startswith("on") for name in element.attributes):
            return False
        address = re.sub(r"[\x00-\x20]", "", element.attributes.get("href", "")).lower()
        if address.startswith(("javascript:", "data:", "vbscript:")):
            return False
    return page.loading() == []


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(PIECES) | st.sampled_from(VECTORS) | st.text(max_size=8), max_size=12).map(
        "".join
    )
)
@example("<h1>Title<b <i</h1>")
def test_nothing_acts_or_loads_and_every_tag_is_closed(fragment: str) -> None:
    fragments = Fragments()
    page = read_page(f"<article>{fragments.clean(fragment, headings=True)}</article><footer></footer>")
    assert passive(page)
    assert page.problems == []
    assert page.elements[-1].tag == "footer"
    assert all("<" not in sheet for sheet in fragments.sheets)
    assert all(word not in sheet.lower() for sheet in fragments.sheets for word in ("@import", "url("))


@pytest.mark.parametrize("vector", VECTORS)
def test_a_known_attack_leaves_nothing_that_acts(vector: str) -> None:
    assert passive(read_page(Fragments().clean(vector)))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            '<img src="https://a.b/c.png" alt="badge">',
            '<a class="absent" href="https://a.b/c.png">picture not included (badge)</a>',
        ),
        (
            "<iframe src='https://a.b/map'>x</iframe>",
            '<a class="absent" href="https://a.b/map">iframe not included</a>',
        ),
        ('<link rel="stylesheet" href="https://cdn/x.css">', ""),
        ("<h1>A</h1>", "<h2>A</h2>"),
        ("<div><p>open", "<div><p>open</p></div>"),
        ("</div></main>text", "text"),
        ("a &lt; b &amp; c", "a &lt; b &amp; c"),
        ("<script>if (a < b && c) {}</script>", ""),
        ('<a href="https://a.b/?x=1&amp;y=2">x</a>', '<a href="https://a.b/?x=1&amp;y=2">x</a>'),
        ('<p style="background:url(http://x/y);color:red">z</p>', '<p style="color:red;">z</p>'),
        ('<input type="checkbox" checked><input>', '<input type="checkbox" checked="">'),
        ('<p title="<table>">x</p>', '<p title="&lt;table&gt;">x</p>'),
        (
            '<svg viewBox="0 0 9 9"><path d="M0 0" fill="url(#a)"/></svg>',
            '<svg viewBox="0 0 9 9"><path d="M0 0" fill="url(#a)"></path></svg>',
        ),
        ('<p id="main">x</p><p id="T_1">y</p>', '<p>x</p><p id="T_1">y</p>'),
    ],
)
def test_what_becomes_of_it(source: str, expected: str) -> None:
    assert Fragments(anchors={"main"}).clean(source) == expected


def test_style_sheets_are_kept_aside_each_once_and_hold_for_outputs_and_prose_alone() -> None:
    fragments = Fragments()
    sheet = "<style>#T_1 td, body {color: red}</style>"
    assert fragments.clean(f"a{sheet}b<style scoped>p{{}}</style>c{sheet}<style>open") == "abc"
    assert list(fragments.sheets) == [":is(.html,.prose) #T_1 td,:is(.html,.prose) body{color: red;}"]


def test_table_headers_get_their_scope_and_tables_can_be_scrolled_with_the_keyboard() -> None:
    html = Fragments().clean(
        "<table border=1><thead><tr><th>a</th></tr></thead><tbody><tr><th>b</th></tr></tbody></table>"
    )
    assert html == (
        '<div class="scroll" role="group" aria-label="Table" tabindex="0"><table><thead><tr>'
        '<th scope="col">a</th></tr></thead><tbody><tr><th scope="row">b</th></tr></tbody></table></div>'
    )


def test_headings_get_anchors_that_are_given_once() -> None:
    fragments = Fragments(anchors={"main"})
    html = fragments.clean('<h2 id="main">A <em>B</em></h2><h3>A B</h3><p id="main">', headings=True)
    assert html == '<h2 id="s-a-b">A <em>B</em></h2><h3 id="s-a-b-2">A B</h3><p></p>'
    assert [(heading.level, heading.text) for heading in fragments.headings] == [(2, "A B"), (3, "A B")]


def test_a_picture_without_words_gets_those_around_it() -> None:
    html = Fragments().clean('<img src="data:image/png;base64,AA">', alt="One in three is late.")
    assert html == '<img src="data:image/png;base64,AA" alt="One in three is late.">'
