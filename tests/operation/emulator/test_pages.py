"""The pages list what is there, and escape what scripts print."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request

import pytest

from operation.emulator.history.runs import failure, record, status
from operation.emulator.pages import page, values
from operation.emulator.server import page as address_of
from operation.emulator.state import State

RUN = "train_1"


@pytest.fixture
def state(tmp_path_factory: pytest.TempPathFactory) -> State:
    made = State(tmp_path_factory.mktemp("state") / "amltest")
    record(made, "train", RUN, {"scriptName": "train.py", "tags": {"owner": "<b>me</b>"}})
    return made


def body(text: object) -> str:
    assert isinstance(text, str)
    return text


def test_a_failed_run_shows_its_error_traceback_metrics_and_log(state: State) -> None:
    error = failure(
        "User program failed with ValueError: <bad>", type="ValueError", traceback="line 3 <module>"
    )
    status(state, RUN, "Failed", error)
    logged = {"loss": [0.5, 0.25], "table": [{"x": 1}]}
    shown = {"run": state.get("runs", RUN), "metrics": logged, "logs": {"logs/a.txt": "<i>hello</i>"}}
    text = body(page("run", workspace="amltest", files=["outputs/m.json"], children=[], **shown).content)
    assert "User program failed with ValueError: &lt;bad&gt;" in text
    assert "line 3 &lt;module&gt;" in text
    assert '<span class="name">loss</span> <span class="value">0.25</span>' in text
    assert "&lt;i&gt;hello&lt;/i&gt;" in text
    assert "&lt;b&gt;me&lt;/b&gt;" in text
    assert 'href="/workspaces/amltest/runs/train_1/files/outputs/m.json"' in text


def test_values_are_read_in_the_order_they_were_logged(state: State) -> None:
    metric = {"name": "loss", "value": [{"data": {"loss": 1.0}}, {"data": {"loss": 0.5}}]}
    state.put("metrics", RUN, {"loss": metric, "row": {"value": [{"data": {"a": 1, "b": 2}}]}})
    assert values(state, RUN) == {"loss": [1.0, 0.5], "row": [{"a": 1, "b": 2}]}


def test_pages_open_with_their_key_and_load_nothing_from_elsewhere(emulator: dict[str, str]) -> None:
    address = address_of(emulator)
    home = address.partition("?")[0]
    trusted = ssl.create_default_context(cafile=emulator["REQUESTS_CA_BUNDLE"])
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=trusted),
        urllib.request.HTTPCookieProcessor(),
    )
    with pytest.raises(urllib.error.HTTPError) as locked:
        opener.open(home, timeout=10)
    assert locked.value.code == 401
    with opener.open(address, timeout=10) as answer:
        text = answer.read().decode()
    assert "<title>Workspaces · Azure ML emulator</title>" in text
    assert "src=" not in text
    with pytest.raises(urllib.error.HTTPError) as missing:
        opener.open(f"{home}workspaces/nobody", timeout=10)
    assert missing.value.code == 404
