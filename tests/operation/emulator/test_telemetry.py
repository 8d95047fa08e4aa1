"""Telemetry of the SDK stays on this machine: the proxy leads it to the service, which takes all of it."""

from __future__ import annotations

import json
import ssl
import urllib.request
from http import HTTPStatus


def test_what_is_told_of_its_use_is_taken(emulator: dict[str, str]) -> None:
    trusted = ssl.create_default_context(cafile=emulator["SSL_CERT_FILE"])
    asking = urllib.request.build_opener(
        urllib.request.ProxyHandler({"https": emulator["https_proxy"]}),
        urllib.request.HTTPSHandler(context=trusted),
    )
    for body, count in ((b'[{"a": 1}, {"b": 2}]', 2), (b'{"a": 1}\n{"b": 2}', 1)):
        wanted = urllib.request.Request("https://dc.services.visualstudio.com/v2/track", body, method="POST")
        with asking.open(wanted, timeout=20) as answer:
            assert answer.status == HTTPStatus.OK
            assert json.load(answer)["itemsAccepted"] == count
