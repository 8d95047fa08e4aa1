"""What becomes of each kind of output, seen on the page."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from operation.engine.evidence.reports.notebook import as_html, render_notebook
from tests.operation.engine.evidence.reports.conftest import MakeRun
from tests.operation.engine.evidence.reports.pages import Page, read, read_page
from tests.operation.engine.evidence.reports.samples import code, png, raised, shown, stream

EXECUTED = "notebooks/01-explore-data.ipynb"
PLOTLY = "application/vnd.plotly.v1+json"
WIDGET = "application/vnd.jupyter.widget-view+json"
WIDGETS = {
    "m1": {"state": {"children": ["IPY_MODEL_m2", "IPY_MODEL_m3", "IPY_MODEL_gone"]}},
    "m2": {"state": {"value": "<b>100%</b>"}},
    "m3": {"state": {"description": "Rows", "value": 10.0, "max": 10.0}},
    "m4": {"state": {"_options_labels": ["low", "high"], "index": 1, "description": "Level"}},
    "m5": {"state": {"children": ["IPY_MODEL_m5"], "value": 3}},
}


def page_of(make_run: MakeRun, *shown_outputs: dict[str, Any]) -> Page:
    run = make_run([code("show()", *shown_outputs)])
    render_notebook(run.notebook, run.folder / "report.html", run.manifest)
    return read(run.folder / "report.html")


def notes(page: Page) -> list[str]:
    return [one.text for one in page.all("p") if one.attributes.get("class") == "note"]


def results(page: Page) -> list[str]:
    return [one.text for one in page.all("pre") if one.attributes.get("class") == "result"]


@pytest.mark.parametrize(
    "output",
    [
        stream("x" * 400_000),
        stream("x" * 20_000_000),
        stream(("x" * 99 + "\n") * 300_000),
        stream("<&\"'" * 2_000_000),
        stream("\x1b[31mab\x1b[0m" * 1_000_000),
        stream("\x1b]0" * 3_000_000),
        stream("\x1b[1;" * 3_000_000),
        stream("😀" * 3_000_000),
        shown({"text/plain": "x " * 3_000_000}),
        shown({"text/html": "<pre>" + "x" * 6_000_000}),
        shown({"text/latex": "x" * 3_000_000}),
        shown({"text/markdown": "$" * 3_000_000}),
        shown({"application/json": "x" * 3_000_000}),
        raised("Error", "x" * 3_000_000),
    ],
    ids=lambda output: f"{output['output_type']} {str(output)[-30:-20]!r}",
)
def test_however_much_an_output_says_the_page_stays_small_and_says_where_the_rest_is(
    make_run: MakeRun, output: dict[str, Any]
) -> None:
    run = make_run([code("show()", output)])
    target = run.folder / "report.html"
    render_notebook(run.notebook, target, run.manifest)
    assert target.stat().st_size < 2_000_000
    assert f'<a href="{EXECUTED}">{EXECUTED}</a>' in target.read_text(encoding="utf-8")


def test_many_outputs_share_the_room_of_the_page_and_the_error_is_always_shown(make_run: MakeRun) -> None:
    talk = [stream("x" * 150_000, ("stdout", "stderr")[at % 2]) for at in range(60)]
    run = make_run([code("talk()", *talk), code("fail()", raised())])
    target = run.folder / "report.html"
    render_notebook(run.notebook, target, run.manifest)
    page = read(target)
    assert target.stat().st_size < 2_000_000
    assert notes(page)[-1].startswith("The page's limit for text is reached: later text is omitted.")
    assert "KeyError: 'carrier'" in page.text


def test_the_end_of_a_long_text_is_kept(make_run: MakeRun) -> None:
    page = page_of(make_run, stream("first\n" + "x\n" * 500_000 + "last"))
    shown_text = next(one.text for one in page.all("pre") if one.attributes.get("class") == "terminal")
    assert shown_text.startswith("first\n")
    assert shown_text.endswith("\nlast")
    assert "characters omitted" in shown_text
    assert notes(page)[0].endswith(f"characters are omitted. Full output: {EXECUTED}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1%\r50%\r100%\n", "100%"),
        ("a\r\nb\r\n", "a\nb"),
        ("1%\r100%\r", "100%"),
        ("x" * 1000 + "\ry", "y"),
    ],
)
def test_a_carriage_return_writes_over_its_line(make_run: MakeRun, text: str, expected: str) -> None:
    page = page_of(make_run, stream(text))
    assert [one.text for one in page.all("pre") if "stream" in one.attributes.get("class", "")] == [expected]


def test_an_output_that_only_a_script_draws_is_shown_by_its_picture_or_named(make_run: MakeRun) -> None:
    html = "<div id='a'></div><script src='https://cdn/x.js'></script><script>draw('a')</script>"
    page = page_of(
        make_run,
        shown({PLOTLY: "{}", "text/html": html, "image/png": png(), "text/plain": "Figure({})"}),
        shown({PLOTLY: "{}", "text/html": html, "text/plain": "Figure({})"}),
        shown({PLOTLY: "{}", "text/plain": "Figure({})"}),
    )
    assert len(page.all("img")) == 1
    assert results(page) == []
    assert [note.partition(" Full")[0] for note in notes(page)] == [
        f"This output needs JavaScript or another viewer ({PLOTLY}, text/html, text/plain).",
        f"This output needs JavaScript or another viewer ({PLOTLY}, text/plain).",
    ]


def test_a_table_that_a_script_would_have_made_sortable_is_shown_as_it_is(make_run: MakeRun) -> None:
    page = page_of(make_run, shown({"text/html": "<table><td>1</td></table><script>sort()</script>"}))
    assert page.all("td")[-1].text == "1"
    assert notes(page) == []


def test_a_styled_table_keeps_its_colours_and_the_policy_allows_them(make_run: MakeRun) -> None:
    html = (
        "<style type='text/css'>\n#T_1_row0_col0 {\n  background-color: #fff7fb;\n  color: #000;\n}\n</style>"
        "<table id='T_1'><caption>Late</caption><tbody><tr><td id='T_1_row0_col0'>1</td></tr></table>"
    )
    page = page_of(make_run, shown({"text/html": html}))
    assert len(page.all("style")) == 1
    assert ":is(.html,.prose) #T_1_row0_col0{background-color: #fff7fb;color: #000;}" in page.styles
    assert page.all("td")[-1].attributes["id"] == "T_1_row0_col0"


def test_json_is_written_out_and_animations_are_pictures(make_run: MakeRun) -> None:
    page = page_of(
        make_run,
        shown({"application/json": '{"a": [1]}', "text/plain": "<IPython.core.display.JSON object>"}),
        shown({"image/gif": png(), "text/plain": "<IPython.core.display.Image object>"}),
    )
    assert results(page) == [json.dumps('{"a": [1]}')]
    assert page.all("img")[0].attributes["src"].startswith("data:image/gif;base64,")


def test_an_unknown_output_is_shown_as_text_and_markdown_as_such(make_run: MakeRun) -> None:
    page = page_of(
        make_run,
        shown({"text/markdown": "**bold** ![x](http://a/b.png)"}),
        shown({"application/vnd.widget+json": "{}", "text/plain": "a widget"}),
        shown({"application/javascript": "alert(1)", "text/plain": "a script"}),
    )
    assert page.loading() == []
    assert [one.text for one in page.all("strong")] == ["bold"]
    assert results(page) == ["a widget", "a script"]


def test_text_with_formulas_in_latex_is_shown_and_what_is_no_formula_stays_as_written(
    make_run: MakeRun,
) -> None:
    page = page_of(
        make_run,
        shown({"text/latex": "$\\displaystyle x^2$"}),
        shown({"text/latex": "The $x$ of $y$"}),
        shown({"text/latex": "\\begin{tabular}{l}a\\end{tabular}"}),
    )
    assert len(page.all("math")) == 3
    assert page.all("code")[-1].text == "\\begin{tabular}{l}a\\end{tabular}"


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("m1", "100% Rows 10 of 10"),
        ("m4", "Level high"),
        ("m5", "3 3 3 3 3 3 3 3 3"),
        ("gone", "IntSlider(value=7)"),
    ],
)
def test_a_widget_is_shown_in_the_state_that_was_saved(make_run: MakeRun, model: str, expected: str) -> None:
    run = make_run([code("w", shown({WIDGET: {"model_id": model}, "text/plain": "IntSlider(value=7)"}))])  # type: ignore[dict-item]
    document = json.loads(run.notebook.read_text(encoding="utf-8"))
    document["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": WIDGETS}}
    run.notebook.write_text(json.dumps(document), encoding="utf-8")
    render_notebook(run.notebook, run.folder / "report.html", run.manifest)
    assert results(read(run.folder / "report.html")) == [expected]


def test_an_svg_picture_has_no_script_and_a_broken_one_gives_way(make_run: MakeRun) -> None:
    svg = "<svg xmlns='http://www.w3.org/2000/svg'><script>x()</script><rect/></svg>"
    page = page_of(
        make_run, shown({"image/svg+xml": svg}), shown({"image/svg+xml": "<svg>", "image/png": png()})
    )
    addresses = [image.attributes["src"] for image in page.all("img")]
    assert [address.partition(";")[0] for address in addresses] == ["data:image/svg+xml", "data:image/png"]
    assert read_page(addresses[0]).all("script") == []


VALUES = st.sampled_from(
    [None, 5, 1.5, True, "", [], {}, ["a"], {"a": 1}, "x<b>", "\ud800", "\x00", "$x$", "<svg>"]
)
_MEDIA = "text/html text/plain text/markdown text/latex image/png image/svg+xml image/gif application/json"
MEDIA = st.sampled_from([*_MEDIA.split(), WIDGET, PLOTLY, "text/other"])
OUTPUTS = st.fixed_dictionaries(
    {"output_type": st.sampled_from(["stream", "error", "display_data", "execute_result"])},
    optional={
        "metadata": VALUES | st.dictionaries(MEDIA, VALUES, max_size=2),
        "data": st.dictionaries(MEDIA, VALUES, max_size=3),
        "name": VALUES,
        "text": VALUES,
        "ename": VALUES,
        "evalue": VALUES,
        "traceback": VALUES,
    },
)
METADATA = VALUES.map(lambda value: {"widgets": value}) | VALUES.map(
    lambda value: {"widgets": {"application/vnd.jupyter.widget-state+json": {"state": value}}}
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(OUTPUTS, max_size=3), METADATA, VALUES)
def test_an_output_of_the_wrong_types_is_no_obstacle(
    outputs: list[dict[str, Any]], metadata: dict[str, Any], tags: object
) -> None:
    import nbformat

    cell = {**code("x", *outputs), "id": "a", "metadata": {"tags": tags}}
    document = {"cells": [cell], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    page = read_page(as_html(nbformat.from_dict(document), "name", {}))  # type: ignore[no-untyped-call]
    assert page.problems == []
    assert page.loading() == []
