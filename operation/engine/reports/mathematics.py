"""TeX as MathML, which browsers draw by themselves; what is beyond this reader stays TeX, in code style.

Covers what notebooks of this field write: letters and numbers, Greek, operators, sub- and superscripts,
fractions, roots, accents, words, sums and brackets. One thing that it does not know and the whole formula
stays as it was written: a formula half understood would be a wrong one.
"""

from __future__ import annotations

import re
from html import escape

_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|\d+(?:\.\d+)?|[A-Za-z]|\s+|.", re.DOTALL)
_LETTERS_TABLE = """
alpha α beta β gamma γ delta δ epsilon ϵ varepsilon ε zeta ζ eta η theta θ iota ι kappa κ lambda λ mu μ nu ν
xi ξ pi π rho ρ sigma σ tau τ upsilon υ phi ϕ varphi φ chi χ psi ψ omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ
Xi Ξ Pi Π Sigma Σ Phi Φ Psi Ψ Omega Ω ell ℓ infty ∞ partial ∂ nabla ∇ emptyset ∅
"""
_OPERATORS_TABLE = """
le ≤ leq ≤ ge ≥ geq ≥ ne ≠ neq ≠ approx ≈ equiv ≡ sim ∼ propto ∝ times × cdot ⋅ pm ± mp ∓ div ÷ in ∈ notin ∉
subset ⊂ cup ∪ cap ∩ to → rightarrow → leftarrow ← Rightarrow ⇒ mapsto ↦ mid ∣ ldots … cdots ⋯ dots …
forall ∀ exists ∃ ll ≪ gg ≫ star ⋆ ast ∗ sum ∑ prod ∏ int ∫ { { } } | ‖ % % _ _ $ $ & &
"""
_FUNCTION_NAMES = "log ln exp sin cos tan max min arg lim Pr det dim sup inf"


def _pairs(table: str) -> dict[str, str]:
    words = table.split()
    return dict(zip(words[::2], words[1::2], strict=True))


_LETTERS = _pairs(_LETTERS_TABLE)
_OPERATORS = _pairs(_OPERATORS_TABLE)
_FUNCTIONS = frozenset(_FUNCTION_NAMES.split())
_FRACTIONS = {"frac", "dfrac", "tfrac"}
_FENCES = {"left", "right", "big", "Big", "bigl", "bigr"}
_ACCENTS = {"hat": "^", "bar": "¯", "tilde": "~", "vec": "→", "dot": "˙", "overline": "¯", "widehat": "^"}
_WORDS = {"text", "mathrm", "textrm", "operatorname", "mathit", "textit"}
_VARIANTS = {"mathbf": "bold", "boldsymbol": "bold", "mathbb": "double-struck", "mathcal": "script"}
_DRAWN = {
    "double-struck": {"E": "𝔼", "N": "ℕ", "P": "ℙ", "R": "ℝ", "Z": "ℤ", "V": "𝕍", "1": "𝟙"},
    "script": {"L": "ℒ", "N": "𝒩", "D": "𝒟", "X": "𝒳", "Y": "𝒴", "H": "ℋ", "O": "𝒪"},
}
_SPACES = {",": 0.17, ":": 0.22, ";": 0.28, " ": 0.33, "!": -0.17, "quad": 1, "qquad": 2}


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
        sign = self.take()
        if sign == "{":
            return self.row(stop="}")
        if sign.startswith("\\") and len(sign) > 1:
            return self.command(sign[1:])
        if sign in "}_^&$#%\\":
            raise _UnknownError
        return _symbol(sign)

    def command(self, name: str) -> str:
        if name in _FENCES:
            return self.fence()
        if name in _WORDS:
            return f"<mtext>{escape(self.words())}</mtext>"
        if name in _VARIANTS:
            return _variant(self.words(), _VARIANTS[name])
        return self.composed(name) or _named(name)

    def composed(self, name: str) -> str:
        if name in _FRACTIONS:
            return f"<mfrac>{self.atom()}{self.atom()}</mfrac>"
        if name == "sqrt" and self.peek() != "[":
            return f"<msqrt>{self.atom()}</msqrt>"
        if name in _ACCENTS:
            return f'<mover accent="true">{self.atom()}<mo>{_ACCENTS[name]}</mo></mover>'
        return ""

    def fence(self) -> str:
        """Read the bracket after a command such as left; a dot stands for none."""
        bracket = self.take()
        return "" if bracket == "." else f"<mo>{escape(bracket.lstrip(chr(92)))}</mo>"

    def words(self) -> str:
        """Read ``{words}``, spaces and all."""
        if self.take() != "{":
            raise _UnknownError
        rest = "".join(self.tokens[self.at :])
        inside, brace, _ = rest.partition("}")
        if not brace or set(inside) & set("{\\$"):
            raise _UnknownError
        self.at = next(at for at in range(self.at, len(self.tokens)) if self.tokens[at] == "}") + 1
        return inside


def _symbol(sign: str) -> str:
    if sign[0].isdigit():
        return f"<mn>{sign}</mn>"
    if sign.isalpha():
        return f"<mi>{escape(sign)}</mi>"
    return f"<mo>{'−' if sign == '-' else escape(sign)}</mo>"


def _named(name: str) -> str:
    if name in _LETTERS:
        return f"<mi>{_LETTERS[name]}</mi>"
    if name in _OPERATORS:
        return f"<mo>{escape(_OPERATORS[name])}</mo>"
    if name in _FUNCTIONS:
        return f'<mi>{name}</mi><mspace width="0.17em"></mspace>'
    if name in _SPACES:
        return f'<mspace width="{_SPACES[name]}em"></mspace>'
    raise _UnknownError


def _variant(words: str, variant: str) -> str:
    if variant == "bold":
        return f'<mi style="font-weight:bold">{escape(words)}</mi>'
    if any(letter not in _DRAWN[variant] for letter in words):
        raise _UnknownError
    return f"<mi>{''.join(_DRAWN[variant][letter] for letter in words)}</mi>"


def _attach(base: str, below: str, above: str, under: bool) -> str:
    if not below and not above:
        return base
    if below and above:
        return "<{0}>{1}{2}{3}</{0}>".format("munderover" if under else "msubsup", base, below, above)
    if below:
        return "<{0}>{1}{2}</{0}>".format("munder" if under else "msub", base, below)
    return "<{0}>{1}{2}</{0}>".format("mover" if under else "msup", base, above)
