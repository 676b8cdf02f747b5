"""Changes of a file in any language, on its tokens: each returns the changed text, None where it found nothing.

Comments, strings and what lies outside the EVOLVE blocks are no places, so they cannot change.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from ._blocks import free_regions, within
from ._digits import USUAL, digits_of, fineness
from ._python_source import edited
from ._tokens import Grammar, Token, reads, tokens

_SWAPS: dict[str, tuple[str, ...]] = {
    "<": ("<=", ">"),
    "<=": ("<", ">="),
    ">": (">=", "<"),
    ">=": (">", "<="),
    "==": ("!=",),
    "!=": ("==",),
    "+": ("-",),
    "-": ("+",),
    "*": ("/", "+"),
    "/": ("*",),
    "%": ("/",),
    "&&": ("||",),
    "||": ("&&",),
    "+=": ("-=",),
    "-=": ("+=",),
    "<<": (">>",),
    ">>": ("<<",),
}
_WORDS: tuple[tuple[str, ...], ...] = (
    ("true", "false"),
    ("True", "False"),
    ("yes", "no"),
    ("on", "off"),
    ("min", "max"),
    ("fmin", "fmax"),
    ("min_element", "max_element"),
    ("lower_bound", "upper_bound"),
    ("floor", "ceil", "round"),
    ("front", "back"),
    ("push_front", "push_back"),
    ("less", "greater"),
    ("lt", "le", "gt", "ge"),
    ("eq", "ne"),
    ("sort", "stable_sort"),
)
"""Words that may stand for one another; those of a shell's tests only behind a hyphen."""
_REACH = frozenset({"<", "<=", ">", ">=", "+", "-", "*", "/"})
"""Signs with quantities on both sides."""
_POSTFIX = frozenset({"(", "[", ".", "->", "::", "++", "--"})
_TESTS = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})
NUMBER = re.compile(r"(?P<digits>0[xX][0-9a-fA-F]+|[\d.]+(?:[eE][+-]?\d+)?)(?P<suffix>[a-zA-Z]*)\Z")
_MOST_LINES = 400
"""Lines of a file that are compared with a mate's."""
_FIXED = ("return", "break", "continue", "goto", "using", "import", "package", "typedef", "throw")


@dataclass
class File:
    """A file of a candidate as tokens, and which of them may change."""

    path: str
    text: str
    grammar: Grammar
    tokens: list[Token] = field(init=False)
    free: list[int] = field(init=False)
    """Positions of the tokens inside EVOLVE blocks, comments and strings left out."""

    def __post_init__(self) -> None:
        self.tokens = tokens(self.text, self.grammar)
        regions = free_regions(self.text)
        self.free = [
            position
            for position, token in enumerate(self.tokens)
            if token.kind not in ("quiet", "blank") and within(regions, token.start, token.end)
        ]

    @property
    def numbers(self) -> list[Token]:
        """Numbers that may change."""
        return [self.tokens[position] for position in self.free if self.tokens[position].kind == "number"]

    def checked(self, text: str) -> str | None:
        """Return ``text`` as this file's new one; None where it is the same or not whole."""
        return text if text != self.text and reads(self.path, text, self.grammar) else None


TokenChange = Callable[[File, Random], str | None]
TokenCrossover = Callable[[File, File, Random], str | None]


def tune(file: File, rng: Random) -> str | None:
    """Move one to three numbers."""
    numbers = file.numbers
    if not numbers:
        return None
    chosen = {token.start: token for token in rng.choices(numbers, k=rng.choice((1, 1, 1, 2, 3)))}
    text = file.text
    for start in sorted(chosen, reverse=True):
        text = edited(text, start, chosen[start].end, moved(chosen[start].text, rng))
    return file.checked(text)


def moved(number: str, rng: Random) -> str:
    """Return a number near ``number``, written as it is: whole, hexadecimal, with its suffix."""
    match = NUMBER.match(number)
    if match is None or match["digits"].count(".") > 1:
        return number
    digits, suffix = match["digits"], match["suffix"]
    if digits[:2] in ("0x", "0X"):
        value = int(digits, 16)
        return f"{digits[:2]}{rng.choice((value * 2, value // 2, value + 1)):x}{suffix}"
    if digits.isdigit():
        return f"{_whole(int(digits), rng)}{suffix}"
    step = rng.choice((0.15, 0.5, 1.2)) * fineness(digits_of(digits), rng)
    value_f = float(digits) * rng.lognormvariate(0.0, step) or rng.lognormvariate(-2.0, 2.0)
    text = f"{value_f:.{max(USUAL, digits_of(digits))}g}"
    return (text if any(sign in text for sign in ".en") else f"{text}.0") + suffix


def _whole(value: int, rng: Random) -> int:
    if value and value & (value - 1) == 0 and value >= 16:
        return rng.choice((value * 2, value // 2, value * 4))  # sizes that are powers of two stay that
    if value <= 8 or rng.random() < 0.2:
        return max(0, value + rng.choice((-2, -1, 1, 1, 2)))
    scaled = round(value * rng.lognormvariate(0.0, 0.5))
    return scaled if scaled != value else value + 1


def swap(file: File, rng: Random) -> str | None:
    """Put one operator or word in another's place."""
    options = [(position, others) for position in file.free if (others := _alternatives(file, position))]
    if not options:
        return None
    position, others = rng.choice(options)
    token = file.tokens[position]
    return file.checked(edited(file.text, token.start, token.end, rng.choice(others)))


def _alternatives(file: File, position: int) -> Sequence[str]:
    token = file.tokens[position]
    if token.kind == "word":
        family = next((family for family in _WORDS if token.text in family), ())
        if token.text in _TESTS and (position == 0 or file.tokens[position - 1].text != "-"):
            return ()
        return [word for word in family if word != token.text]
    if token.kind != "sign" or not file.grammar.operators or not _binary(file, position):
        return ()
    return _SWAPS.get(token.text, ())


def _binary(file: File, position: int) -> bool:
    """Return whether a sign stands between two operands with blanks around it.

    ``vector<int>``, ``*pointer``, ``-1`` and ``&&`` of a reference are not written so.
    """
    around = file.tokens[max(0, position - 2) : position + 3]
    if len(around) < 5 or around[1].kind != "blank" or around[3].kind != "blank":
        return False
    before, after = around[0], around[4]
    return (before.kind in ("word", "number") or before.text in ")]") and (
        after.kind in ("word", "number") or after.text in "(-*!"
    )


def term(file: File, rng: Random) -> str | None:
    """Reckon another quantity from the lines before into one that stands next to an operator."""
    if not file.grammar.operators:
        return None
    operands = _operands(file)
    for _ in range(6):
        if len(operands) < 2:
            return None
        site = rng.choice(operands)
        near = file.text.rfind("\n}", 0, site.start) + 1  # not what another function calls its own
        others = [each for each in operands if each.kind == "word" and each.text != site.text and each.start >= near]
        end = file.text.find("\n", site.end)
        others = [each for each in others if end < 0 or each.start < end]
        if not others:
            continue
        other, weight = rng.choice(others).text, f"{rng.lognormvariate(-1.0, 2.0):.3g}"
        shape = rng.random()
        if shape < 0.55:
            grown = f"({site.text} {rng.choice('++-')} {weight} * {other})"
        elif shape < 0.8:
            grown = f"({site.text} * {other})"
        else:
            grown = f"({site.text} * (1 + {weight} * {other}))"
        return file.checked(edited(file.text, site.start, site.end, grown))
    return None


def _operands(file: File) -> list[Token]:
    """Return the plain names and numbers next to arithmetic signs: none that is called, indexed or a member."""
    found: dict[int, Token] = {}
    for position in file.free:
        token = file.tokens[position]
        if token.text not in _REACH or not _binary(file, position):
            continue
        for near, outer in ((position - 2, position - 3), (position + 2, position + 3)):
            each = file.tokens[near]
            around = [file.tokens[side].text for side in (near - 1, near + 1) if 0 <= side < len(file.tokens)]
            beyond = file.tokens[outer].text if 0 <= outer < len(file.tokens) else ""
            plain = not {*around, beyond} & _POSTFIX and each.kind in ("word", "number")
            if plain and near in file.free:
                found[near] = each
    return list(found.values())


def statement(file: File, rng: Random) -> str | None:
    """Drop a statement that stands on a line of its own, or exchange it with the next one."""
    lines = _statements(file)
    if not lines:
        return None
    start, end = rng.choice(lines)
    following = next((line for line in lines if line[0] == end), None)
    if following is not None and rng.random() < 0.6:
        turned = file.text[end : following[1]] + file.text[start:end]
        return file.checked(edited(file.text, start, following[1], turned))
    return file.checked(edited(file.text, start, end, ""))


def _statements(file: File) -> list[tuple[int, int]]:
    """Return the spans of free lines that hold one whole statement and declare nothing."""
    if not file.grammar.statements:
        return []
    regions = free_regions(file.text)
    found = []
    for match in re.finditer(r"^[ \t]+([^\n]*;)[ \t]*(?://[^\n]*)?\n", file.text, re.MULTILINE):
        code = match[1]
        opens = sum(code.count(sign) for sign in "([{"), sum(code.count(sign) for sign in ")]}")
        declares = re.match(r"(?:[\w:<>,*&]+\s+)+[\w*&]+\s*(?:[=;({\[])", code) is not None
        if opens[0] == opens[1] and not declares and not code.startswith(_FIXED) and within(regions, *match.span()):
            found.append(match.span())
    return found


def exchange(file: File, mate: File, rng: Random) -> str | None:
    """Take over one block, or one function with the same head, from the mate's file; else the whole file."""
    own, theirs = free_regions(file.text), free_regions(mate.text)
    if len(own) == len(theirs) and len(own) > 1:
        pick = rng.randrange(len(own))
        new = mate.text[theirs[pick].start : theirs[pick].end]
        return file.checked(edited(file.text, own[pick].start, own[pick].end, new))
    bodies, others = _bodies(file), _bodies(mate)
    shared = sorted(head for head in bodies if head in others and bodies[head][2] != others[head][2])
    shared = [head for head in shared if within(own, *bodies[head][:2])]
    if not shared:
        return None
    start, end, _ = bodies[rng.choice(shared)]
    head = next(head for head, body in bodies.items() if body[0] == start)
    return file.checked(edited(file.text, start, end, others[head][2]))


def line(file: File, mate: File, rng: Random) -> str | None:
    """Put a line of the mate in the place of one that begins with the same word."""
    ours, theirs = _lines(file), _lines(mate)
    pairs = [
        (own, other)
        for own in ours
        for other in theirs
        if own[0] == other[0] and _exchanges(file.text[own[1] : own[2]], mate.text[other[1] : other[2]])
    ]
    if not pairs:
        return None
    own, other = rng.choice(pairs)
    return file.checked(edited(file.text, own[1], own[2], mate.text[other[1] : other[2]]))


def _exchanges(own: str, other: str) -> bool:
    """Return whether one line may stand for the other: it differs, and opens and closes as many braces."""
    return own != other and all(own.count(sign) == other.count(sign) for sign in "{};")


def _lines(file: File) -> list[tuple[str, int, int]]:
    """Return the free lines: first word, and the span of the text without its indentation and line end."""
    regions = free_regions(file.text)
    first: dict[int, Token] = {}
    for position in file.free:
        token = file.tokens[position]
        start = file.text.rfind("\n", 0, token.start) + 1
        if token.kind == "word":
            first.setdefault(start, token)
    found = []
    for start, token in first.items():
        end = file.text.find("\n", start)
        end = end if end >= 0 else len(file.text)
        indent = len(file.text[start:end]) - len(file.text[start:end].lstrip())
        if within(regions, start, end):
            found.append((token.text, start + indent, end))
    return found[:_MOST_LINES]


def _bodies(file: File) -> dict[str, tuple[int, int, str]]:
    """Return the functions of a language with braces: head to the span and text of what is in its braces."""
    if not file.grammar.statements:
        return {}
    found: dict[str, tuple[int, int, str]] = {}
    depth, opened, head = 0, 0, ""
    for token in file.tokens:
        if token.kind != "sign":
            continue
        if token.text == "{":
            if depth == 0:
                line = file.text[: token.start].rstrip().rsplit("\n", 1)[-1]
                head, opened = " ".join(line.split()), token.end
            depth += 1
        elif token.text == "}":
            depth -= 1
            if depth == 0 and head.endswith(")"):
                found[head] = (opened, token.start, file.text[opened : token.start])
    return found


def blend(file: File, mate: File, rng: Random) -> str | None:
    """Mix the numbers and words of two files that are alike but for their numbers."""
    if [token.text for token in file.tokens if token.kind not in ("number", "blank", "quiet")] != [
        token.text for token in mate.tokens if token.kind not in ("number", "blank", "quiet")
    ]:
        return None
    ours = [token for token in file.tokens if token.kind == "number"]
    theirs = [token for token in mate.tokens if token.kind == "number"]
    free = {token.start for token in file.numbers}
    if len(ours) != len(theirs):
        return None
    text = file.text
    for token, other in reversed(list(zip(ours, theirs, strict=True))):
        if token.start in free and token.text != other.text and rng.random() < 0.5:
            text = edited(text, token.start, token.end, other.text)
    return file.checked(text)
