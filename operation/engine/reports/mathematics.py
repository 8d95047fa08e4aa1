"""TeX as MathML, which browsers draw by themselves; what is beyond this reader stays TeX, in code style.

Covers what notebooks of this field write: letters and numbers, Greek, operators, sub- and superscripts,
fractions, roots, accents, words, sums and brackets. One thing that it does not know and the whole formula
stays as it was written: a formula half understood would be a wrong one.
"""

from __future__ import annotations

import re
from html import escape

_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|\d+(?:\.\d+)?|[A-Za-z]|\s+|.", re.DOTALL)
_GREEK = dict(
    zip(
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon "
        "phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega varepsilon varphi ell infty "
        "partial nabla emptyset".split(),
        "αβγδϵζηθικλμνξπρστυϕχψωΓΔΘΛΞΠΣΦΨΩεφℓ∞∂∇∅",
        strict=True,
    )
)
_OPERATORS = dict(
    zip(
        "le leq ge geq ne neq approx equiv sim propto times cdot pm mp div in notin subset cup cap to "
        "rightarrow leftarrow Rightarrow mapsto mid ldots cdots dots forall exists ll gg star ast quad".split(),
        "≤ ≤ ≥ ≥ ≠ ≠ ≈ ≡ ∼ ∝ × ⋅ ± ∓ ÷ ∈ ∉ ⊂ ∪ ∩ → → ← ⇒ ↦ ∣ … ⋯ … ∀ ∃ ≪ ≫ ⋆ ∗ \u2003".split(" "),
        strict=True,
    )
)
_LARGE = {"sum": "∑", "prod": "∏", "int": "∫"}
_FUNCTIONS = frozenset("log ln exp sin cos tan max min arg lim Pr det dim sup inf".split())
_ACCENTS = {"hat": "^", "bar": "¯", "tilde": "~", "vec": "→", "dot": "˙", "overline": "¯", "widehat": "^"}
_WORDS = {"text", "mathrm", "textrm", "operatorname", "mathit", "textit"}
_VARIANTS = {"mathbf": "bold", "boldsymbol": "bold", "mathbb": "double-struck", "mathcal": "script"}
_LETTERS = {
    "double-struck": {"E": "𝔼", "N": "ℕ", "P": "ℙ", "R": "ℝ", "Z": "ℤ", "V": "𝕍", "1": "𝟙"},
    "script": {"L": "ℒ", "N": "𝒩", "D": "𝒟", "X": "𝒳", "Y": "𝒴", "H": "ℋ", "O": "𝒪"},
}
_SPACES = {"\\,", "\\;", "\\:", "\\!", "\\ ", "~"}


class _UnknownError(Exception):
    """The formula uses something that this reader does not know."""


def as_mathml(tex: str, display: bool) -> str:
    """Return a formula as a ``math`` element, or as TeX in code style.

    Parameters
    ----------
    tex : str
        The formula without its dollar signs.
    display : bool
        True for a formula on a line of its own.
    """
    try:
        reader = _Reader(tex)
        content = reader.row(stop="")
    except (_UnknownError, RecursionError):
        code = f'<code class="tex">{escape(tex)}</code>'
        return f'<p class="formula">{code}</p>' if display else code
    kind = ' display="block"' if display else ""
    source = f'<annotation encoding="application/x-tex">{escape(tex)}</annotation>'
    return f"<math{kind}><semantics>{content}{source}</semantics></math>"


class _Reader:
    def __init__(self, tex: str) -> None:
        self.tokens = _TOKEN.findall(tex)
        self.at = 0

    def row(self, stop: str) -> str:
        """Read up to the token `stop`, or to the end when it is empty."""
        parts: list[str] = []
        while self.peek() != stop:
            if not self.peek():
                raise _UnknownError
            parts.append(self.scripted())
        self.at += bool(stop)
        return f"<mrow>{''.join(parts)}</mrow>"

    def peek(self) -> str:
        while self.at < len(self.tokens) and self.tokens[self.at].isspace():
            self.at += 1
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        if not token:
            raise _UnknownError
        self.at += 1
        return token

    def scripted(self) -> str:
        large = self.peek().lstrip("\\") in {"sum", "prod"}
        base = self.atom()
        scripts = {"_": "", "^": ""}
        while self.peek() in scripts:
            kind = self.take()
            if scripts[kind]:
                raise _UnknownError
            scripts[kind] = self.atom()
        return _attach(base, scripts["_"], scripts["^"], under=large)

    def atom(self) -> str:
        token = self.take()
        if token == "{":
            return self.row(stop="}")
        if token.startswith("\\") and len(token) > 1:
            return self.command(token[1:])
        if token in "}_^&$#%\\":
            raise _UnknownError
        return _symbol(token)

    def command(self, name: str) -> str:
        if name in {"frac", "dfrac", "tfrac"}:
            return f"<mfrac>{self.atom()}{self.atom()}</mfrac>"
        if name == "sqrt" and self.peek() != "[":
            return f"<msqrt>{self.atom()}</msqrt>"
        if name in {"left", "right", "big", "Big", "bigl", "bigr"}:
            return "" if self.peek() == "." and self.take() else f"<mo>{escape(self.take().lstrip(chr(92)))}</mo>"
        if name in _ACCENTS:
            return f'<mover accent="true">{self.atom()}<mo>{_ACCENTS[name]}</mo></mover>'
        if name in _WORDS:
            return f"<mtext>{escape(self.words())}</mtext>"
        if name in _VARIANTS:
            return _variant(self.words(), _VARIANTS[name])
        return _named(name)

    def words(self) -> str:
        if self.take() != "{":
            raise _UnknownError
        words = []
        for token in self.tokens[self.at :]:
            self.at += 1
            if token == "}":
                return "".join(words)
            if token[0] in "{\\$":
                break
            words.append(token)
        raise _UnknownError


def _symbol(token: str) -> str:
    if token[0].isdigit():
        return f"<mn>{token}</mn>"
    if token.isalpha():
        return f"<mi>{token}</mi>"
    return f"<mo>{escape('−' if token == '-' else token)}</mo>"


def _named(name: str) -> str:
    if name in _GREEK:
        return f"<mi>{_GREEK[name]}</mi>"
    if name in _OPERATORS:
        return f"<mo>{_OPERATORS[name]}</mo>"
    if name in _LARGE:
        return f"<mo>{_LARGE[name]}</mo>"
    if name in _FUNCTIONS:
        return f'<mi>{name}</mi><mspace width="0.17em"></mspace>'
    if f"\\{name}" in _SPACES:
        return '<mspace width="0.2em"></mspace>'
    if name in {"{", "}", "|", "%", "_", "$", "&"}:
        return f"<mo>{escape('‖' if name == '|' else name)}</mo>"
    raise _UnknownError


def _variant(words: str, variant: str) -> str:
    if variant == "bold":
        return f'<mi style="font-weight:bold">{escape(words)}</mi>'
    if any(letter not in _LETTERS[variant] for letter in words):
        raise _UnknownError
    return f"<mi>{''.join(_LETTERS[variant][letter] for letter in words)}</mi>"


def _attach(base: str, below: str, above: str, under: bool) -> str:
    if not below and not above:
        return base
    if below and above:
        return "<{0}>{1}{2}{3}</{0}>".format("munderover" if under else "msubsup", base, below, above)
    if below:
        return "<{0}>{1}{2}</{0}>".format("munder" if under else "msub", base, below)
    return "<{0}>{1}{2}</{0}>".format("mover" if under else "msup", base, above)
