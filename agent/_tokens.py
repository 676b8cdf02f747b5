"""Any text as tokens: numbers, words, operators, and what is in comments and strings and stays as it is."""

import re
import tomllib
from functools import lru_cache
from json import JSONDecodeError, loads
from typing import Literal, NamedTuple

Kind = Literal["number", "word", "sign", "blank", "quiet"]
"""``quiet`` is a comment, a string or a line for a preprocessor."""


class Token(NamedTuple):
    """A piece of a text; the tokens of a text, put together, are the text."""

    kind: Kind
    text: str
    start: int

    @property
    def end(self) -> int:
        """Offset behind it."""
        return self.start + len(self.text)


class Grammar(NamedTuple):
    """What little must be known of a language to leave its comments and strings alone."""

    comments: tuple[str, ...]
    """Signs that open a comment to the end of its line."""
    block: tuple[str, str] | None = None
    quotes: str = "\"'"
    operators: bool = True
    """Whether signs between operands are arithmetic and comparison; not so in a shell or a settings file."""
    statements: bool = False
    """Whether a line that ends with a semicolon is a statement that may be moved."""
    long_strings: bool = False
    """Whether an ordinary string may run over several lines."""


C_LIKE = Grammar(("//",), ("/*", "*/"), statements=True)
SHELL = Grammar(("#",), operators=False, long_strings=True)
SETTINGS = Grammar(("#", ";"), operators=False)
HASHED = Grammar(("#",))
DASHED = Grammar(("--",))
_BY_SUFFIX: dict[str, Grammar] = {
    **dict.fromkeys(("c", "cc", "cpp", "cxx", "h", "hh", "hpp", "cu", "java", "js", "ts", "go", "cs", "kt"), C_LIKE),
    "rs": C_LIKE._replace(quotes='"'),  # 'a is a lifetime
    **dict.fromkeys(("sh", "bash", "zsh", "dockerfile", "makefile", "mk"), SHELL),
    **dict.fromkeys(("toml", "ini", "cfg", "conf", "yaml", "yml", "env", "properties"), SETTINGS),
    "json": Grammar((), operators=False),
    **dict.fromkeys(("rb", "pl", "r", "jl", "nim", "ex", "exs", "py"), HASHED),
    **dict.fromkeys(("lua", "sql", "hs", "adb", "vhd"), DASHED),
    **dict.fromkeys(("ml", "mli"), Grammar((), ("(*", "*)"), quotes='"')),
    **dict.fromkeys(("f90", "f95", "f03"), Grammar(("!",))),
}
_BY_LANGUAGE = {
    "c++": C_LIKE,
    "rust": _BY_SUFFIX["rs"],
    "javascript": C_LIKE,
    "typescript": C_LIKE,
    "cuda": C_LIKE,
    "shell": SHELL,
    "julia": HASHED,
    "ruby": HASHED,
    "haskell": DASHED,
    "fortran": _BY_SUFFIX["f90"],
}


def grammar_of(path: str, language: str) -> Grammar:
    """Return the grammar by a file's name, else by the candidate's language; hashes and signs where both are new."""
    suffix = path.rsplit("/", 1)[-1].lower().rsplit(".", 1)[-1]
    named = _BY_LANGUAGE.get(language.lower()) or _BY_SUFFIX.get(language.lower())
    return _BY_SUFFIX.get(suffix) or named or HASHED


def tokens(text: str, grammar: Grammar) -> list[Token]:
    """Return the tokens of ``text``, blanks included."""
    found: list[Token] = []
    for match in _pattern(grammar).finditer(text):
        kind: Kind = match.lastgroup or "sign"  # type: ignore[assignment]  # the groups are named as kinds are
        found.append(Token(kind, match[0], match.start()))
    return found


@lru_cache(maxsize=32)
def _pattern(grammar: Grammar) -> "re.Pattern[str]":
    quiet = [re.escape(sign) + r"[^\n]*" for sign in grammar.comments]
    if grammar.block is not None:
        opening, closing = map(re.escape, grammar.block)
        quiet.append(rf"{opening}(?s:.*?)(?:{closing}|\Z)")
    if grammar.statements:
        quiet.append(r"^[ \t]*#(?![ \t]*define)[^\n]*")
    quiet += [rf"{quote * 3}(?s:.*?){quote * 3}" for quote in grammar.quotes]
    stop = "" if grammar.long_strings else r"\n"
    quiet += [rf"{quote}(?s:\\.|[^{quote}\\{stop}])*{quote}" for quote in grammar.quotes]
    # Counts are limited so that no hostile text makes the match try quadratically many of them.
    return re.compile(
        rf"(?P<quiet>{'|'.join(quiet) or '(?!)'})"
        r"|(?P<number>(?<![\w.])(?:0[xX][0-9a-fA-F]{1,16}|(?:\d{1,20}\.?\d{0,20}|\.\d{1,20})(?:[eE][+-]?\d{1,4})?)[a-zA-Z]{0,3}(?![\w.]))"
        r"|(?P<word>(?:[^\W\d]|\$)[\w$]*|[\w.]+)"
        r"|(?P<blank>\s+)"
        r"|(?P<sign><<=|>>=|<=>|\.\.\.|->|::|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|\+\+|--|\*\*|(?s:.))",
        re.MULTILINE,
    )


_PAIRS = {")": "(", "]": "[", "}": "{"}


def reads(path: str, text: str, grammar: Grammar) -> bool:
    """Return whether a file is whole, as far as its name tells how to know: brackets pair, TOML and JSON parse."""
    name = path.lower()
    try:
        if name.endswith(".toml"):
            tomllib.loads(text)
        elif name.endswith(".json"):
            loads(text)
    except (tomllib.TOMLDecodeError, JSONDecodeError, RecursionError):
        return False
    return not grammar.operators or _balanced(text, grammar)


def _balanced(text: str, grammar: Grammar) -> bool:
    opened: list[str] = []
    for token in tokens(text, grammar):
        if token.kind == "sign" and token.text in "([{":
            opened.append(token.text)
        elif token.kind == "sign" and token.text in _PAIRS and (not opened or opened.pop() != _PAIRS[token.text]):
            return False
    return not opened
