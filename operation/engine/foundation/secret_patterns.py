"""Secrets by their form: keys, tokens, signed and authenticated addresses, whatever they are called.

The table follows detect-secrets, whose plugins import an HTTP client and answer line by line: too dear for a
filter that every saved cell passes. What Azure adds is ours.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class SecretPattern:
    """One form of a secret."""

    kind: str  # what to call it in a message
    # a text with none of them holds no such secret; lower case where `regex` ignores the case. Empty: too
    # slow to look for in every text
    anchors: tuple[str, ...]
    regex: str  # the group ``secret`` is what must not be shown; without one, the whole match is
    # false where the same characters may be harmless Python: ``connect(password=value)``
    also_code: bool = True
    # matches in every text that holds such a secret, and is quicker
    probe: re.Pattern[str] | None = None

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The regular expression, compiled when a text first needs it."""
        return re.compile(self.regex)

    def may_match(self, text: str, lower: str) -> bool:
        """Tell by its anchors whether it may match in a text, which is also given in lower case."""
        where = lower if self.regex.startswith("(?i)") else text
        return any(anchor in where for anchor in self.anchors)

    def secrets(self, text: str) -> Iterator[str]:
        """Yield the secrets of this form in `text`."""
        for match in self.compiled.finditer(text):
            yield match["secret"] if "secret" in self.compiled.groupindex else match[0]

    def replace(self, text: str, mask: str) -> str:
        """Return `text` with `mask` in place of each secret of this form."""
        if self.probe and not self.probe.search(text):
            return text
        if "secret" not in self.compiled.groupindex:
            return self.compiled.sub(mask, text)
        return self.compiled.sub(lambda match: _with_mask(match, mask), text)


def _with_mask(match: re.Match[str], mask: str) -> str:
    begin, end = (place - match.start() for place in match.span("secret"))
    return f"{match[0][:begin]}{mask}{match[0][end:]}"


_QUOTE = r"(?:\\*[\"']|&(?:quot|#34|#39|#x27);)?"  # as Python, JSON in JSON, and HTML have it
_WORD = r"[A-Za-z0-9_-]"  # what stands before a token is none of these
_TOKENS = {
    "xox": r"[abeoprs]-[A-Za-z0-9-]{10,}",  # Slack
    "sk_live_": r"[A-Za-z0-9]{20,}",  # Stripe
    "rk_live_": r"[A-Za-z0-9]{20,}",
    "sk-": r"(?=[\w-]*\d)(?=[\w-]*[A-Z])[\w-]{32,}",  # OpenAI, Anthropic; classes of CSS are lower case
    "SG.": r"[\w-]{16,32}\.[\w-]{16,64}",  # SendGrid
    "glpat-": r"[\w-]{20,}",  # GitLab
    "npm_": r"[A-Za-z0-9]{36}",
    "pypi-AgE": r"[\w-]{50,}",
    "AIza": r"[\w-]{35}",  # Google
    "ya29.": r"[\w-]{20,}",
    "GOCSPX-": r"[\w-]{20,}",
    "hf_": r"[A-Za-z0-9]{30,}",  # Hugging Face
    "dapi": r"[0-9a-f]{32}(?:-\d)?",  # Databricks
    "dop_v1_": r"[0-9a-f]{64}",  # DigitalOcean
    "hvs.": r"[\w-]{24,}",  # Vault
}
_GITHUB = ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_")
_HOOKS = {
    "hooks.slack.com/": r"(?:services|workflows|triggers)/",
    ".webhook.office.com/": r"webhookb2/",
    "discord.com/api/": r"webhooks/",
    "discordapp.com/api/": r"webhooks/",
    "hooks.zapier.com/": r"hooks/catch/",
}
_HEADERS = r"(?:x-api-key|api-key|x-functions-key|ocp-apim-subscription-key|x-auth-token|private-token)"
# what stands before the end decides: looking back from there is forty times as quick
_KEY = re.compile(r"=(?<=(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{43}=)|==(?<=(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}==)")
_PICTURE = re.compile(r";base64,[A-Za-z0-9+/=]{200,}")


def _token(kind: str, prefix: str, rest: str) -> SecretPattern:
    """Return the pattern of a token; that it begins with its `prefix` makes it quick to look for."""
    return SecretPattern(kind, (prefix,), rf"{re.escape(prefix)}(?<!{_WORD}{re.escape(prefix)}){rest}")


PATTERNS = (
    SecretPattern(
        "a private key",
        ("-----BEGIN ",),
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?P<secret>(?:[A-Za-z0-9+/=*\s]|\\[nr]|[A-Za-z-]+: [^\n\\]+)*)",
    ),
    SecretPattern(
        "an Azure storage or service key",
        ("=",),
        r"(?<![A-Za-z0-9+/])(?<!sha256-)(?<!sha512-)([A-Za-z0-9+/]{86}==|[A-Za-z0-9+/]{43}=)(?!=)",
        probe=_KEY,
    ),
    SecretPattern(
        "a connection string",
        ("accountkey", "sharedaccess", "password", "pwd"),
        r"(?i)\b(?:AccountKey|SharedAccess(?:Key|Signature)|Password|Pwd)\s*=\s*"
        r"(?P<secret>[^;\s$\"'\\(){},\[\]<>&]{4,})",
        also_code=False,
    ),
    *(
        SecretPattern(
            "a shared access signature", (name,), rf"{name}(?<![A-Za-z0-9]{name})(?P<secret>[\w%+/=-]{{16,}})"
        )
        for name in ("sig=", "sig%3D")
    ),
    SecretPattern(
        "a service principal's secret",
        ("Q~",),
        r"Q~(?<=(?<![\w~.-])[A-Za-z0-9_~.]{3}\dQ~)(?P<secret>[A-Za-z0-9_~.-]{31,34})",
    ),
    SecretPattern(
        "a JSON web token", ("eyJ",), r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
    ),
    *(_token("a GitHub token", prefix, r"\w{36,}") for prefix in _GITHUB),
    *(_token("an AWS access key", prefix, r"[A-Z0-9]{16}\b") for prefix in ("AKIA", "ASIA")),
    SecretPattern(
        "an AWS secret key",
        ("secret_access_key", "secretaccesskey", "aws_secret", "aws_session_token"),
        rf"(?i)(?:secret_?access_?key|aws_?secret\w*|aws_?session_?token){_QUOTE}\s*[:=]\s*{_QUOTE}"
        r"(?P<secret>[0-9a-z/+=]{40,})",
    ),
    SecretPattern("a personal access token", (), r"\b(?=[a-z2-7]*[2-7])[a-z2-7]{52}\b"),
    SecretPattern(
        "a URL with a password in it", ("://",), r"://[^\s/:@\"'\\<>]*:(?P<secret>[^\s/\"'\\${}<>]+)@"
    ),
    SecretPattern(
        "a URL with a token in it",
        ("://",),
        r"://(?<!abfss://)(?<!wasbs://)(?P<secret>[^\s/:@\"'\\<>${}]{16,})@",
    ),
    *(
        SecretPattern("a webhook", (host,), rf"{re.escape(host)}{path}(?P<secret>[^\s\"'<>\\)]{{10,}})")
        for host, path in _HOOKS.items()
    ),
    *(_token("a token of a service", prefix, rest) for prefix, rest in _TOKENS.items()),
    SecretPattern("a token of Azure DevOps", ("AZDO",), r"[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}"),
    SecretPattern("a token of Telegram", (":AA",), r":AA(?<=\d{8}:AA)(?P<secret>[\w-]{33})"),
    SecretPattern(
        "an HTTP header with a key",
        ("authorization", "bearer ", "api-key", "subscription-key", "functions-key", "-token"),
        rf"(?i)(?:\bauthorization{_QUOTE}\s*[:=]\s*{_QUOTE}(?:basic|bearer|token)\s+|\bbearer\s+(?=\S*\d)|"
        rf"\b{_HEADERS}{_QUOTE}\s*[:=]\s*{_QUOTE})(?P<secret>[\w.~+/=-]{{8,}})",
        also_code=False,
    ),
    SecretPattern(
        "a cookie",
        ("cookie",),
        rf"(?i)\bcookie{_QUOTE}\s*:\s*{_QUOTE}[\w.-]+=(?P<secret>[^;&\s\"'<>\\]{{8,}})",
        also_code=False,
    ),
)
FAST = [pattern for pattern in PATTERNS if pattern.anchors]
SLOW = [pattern for pattern in PATTERNS if not pattern.anchors]


def secrets_in(text: str) -> Iterator[str]:
    """Yield what in a short `text` is a secret by its form."""
    for pattern in (*patterns_for(text), *(SLOW if len(text) < 2000 else ())):
        yield from pattern.secrets(text)


def patterns_for(text: str) -> list[SecretPattern]:
    """Return the patterns whose anchors stand in `text`: those that may match in it or in a part of it."""
    whole = _PICTURE.sub("", text) if ";base64," in text else text
    lower = whole.lower()
    return [pattern for pattern in FAST if pattern.may_match(whole, lower)]


def mask_forms(text: str, patterns: Iterable[SecretPattern], mask: str, *, code: bool = False) -> str:
    """Return `text` with `mask` in place of every secret that one of the `patterns` gives away.

    Parameters
    ----------
    code : bool, default=False
        `text` is Python: mask only what cannot be harmless code.
    """
    for pattern in patterns:
        if not (code and not pattern.also_code):
            text = pattern.replace(text, mask)
    return text
