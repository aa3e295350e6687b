"""The words of a condition, each with its place in the text."""

import re
from dataclasses import dataclass
from typing import Literal

from .problems import Code

Kind = Literal["name", "number", "text", "sign", "end"]

SOURCE_LIMIT = 4096

_INT64 = 2**63
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>(?:[0-9]+\.[0-9]+|\.[0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?)
      | (?P<name>[^\W\d]\w*)
      | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
      | (?P<sign>==|!=|<=|>=|[<>+\-*/%().,\[\]?:])
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"'}

_MENDS = {
    "&": "Write `and`.",
    "|": "Write `or`.",
    "!": "Write `not`.",
    "=": "Write `==` to compare.",
    "'": "Close the text with the same quote.",
    '"': "Close the text with the same quote.",
    "“": "Use straight quotes: 'text'.",
    "‘": "Use straight quotes: 'text'.",
    "{": "Conditions have no braces: name the property itself, such as event.amount.",
}


class Fault(Exception):
    """What is wrong with a condition, by its place in the text."""

    def __init__(self, code: Code, start: int, length: int, what: str, mend: str) -> None:
        super().__init__(what)
        self.code: Code = code
        self.start, self.length = start, length
        self.what, self.mend = what, mend


@dataclass(frozen=True, slots=True)
class Token:
    """`value` is the number or the text itself; for names and signs the word as written."""

    kind: Kind
    value: str | int | float
    start: int
    length: int


def tokens(source: str) -> list[Token]:
    """All tokens and an `end`; raises Fault."""
    if len(source.encode("utf-8", "replace")) > SOURCE_LIMIT:
        what = "This condition is longer than 4 kB."
        raise Fault("bad-condition", 0, len(source), what, "Divide it into stages that choose.")
    found: list[Token] = []
    at = 0
    end = len(source.rstrip())
    while at < end:
        match = _TOKEN.match(source, at)
        if match is None:
            raise _unreadable(source, at)
        found.append(_token(match))
        at = match.end()
    found.append(Token("end", "", end, 1))
    return found


def _token(match: re.Match[str]) -> Token:
    kind = match.lastgroup
    assert kind is not None
    word, start = match[kind], match.start(kind)
    if kind == "number":
        return Token("number", _number(word, start), start, len(word))
    if kind == "text":
        return Token("text", _text(word, start), start, len(word))
    return Token("name" if kind == "name" else "sign", word, start, len(word))


def _number(word: str, start: int) -> int | float:
    if word.isdecimal():
        if len(word) <= 19 and int(word) < _INT64:
            return int(word)
    else:
        value = float(word)
        if value != float("inf"):
            return value
    what = f"The number {word[:30]} is too large."
    raise Fault("bad-condition", start, len(word), what, "Use one below 9223372036854775808.")


def _text(word: str, start: int) -> str:
    def escaped(match: re.Match[str]) -> str:
        code = match[1]
        if code[0] == "u" and len(code) == 5 and not 0xD800 <= int(code[1:], 16) < 0xE000:
            return chr(int(code[1:], 16))
        if code in _ESCAPES:
            return _ESCAPES[code]
        what = f"`\\{code}` means nothing in a text."
        mend = "Write `\\\\` for a backslash."
        raise Fault("bad-condition", start + 1 + match.start(), len(match[0]), what, mend)

    return _ESCAPE.sub(escaped, word[1:-1])


def _unreadable(source: str, at: int) -> Fault:
    at += len(source[at:]) - len(source[at:].lstrip())
    sign = source[at]
    mend = _MENDS.get(sign, "Use the operators of the language: == != < > and or not in contains.")
    return Fault("bad-condition", at, 1, f"`{sign}` cannot be read here.", mend)
