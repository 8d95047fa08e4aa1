"""Azure's naming rules, at their edges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operation.engine.configuration.azure_names import name_problem


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("STORAGEACCOUNT", "abc"),
        ("STORAGEACCOUNT", "a" * 24),
        ("STORAGEACCOUNT", "123"),
        ("KEYVAULT", "kv-flights-dev"),
        ("KEYVAULT", "a" * 24),
        ("CONTAINERREGISTRY", "crFlights1"),
        ("AMLWORKSPACE", "aml_flights-dev"),
        ("AMLWORKSPACE", "a" * 33),
        ("APPINSIGHTS", "ai.flights(dev)"),
        ("RESOURCE_GROUP", "rg-flights.dev_(1)"),
        ("RESOURCE_GROUP", "r" * 90),
        ("LOCATION", "westeurope"),
        ("LOCATION", "eastus2"),
        ("LOCATION", "westeurope2"),  # a region that may be opened tomorrow
        ("LOCATION", "moonbase"),  # nothing like a known one: newer than the list
        ("NAMESPACE", "anything at all"),
    ],
)
def test_accepted(variable: str, value: str) -> None:
    assert name_problem(variable, value) is None


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("STORAGEACCOUNT", "ab"),
        ("STORAGEACCOUNT", "a" * 25),
        ("STORAGEACCOUNT", "Flights"),
        ("STORAGEACCOUNT", "fl-ights"),
        ("STORAGEACCOUNT", "flights\n"),
        ("STORAGEACCOUNT", "flüge"),
        ("KEYVAULT", "kv"),
        ("KEYVAULT", "1vault"),
        ("KEYVAULT", "vault-"),
        ("KEYVAULT", "va--ult"),
        ("KEYVAULT", "a" * 25),
        ("CONTAINERREGISTRY", "cr12"),
        ("CONTAINERREGISTRY", "cr-flights"),
        ("AMLWORKSPACE", "-flights"),
        ("AMLWORKSPACE", "a" * 34),
        ("APPINSIGHTS", "flights."),
        ("RESOURCE_GROUP", "flights."),
        ("RESOURCE_GROUP", "r" * 91),
        ("LOCATION", "West Europe"),
        ("LOCATION", "WESTEUROPE"),
        ("LOCATION", "westerope"),
    ],
)
def test_refused(variable: str, value: str) -> None:
    assert name_problem(variable, value)


def test_message() -> None:
    assert name_problem("STORAGEACCOUNT", "Sa") == (
        "'Sa' (2 characters) is not a valid name for a storage account: "
        "expected 3 to 24 lower-case letters and digits."
    )


@given(st.from_regex(r"[a-z0-9]{3,24}", fullmatch=True))
def test_every_name_of_the_rule_is_accepted(name: str) -> None:
    if name.isascii():
        assert name_problem("STORAGEACCOUNT", name) is None
