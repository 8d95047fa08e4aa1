"""Known secrets in every spelling, and what is none."""

from __future__ import annotations

import base64
import html
import io
import json
import os
import sys
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as some

from operation.engine.foundation import secrets
from operation.engine.foundation.known_secrets import known_secrets
from operation.engine.foundation.layout import Layout
from tests.operation.engine.conftest import write

SECRET = "p4ss wörd+/&=%<1>"


@pytest.fixture(autouse=True)
def _no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))


@pytest.mark.parametrize(
    "spell",
    [
        str,
        quote,
        quote_plus,
        html.escape,
        lambda text: quote(text, safe=""),
        json.dumps,
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    ],
)
def test_every_spelling_is_masked(spell: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", SECRET)
    assert callable(spell)
    spelled = spell(SECRET).strip('"')
    clean = secrets.masked(f"before {spelled} after")
    assert spelled not in clean
    assert clean.startswith("before ***")
    assert clean.rstrip("=").endswith("after")


@given(before=some.binary(max_size=20), after=some.binary(max_size=20))
def test_a_secret_inside_a_base64_text_is_masked(before: bytes, after: bytes) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AZURE_CLIENT_SECRET", "long enough to matter")
        text = base64.b64encode(before + b"long enough to matter" + after).decode()
        clean = secrets.masked(text)
        assert "***" in clean
        kept = len(base64.b64encode(b"long enough to matter")) - 6
        assert len(clean) <= len(text) - kept + 3


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("AZURE_CLIENT_SECRET", "abcdefgh", True),
        ("SYSTEM_ACCESSTOKEN", "abcdefgh", True),
        ("AZURE_STORAGE_KEY", "abcdefgh", True),
        ("AZURE_STORAGE_CONNECTION_STRING", "abcdefgh", True),
        ("TOKENIZERS_PARALLELISM", "true", False),
        ("PWD", "/some/where/gone", False),
        ("KEYBOARD", "german-layout", False),
        ("MONKEY", "abcdefgh", False),
    ],
)
def test_names_say_what_is_secret(
    name: str, value: str, secret: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert (value in known_secrets()) is secret


def test_what_the_configuration_holds_is_no_secret_of_config_json(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write(layout, "configuration/configuration-DEV.yml", "variables:\n  RESOURCE_GROUP: rg-public\n")
    write(layout, "config.json", json.dumps({"resource_group": "rg-public", "deep": [{"id": "1234-5678"}]}))
    assert secrets.masked("rg-public 1234-5678") == "rg-public ***"


def test_messages_may_name_the_workspace_of_config_json(tmp_path: Path) -> None:
    content = {"subscription_id": "sub-0123", "resource_group": "rg-models", "workspace_name": "aml-models"}
    write(Layout(tmp_path), "config.json", json.dumps(content))
    assert secrets.masked("aml-models in rg-models of sub-0123") == "aml-models in rg-models of ***"


def test_json_stays_json_where_a_secret_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEVICE_TOKEN", "123456")
    clean = secrets.mask_document('{"seconds": 0.123456, "text": "123456"}', ".json")
    assert json.loads(clean) == {"seconds": 0.123456, "text": "***"}
    assert secrets.mask_document('{"half": "123456', ".json") == '{"half": "***'


@pytest.mark.parametrize(
    "text",
    [
        "sk-container-id-1 div.sk-toggleable__content-and-some-more-words",
        "script-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
        "abfss://container-of-flights@account.dfs.core.windows.net/x",
        "https://cdn.example.com/npm/package@1.2.3/dist/index.js",
        "0123456789abcdef" * 4,
        "sqlite:///runs/mlflow.db",
        "password={password!r}",
    ],
)
def test_what_looks_harmless_is_not_masked(text: str) -> None:
    assert secrets.masked(text) == text


def test_pictures_and_numbers_of_plots_are_not_masked() -> None:
    text = base64.b64encode(bytes(range(32))).decode()
    outputs = {"data": {"image/png": f"{text}\n"}, "figure": {"y": {"bdata": text}}}
    assert secrets.mask_values(outputs) == outputs
    assert secrets.masked(text) == "***"


def test_letters_that_a_terminal_lacks_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    with secrets.masked_console():
        print("Größe", os.fsdecode(b"caf\xe9.csv"), flush=True)
    assert written.getvalue() == b"Gr??e caf?.csv\n"
