from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from operation.engine.reports.markup import Anchors, self_contained
from tests.operation.engine.reports.pages import read_page

PIECES = [
    "<div>", "</div>", "<p>", "</p>", "<table><tr><th>x</th>", "</table>", "<script>", "</script>", "<style>",
    "</style>", "<style scoped>", "@import 'http://x/y.css';", "b{background:url(http://x/y)}", "<!--", "-->",
    "<img src=http://x/y.png>", "<img src='data:image/png;base64,AA' alt=a>", "<link rel=x href=//x/y>",
    "<iframe src=http://x></iframe>", "<script src=http://x/y.js></script>", "<svg><use xlink:href='http://x#a'/>",
    "<svg><image href=http://x/y.png /></svg>", "<video poster=/p.png src=/v.mp4>", "<h1>Title", "</h1>",
    "<main>", "</main>", "</body></html>", "<plaintext>", "<a href='javascript:alert(1)'>", "<a href=http://x>",
    "</a>", "<meta http-equiv=refresh content='0;url=http://x'>", "<base href=http://x/>",
    "<p style='background:url(//x/y)'>",
    "<object data=http://x></object>", "<b <i", "&amp;", "&", "<", "\"", "'", "=",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=12).map("".join))
@example("<h1>Title<b <i</h1>")
def test_nothing_loads_and_every_tag_is_closed(fragment: str) -> None:
    html = self_contained(fragment, anchors=Anchors())
    page = read_page(f"<article>{html}</article><footer></footer>")
    assert page.loading() == []
    assert page.problems == []
    assert page.elements[-1].tag == "footer"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            '<img src="https://a.b/c.png" alt="badge">',
            '<a class="absent" href="https://a.b/c.png">picture not part of this page (badge)</a>',
        ),
        (
            "<script src='https://cdn/x.js'></script>",
            '<a class="absent" href="https://cdn/x.js">script not part of this page</a>',
        ),
        ('<link rel="stylesheet" href="https://cdn/x.css">', ""),
        ("<h1>A</h1>", "<h2>A</h2>"),
        ("<div><p>open", "<div><p>open</p></div>"),
        ("</div></main>text", "text"),
        ("a &lt; b &amp; c", "a &lt; b &amp; c"),
        ("<script>if (a < b && c) {}</script>", "<script>if (a < b && c) {}</script>"),
        ('<a href="https://a.b/?x=1&amp;y=2">x</a>', '<a href="https://a.b/?x=1&amp;y=2">x</a>'),
        ('<p style="background:url(http://x/y)">z</p>', '<p style="background:none">z</p>'),
    ],
)
def test_what_becomes_of_it(source: str, expected: str) -> None:
    assert self_contained(source) == expected


def test_table_headers_get_their_scope_and_tables_can_be_scrolled_with_the_keyboard() -> None:
    html = self_contained(
        "<table border=1><thead><tr><th>a</th></tr></thead><tbody><tr><th>b</th></tr></tbody></table>"
    )
    assert html == (
        '<div class="scroll" role="group" aria-label="Table" tabindex="0"><table><thead><tr>'
        '<th scope="col">a</th></tr></thead><tbody><tr><th scope="row">b</th></tr></tbody></table></div>'
    )


def test_headings_get_anchors_that_are_given_once() -> None:
    anchors = Anchors(taken={"main"})
    html = self_contained('<h2 id="main">A <em>B</em></h2><h3>A B</h3><p id="main">', anchors=anchors)
    assert html == '<h2 id="s-a-b">A <em>B</em></h2><h3 id="s-a-b-2">A B</h3><p></p>'
    assert [(heading.level, heading.text) for heading in anchors.headings] == [(2, "A B"), (3, "A B")]


def test_a_picture_without_words_gets_those_around_it() -> None:
    html = self_contained('<img src="data:image/png;base64,AA">', alt="One in three is late.")
    assert html == '<img src="data:image/png;base64,AA" alt="One in three is late.">'
