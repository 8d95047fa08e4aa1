"""What looks like a secret, and what does not."""

from __future__ import annotations

import pytest

from operation.engine.configuration.secret_values import secret_kind, secret_problem

KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (KEY, "an Azure storage or service key"),
        (f"AccountName=dev;AccountKey={KEY}", "an Azure storage or service key"),
        ("Server=db;User=me;Password=hunter2", "a connection string"),
        (
            "https://x.blob.core.windows.net/c?sv=2024&sig=abcDEF123%2Babcdef1234567",
            "a shared access signature",
        ),
        ("abc8Q~" + "a" * 34, "a service principal's secret"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.x", "a JSON web token"),
        ("ghp_" + "a1B2" * 9, "a GitHub token"),
        ("AKIA" + "ABCDEFGHIJKLMNOP", "an AWS access key"),
        ("abcdefghijklmnopqrstuvwxyz234567abcdefghijklmnopqrst", "a personal access token"),
        ("postgresql://me:hunter2@db/flights", "a URL with a password in it"),
        ("-----BEGIN RSA PRIVATE KEY-----", "a private key"),
        ("dGhpcyBpcyBhIHNlY3JldCBrZXkgZm9yIFRlc3Q5", "a random key"),
    ],
)
def test_secrets(value: str, kind: str) -> None:
    assert secret_kind("NAME", value) == kind
    assert value not in str(secret_problem("NAME", value))


@pytest.mark.parametrize("name", ["DB_PASSWORD", "CLIENTSECRET", "api-token", "APIKEY", "storage_key"])
def test_names_of_secrets(name: str) -> None:
    assert secret_kind(name, "anything") == f"a secret, by its name '{name}'"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STORAGEACCOUNT", "saflightsdev"),
        ("SUBSCRIPTION", "8f14e45f-ceea-467f-a0e6-2b9c8f2d1a3b"),
        ("DIGEST", "sha256:" + "0123456789abcdef" * 4),
        ("PERIODFROM", "2013-01-01"),
        ("data", "data/2013/a-very-long-folder-name-of-Flights/part-00001-of-00010.parquet"),
        ("tracking-uri", "sqlite:///runs/mlflow.db"),
        ("tracking-uri", "azureml://westeurope.api.azureml.ms/mlflow/v1.0/subscriptions/8f14e45f-ceea-467f"),
        ("MAX_TOKEN", 512),
        ("DB_PASSWORD", "$(DBPASSWORD)"),
        ("DB_PASSWORD", ""),
        ("TOKENIZER", "wordpiece"),
        ("description", "Which flight arrives 15 or more minutes late, and how much of it is known before?"),
        ("numeric", "departures_180_before_and_after_the_scheduled_departure"),
    ],
)
def test_no_secrets(name: str, value: object) -> None:
    assert secret_kind(name, value) is None
