"""The syntax tree of a condition: the grammar is the functions of the parser, loosest first.

`a ? b : c`, `or`, `and`, `not`, comparisons (which do not chain), `+ -`, `* / %`, minus, and
what stands alone. `not` binds like the word it is: `not a == b` is `not (a == b)`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal as OneOf

from .lexer import Fault, Token, tokens

DEPTH_LIMIT = 64

COMPARISONS = ("==", "!=", "<", "<=", ">", ">=", "in", "contains", "matches")
_RESERVED = frozenset({"and", "or", "not", "in", "contains", "matches"})
_CONSTANTS = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Literal:
    value: str | int | float | bool | None
    start: int
    length: int
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Path:
    """`event.amount` is ("event", "amount")."""

    steps: tuple[str, ...]
    start: int
    length: int
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Listing:
    items: tuple["Syntax", ...]
    start: int
    length: int
    depth: int


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple["Syntax", ...]
    start: int
    length: int
    depth: int


@dataclass(frozen=True, slots=True)
class Unary:
    sign: OneOf["not", "-"]
    operand: "Syntax"
    start: int
    length: int
    depth: int


@dataclass(frozen=True, slots=True)
class Binary:
    sign: str
    left: "Syntax"
    right: "Syntax"
    start: int
    length: int
    depth: int


@dataclass(frozen=True, slots=True)
class Junction:
    """`and` or `or` of two or more; a long row is one level deep."""

    sign: OneOf["and", "or"]
    operands: tuple["Syntax", ...]
    start: int
    length: int
    depth: int


@dataclass(frozen=True, slots=True)
class Choose:
    test: "Syntax"
    yes: "Syntax"
    no: "Syntax"
    start: int
    length: int
    depth: int


Syntax = Literal | Path | Listing | Call | Unary | Binary | Junction | Choose


def parse(source: str) -> Syntax:
    """The whole text as one expression; raises Fault at the first mistake."""
    return _Parser(tokens(source)).whole()


class _Parser:
    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0
        self._open = 0

    def whole(self) -> Syntax:
        if len(self._tokens) == 1:
            raise Fault("bad-condition", 0, 1, "There is no condition here.", "Write one.")
        syntax = self._expression()
        if self._here.kind != "end":
            raise self._unexpected()
        return syntax

    def _expression(self) -> Syntax:
        # Python's own stack ends at about 1,000 calls, nine of ours to a level.
        self._open += 1
        if self._open > DEPTH_LIMIT:
            raise _too_deep(self._here.start, 1)
        test = self._or()
        if self._took("?"):
            yes = self._expression()
            self._must(":")
            no = self._expression()
            test = Choose(test, yes, no, *self._extent(test, no), depth=_deeper(test, yes, no))
        self._open -= 1
        return test

    def _or(self) -> Syntax:
        return self._junction("or", self._and)

    def _and(self) -> Syntax:
        return self._junction("and", self._not)

    def _junction(self, sign: OneOf["and", "or"], operand: Callable[[], Syntax]) -> Syntax:
        operands = [operand()]
        while self._took(sign):
            operands.append(operand())
        if len(operands) == 1:
            return operands[0]
        extent = self._extent(operands[0], operands[-1])
        return Junction(sign, tuple(operands), *extent, depth=_deeper(*operands))

    def _not(self) -> Syntax:
        start = self._here.start
        count = 0
        while self._took("not"):
            count += 1
        syntax = self._comparison()
        for _ in range(count):
            length = syntax.start + syntax.length - start
            syntax = Unary("not", syntax, start, length, _deeper(syntax))
        return syntax

    def _comparison(self) -> Syntax:
        left = self._sum()
        sign = self._here.value
        if self._here.kind == "end" or not self._took(*COMPARISONS):
            return left
        syntax = self._binary(str(sign), left, self._sum())
        if self._here.kind in ("sign", "name") and self._here.value in COMPARISONS:
            what = "Comparisons do not chain."
            mend = "Join two of them by `and`."
            raise Fault("bad-condition", self._here.start, self._here.length, what, mend)
        return syntax

    def _sum(self) -> Syntax:
        left = self._product()
        while self._here.kind == "sign" and self._here.value in ("+", "-"):
            sign = str(self._next().value)
            left = self._binary(sign, left, self._product())
        return left

    def _product(self) -> Syntax:
        left = self._minus()
        while self._here.kind == "sign" and self._here.value in ("*", "/", "%"):
            sign = str(self._next().value)
            left = self._binary(sign, left, self._minus())
        return left

    def _minus(self) -> Syntax:
        starts = []
        while self._here.kind == "sign" and self._here.value == "-":
            starts.append(self._next().start)
        syntax = self._single()
        for start in reversed(starts):
            length = syntax.start + syntax.length - start
            syntax = Unary("-", syntax, start, length, _deeper(syntax))
        return syntax

    def _single(self) -> Syntax:
        token = self._here
        if token.kind in ("number", "text"):
            self._next()
            return Literal(token.value, token.start, token.length)
        if token.kind == "name" and token.value not in _RESERVED:
            return self._named()
        if self._took("("):
            inner = self._expression()
            self._must(")")
            return inner
        if self._took("["):
            arguments = self._arguments("]")
            length = self._before.start + 1 - token.start
            return Listing(arguments, token.start, length, _deeper(*arguments))
        raise self._unexpected()

    def _named(self) -> Syntax:
        first = self._next()
        name = str(first.value)
        if self._took("("):
            arguments = self._arguments(")")
            length = self._before.start + 1 - first.start
            return Call(name, arguments, first.start, length, _deeper(*arguments))
        if name in _CONSTANTS:
            return Literal(_CONSTANTS[name], first.start, first.length)
        steps = [name]
        while self._took("."):
            if self._here.kind != "name":
                raise self._unexpected()
            steps.append(str(self._next().value))
        length = self._before.start + self._before.length - first.start
        return Path(tuple(steps), first.start, length)

    def _arguments(self, close: str) -> tuple[Syntax, ...]:
        found: list[Syntax] = []
        while not self._took(close):
            if found:
                self._must(",")
            found.append(self._expression())
        return tuple(found)

    def _binary(self, sign: str, left: Syntax, right: Syntax) -> Syntax:
        return Binary(sign, left, right, *self._extent(left, right), depth=_deeper(left, right))

    def _extent(self, first: Syntax, last: Syntax) -> tuple[int, int]:
        return first.start, last.start + last.length - first.start

    @property
    def _here(self) -> Token:
        return self._tokens[self._at]

    @property
    def _before(self) -> Token:
        return self._tokens[self._at - 1]

    def _next(self) -> Token:
        self._at += 1
        return self._before

    def _took(self, *words: str) -> bool:
        taken = self._here.kind in ("sign", "name") and self._here.value in words
        self._at += taken
        return taken

    def _must(self, sign: str) -> None:
        if not self._took(sign):
            raise self._unexpected(f"`{sign}` is missing here.")

    def _unexpected(self, what: str = "") -> Fault:
        token = self._here
        if token.kind == "end":
            what = what or "The condition ends too early."
            return Fault("bad-condition", token.start, 1, what, "Complete it.")
        what = what or f"`{token.value}` does not belong here."
        mend = "Look at the operators and brackets before it."
        if token.value == "[":
            mend = "Lists have no places: use `in` or `contains`."
        return Fault("bad-condition", token.start, token.length, what, mend)


def _deeper(*parts: Syntax) -> int:
    depth = 1 + max((part.depth for part in parts), default=0)
    if depth > DEPTH_LIMIT:
        raise _too_deep(parts[0].start, parts[0].length)
    return depth


def _too_deep(start: int, length: int) -> Fault:
    what = f"This condition is nested deeper than {DEPTH_LIMIT} levels."
    return Fault("bad-condition", start, length, what, "Divide it into stages that choose.")
