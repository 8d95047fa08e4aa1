"""pip's settings, told to uv."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operation.setup.indexes import (
    installer_environment,
    parse_settings,
    pip_settings,
    uv_options,
    uv_variables,
)

CONFIGURED = """[global]
cert = /elsewhere.pem
extra-index-url = https://one/simple https://two/simple
index-url = https://user:it's@index/simple
trusted-host = one two
[install]
timeout = 30
[freeze]
index-url = https://not-for-install
"""


def test_settings_win_as_in_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    (tmp_path / "pip.conf").write_text(CONFIGURED, encoding="utf-8")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_CERT", "/corporate/ca.pem")
    monkeypatch.setenv("PIP_FIND_LINKS", "/wheels")
    settings = pip_settings(Path(sys.executable))
    assert settings == settings | {
        "cert": "/corporate/ca.pem",
        "find-links": "/wheels",
        "extra-index-url": "https://one/simple https://two/simple",
        "index-url": "https://user:it's@index/simple",
        "timeout": "30",
        "trusted-host": "one two",
    }
    listed = "install.proxy='mine'\nglobal.proxy='all'\nfreeze.proxy='no'\n"
    assert parse_settings(listed) == {"proxy": "mine"}


@given(st.text())
def test_whatever_a_pip_prints_is_parsed(text: str) -> None:
    assert isinstance(parse_settings(text), dict)


@given(st.text(min_size=1).filter(lambda text: text == text.strip() and len(text.splitlines()) == 1))
def test_values_come_back_as_pip_held_them(value: str) -> None:
    assert parse_settings(f"global.proxy={value!r}") == {"proxy": value}


def test_everything_has_its_name_in_uv(tmp_path: Path) -> None:
    told = uv_variables(
        {
            "index-url": "https://index/simple",
            "extra-index-url": f"https://one/simple\n{tmp_path.as_uri()}",
            "find-links": str(tmp_path),
            "trusted-host": "one two",
            "cert": "/ca.pem",
            "client-cert": "/me.pem",
            "proxy": "http://proxy:3128",
            "timeout": "60",
            "no-index": "false",
            "keyring-provider": "subprocess",
        }
    )
    assert told == {
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_DEFAULT_INDEX": "https://index/simple",
        "UV_INDEX": f"https://one/simple {tmp_path.as_uri()}",
        "UV_FIND_LINKS": str(tmp_path),
        "UV_INSECURE_HOST": "one two",
        "UV_HTTP_TIMEOUT": "60",
        "UV_KEYRING_PROVIDER": "subprocess",
        "SSL_CERT_FILE": "/ca.pem",
        "SSL_CLIENT_CERT": "/me.pem",
        "HTTP_PROXY": "http://proxy:3128",
        "HTTPS_PROXY": "http://proxy:3128",
        "ALL_PROXY": "http://proxy:3128",
    }


def test_no_settings_change_only_the_strategy() -> None:
    assert uv_variables({}) == {"UV_INDEX_STRATEGY": "unsafe-best-match"}


def test_no_index() -> None:
    assert uv_options({"no-index": "True"}) == ["--no-index"]
    assert uv_options({"no-index": "0"}) == uv_options({}) == []


def test_places_that_do_not_exist_are_left_out(tmp_path: Path) -> None:
    """pip passes over them; uv would stop."""
    missing = (tmp_path / "missing").as_uri()
    told = uv_variables({"extra-index-url": missing, "find-links": f"{tmp_path / 'missing'} {tmp_path}"})
    assert told == {"UV_INDEX_STRATEGY": "unsafe-best-match", "UV_FIND_LINKS": str(tmp_path)}


def test_what_a_person_told_uv_wins_and_nothing_leads_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://mine/simple")
    monkeypatch.setenv("PIP_TARGET", "/somewhere")
    monkeypatch.setenv("PIP_USER", "1")
    environment = installer_environment({"index-url": "https://index/simple"})
    assert environment["UV_DEFAULT_INDEX"] == "https://mine/simple"
    assert "PIP_TARGET" not in environment
    assert environment["PIP_USER"] == "0"
