"""Secrets of many kinds, each with the pieces that may stand nowhere once a run has ended."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

LETTERS = string.ascii_letters + string.digits


def made_up(kind: str, length: int, alphabet: str = LETTERS) -> str:
    """Return characters that look random and are the same each time."""
    digest = hashlib.shake_256(kind.encode()).digest(length)
    return "".join(alphabet[byte % len(alphabet)] for byte in digest)


@dataclass(frozen=True)
class Canary:
    """A secret, how the machine knows it, how it is printed, and what of that may not be seen.

    Parameters
    ----------
    printed : str
        What a cell and a script print.
    hidden : tuple of str
        Pieces that no file and no console may hold.
    variables : mapping
        Environment variables that hold it; without any, its form alone gives it away.
    """

    printed: str
    hidden: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)


def _known(name: str, value: str, spell: Callable[[str], str] = str) -> Canary:
    return Canary(spell(value), (spell(value),), {name: value})


def _piece(name: str, whole: str, *pieces: str) -> Canary:
    """Return a structured secret of which single pieces are printed."""
    return Canary(" and ".join(pieces), pieces, {name: whole})


def _form(before: str, secret: str, after: str = "") -> Canary:
    return Canary(f"{before}{secret}{after}", (secret,))


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _base64_url(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _inner(text: str) -> str:
    """Return what always stands in the base64 text of ``user:<text>``."""
    return _base64(f"user:{text}")[8:-4]


PEM = "\n".join(
    ["-----BEGIN PRIVATE KEY-----", *(made_up(f"pem{i}", 64) for i in range(3)), "-----END PRIVATE KEY-----"]
)
STORAGE_KEY = made_up("storage", 86) + "=="
BUS_KEY = made_up("bus", 43) + "="
SID = made_up("sid", 20)
PRINCIPAL = json.dumps({"clientSecret": made_up("principal", 34)})
STORAGE = f"AccountName=x;AccountKey={STORAGE_KEY};EndpointSuffix=core.windows.net"
BUS = f"Endpoint=sb://x.example/;SharedAccessKeyName=all;SharedAccessKey={BUS_KEY}"
SQL = "Server=tcp:db;Database=flights;User=me;Password=can4ry-sql;"
DEPLOY = PEM.replace(made_up("pem1", 64), made_up("deploy", 64)).replace("\n", "\\n")
RSA = PEM.replace("PRIVATE", "RSA PRIVATE").replace(made_up("pem1", 64), made_up("rsa", 64))
SIGNED = f"https://x.example/t?sv=1&sig={made_up('sas', 40)}%3D"
WEB_TOKEN = f"eyJ{made_up('head', 20)}.eyJ{made_up('claims', 40)}.{made_up('sign', 43)}"
INDEX = "https://me:can4ry-index@packages.example/simple"
SPECIAL = "p4ss/+&=%<1>\"x\"'y'"

CANARIES: dict[str, Canary] = {
    # values of variables that are secret by their name, in every encoding that is promised
    "plain": _known("LEAKY_API_KEY", "can4ry-of-a-plain-value"),
    "special characters": _known("DB_PASSWORD", SPECIAL),
    "URL": _known("QUOTED_SECRET", SPECIAL + "url", lambda text: quote(text, safe="")),
    "URL of a form": _known("FORM_SECRET", SPECIAL + "a form", quote_plus),
    "URL in small letters": _known("SMALL_SECRET", "p4/ss:wörd", lambda text: quote(text, safe="").lower()),
    "HTML": _known("HTML_SECRET", "p4<ss>&word", html.escape),
    "base64": _known("ENCODED_TOKEN", "can4ry in base64", _base64),
    "base64 for URLs": _known("SAFE_TOKEN", "can4ry??>>~~ü", _base64_url),
    "base64 with its user": Canary(
        _base64("user:can4ry beside"), (_inner("can4ry beside"),), {"PAIR_TOKEN": "can4ry beside"}
    ),
    "JSON": _known("JSON_SECRET", 'can4ry "quoted" \\ \t tab', lambda text: json.dumps(text)[1:-1]),
    "JSON in ASCII": _known("ASCII_SECRET", "cän4ry für JSON", lambda text: json.dumps(text)[1:-1]),
    "repr": _known("REPR_SECRET", "can4ry\nof 'repr'", lambda text: repr(text)[1:-1]),
    "other letters": _known("LETTERS_SECRET", "пароль-длинный-1"),
    "cookie by its name": _known("SESSION_COOKIE", made_up("cookie", 24)),
    "value of a cookie": _piece("LOGIN_COOKIE", f"sid={SID}; Path=/; HttpOnly", SID),
    "ACCOUNTKEY": _known("ACCOUNTKEY", made_up("accountkey", 30)),
    "AUTH_BEARER": _piece("AUTH_BEARER", f"Bearer {made_up('bearer', 30)}", made_up("bearer", 30)),
    "basic authentication": _piece("BASIC_AUTH", _base64("me:can4ry-basic-1"), "can4ry-basic-1"),
    "user and password": _piece("SERVICE_CREDS", "me:can4ry-pair-1", "can4ry-pair-1"),
    "list of keys": _piece("API_KEYS", "k3y-number-one,k3y-number-two", "k3y-number-two"),
    "JSON of a principal": _piece("AZURE_CREDENTIALS", PRINCIPAL, made_up("principal", 34)),
    "DSN": _piece("ERRORS_DSN", f"https://{made_up('dsn', 32)}@errors.example/1", made_up("dsn", 32)),
    # pieces of structured secrets
    "AccountKey": _piece("STORAGE_CONNECTION_STRING", STORAGE, STORAGE_KEY.rstrip("=")),
    "SharedAccessKey": _piece("SERVICEBUS_CONNSTR", BUS, BUS_KEY.rstrip("=")),
    "password of a database": _piece("SQL_CONNECTION_STRING", SQL, "can4ry-sql"),
    "lines of a PEM": _piece("SIGNING_PRIVATE_KEY", PEM, *PEM.splitlines()[1:-1]),
    "PEM with escaped lines": _piece("DEPLOY_PRIVATE_KEY", DEPLOY, made_up("deploy", 64)),
    # addresses in variables whose names say nothing
    "PIP_INDEX_URL": _piece("PIP_INDEX_URL", INDEX, "can4ry-index"),
    "DATABASE_URL": _piece("DATABASE_URL", "postgresql://me:can4ry-database@db/flights", "can4ry-database"),
    "password only": _piece("CACHE_URL", "redis://:can4ry-redis@cache:6379/0", "can4ry-redis"),
    "encoded password": _piece("BROKER_URL", "amqp://me:can4ry%2Fbroker@host", "can4ry/broker"),
    "proxy": _piece("CORPORATE_PROXY", "http://me:can4ry-proxy@proxy:8080", "can4ry-proxy"),
    "signature in a variable": _piece("TABLE_ADDRESS", SIGNED, made_up("sas", 40)),
    # files of the project
    "config.json": Canary("can4ry of config.json?", ("can4ry of config.json?",)),
    ".env": Canary("can4ry-dotenv-1", ("can4ry-dotenv-1",)),
    "git remote": Canary("can4ry-remote", ("can4ry-remote",)),
    # what its form gives away, though this machine does not know it
    "git remote that is printed": _form("origin https://me:", "can4ry-printed", "@git.example/x.git (fetch)"),
    "token as user": _form("https://", made_up("token user", 40), "@git.example/x.git"),
    "connection string": _form("AccountName=x;AccountKey=", made_up("printed key", 86), "==;"),
    "storage key": _form("key: ", made_up("bare", 86) + "=="),
    "shared access signature": _form("https://x.example/c?se=2030&sig=", made_up("printed sas", 43), "%3D"),
    "private key": Canary(RSA, (made_up("rsa", 64),)),
    "JSON web token": _form("", WEB_TOKEN),
    "principal's secret": _form("", made_up("p", 3) + "8Q~" + made_up("principal form", 34)),
    "GitHub": _form("", "ghp_" + made_up("github", 36)),
    "GitLab": _form("", "glpat-" + made_up("gitlab", 20)),
    "Azure DevOps": _form("", made_up("devops", 76) + "AZDO" + made_up("ops", 4)),
    "AWS": _form("", "AKIA" + made_up("aws", 16, string.ascii_uppercase)),
    "AWS secret": _form('aws_secret_access_key = "', made_up("aws secret", 40), '"'),
    "Slack": _form("", "xoxb-" + made_up("slack", 40)),
    "webhook of Slack": _form("https://hooks.slack.com/services/", f"T0/B0/{made_up('hook', 24)}"),
    "webhook of Teams": _form("https://x.webhook.office.com/webhookb2/", made_up("teams", 36)),
    "webhook of Discord": _form("https://discord.com/api/webhooks/1/", made_up("discord", 60)),
    "Stripe": _form("", "sk_live_" + made_up("stripe", 24)),
    "SendGrid": _form("", f"SG.{made_up('sg', 22)}.{made_up('sendgrid', 43)}"),
    "Google": _form("", "AIza" + made_up("google", 35)),
    "npm": _form("", "npm_" + made_up("npm", 36)),
    "PyPI": _form("", "pypi-AgE" + made_up("pypi", 60)),
    "Hugging Face": _form("", "hf_" + made_up("hugging", 34)),
    "OpenAI": _form("", "sk-proj-" + made_up("openai", 48)),
    "Databricks": _form("", "dapi" + made_up("databricks", 32, "0123456789abcdef")),
    "Vault": _form("", "hvs." + made_up("vault", 24)),
    "Telegram": _form("", "123456789:AA" + made_up("telegram", 33)),
    "header Authorization": _form("Authorization: Basic ", made_up("basic header", 30)),
    "header Bearer": _form("'authorization': 'Bearer ", "1" + made_up("bearer header", 30), "'"),
    "header of a key": _form("Ocp-Apim-Subscription-Key: ", made_up("header", 32)),
    "header Cookie": _form("Set-Cookie: sid=", made_up("set", 24), "; Path=/"),
}
FILES = {
    "config.json": json.dumps({"key": "can4ry of config.json?"}),
    ".env": "# local\nexport LOCAL_TOKEN='can4ry-dotenv-1'\n",
    ".git/config": '[remote "origin"]\n\turl = https://me:can4ry-remote@git.example/x.git\n',
}


def variables() -> dict[str, str]:
    """Return the environment variables that hold canaries."""
    return {name: value for canary in CANARIES.values() for name, value in canary.variables.items()}


def printed() -> str:
    """Return what a cell prints, as hexadecimal digits: an encoding that is not promised."""
    return json.dumps([canary.printed for canary in CANARIES.values()]).encode().hex()


def leaks(text: bytes) -> list[str]:
    """Return the canaries of which `text` holds a piece."""
    return [kind for kind, canary in CANARIES.items() if any(one.encode() in text for one in canary.hidden)]
