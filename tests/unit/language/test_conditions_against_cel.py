"""Where conditions overlap with CEL, Google's own implementation is the judge.

Expressions are made in pairs of the same meaning: our words and CEL's. What CEL answers, we must
answer; where CEL reports an error ours is null inside, which no absorbed error can show.
"""

import random
from collections.abc import Callable
from typing import Any, NamedTuple

from cel_expr_python import cel

from journeys.language.bytecode import emit
from journeys.language.names import Names, Reads
from journeys.language.parser import parse

from .scopes import Somebody, scope

# Hypothesis made 362 different ones of 1,000 and took eight times as long.
EXPRESSIONS = 3_200

_TYPES = {"n": "number", "i": "integer", "t": "text", "b": "boolean", "l": "list"}
_NAMES = Names(
    roots=frozenset({"event", "profile"}),
    event=frozenset({"order.paid"}),
    catalogue={"order.paid": _TYPES},
)
_CEL = cel.NewEnv(
    variables={
        "n": cel.Type.DOUBLE,
        "i": cel.Type.INT,
        "t": cel.Type.STRING,
        "b": cel.Type.BOOL,
        "l": cel.Type.List(cel.Type.DYN),
        "d": cel.Type.DYN,
    }
)
_TEXTS = ["", "a", "b", "ab", "gold", "Zoë", "喵", "it's", "\\", "a\nb"]
_INTS = [0, 1, 2, 3, 7, 60, 9223372036854775807]
_DOUBLES = ["0.0", "0.5", "1.5", "2.0", "3.25", "1e3", "2.5e-1"]
_PATTERNS = ["^a", "b$", "[a-z]+", "^$", "(?i)GOLD", "."]
_VALUES: dict[str, list[Any]] = {
    "n": [0.0, 0.5, -1.5, 2.0, 1e6],
    "i": [0, 1, -7, 3, 1000, -(2**63), 2**63 - 1],
    "t": _TEXTS,
    "b": [True, False],
    "l": [[], ["a", "gold"], [1, 2.0], [True, None, "b"], ["a", 1]],
    "d": [None, True, False, 0, 1, 2.5, "a", "gold"],
}


class Pair(NamedTuple):
    """One expression in both languages."""

    ours: str
    cels: str


def test_what_cel_answers_we_answer() -> None:
    made = _Maker(random.Random(20260301))
    pairs: set[Pair] = set()
    judged = 0
    different = []
    while len(pairs) < EXPRESSIONS:
        pair = made.expression()
        if pair in pairs:
            continue
        pairs.add(pair)
        values = {name: made.one(choices) for name, choices in _VALUES.items()}
        answer = _CEL.compile(pair.cels, disable_check=True).eval(data=values)
        ours = _ours(pair.ours, values)
        if answer.type().name() != "ERROR":
            judged += 1
            if _typed(ours) != _typed(answer.plain_value()):
                different.append((pair, values, ours, answer.plain_value()))

    assert different == []
    assert judged > EXPRESSIONS / 2


def _ours(text: str, values: dict[str, Any]) -> Any:
    run, _ = emit(parse(text), _NAMES, Reads())
    return run(scope(values, Somebody(traits={"d": values["d"]})))


def _typed(value: Any) -> Any:
    """Python's True equals 1 and 1.0: CEL's does not."""
    if isinstance(value, list):
        return [_typed(each) for each in value]
    return (type(value).__name__, value)


class _Maker:
    """Makes pairs whose types CEL would accept; `not` is bracketed, for ours binds looser."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def one(self, choices: list[Any]) -> Any:
        return self._dice.choice(choices)

    def expression(self) -> Pair:
        condition = lambda: self._condition(3)  # noqa: E731
        kinds: list[Callable[[], Pair]] = [condition] * 5
        kinds += [lambda: self._integer(3), lambda: self._double(3), self._text, self._list]
        return self._of(kinds)

    def _of(self, kinds: list[Callable[[], Pair]]) -> Pair:
        return self._dice.choice(kinds)()

    def _condition(self, depth: int) -> Pair:
        if depth and self._dice.random() < 0.6:
            return self._joint(depth - 1)
        return self._of(
            [
                lambda: self._compared(lambda: self._integer(2)),
                lambda: self._compared(lambda: self._double(2)),
                lambda: self._compared(self._text),
                self._against_any,
                self._lists_equal,
                self._in,
                self._contains,
                self._text_condition,
                lambda: Pair("exists(profile.traits.d)", "d != null"),
                lambda: Pair("event.b", "b"),
            ]
        )

    def _joint(self, depth: int) -> Pair:
        a, b, c = (self._condition(depth) for _ in range(3))
        return self._dice.choice(
            [
                Pair(f"{a.ours} and {b.ours}", f"{a.cels} && {b.cels}"),
                Pair(f"{a.ours} or {b.ours}", f"{a.cels} || {b.cels}"),
                Pair(f"(not ({a.ours}))", f"(!({a.cels}))"),
                _mixed("({} ? {} : {})", a, b, c),
            ]
        )

    def _compared(self, side: Callable[[], Pair]) -> Pair:
        sign = self.one(["<", "<=", ">", ">=", "==", "!="])
        return _mixed("{} " + sign + " {}", side(), side())

    def _against_any(self) -> Pair:
        sign = self.one(["<", "<=", ">", ">=", "==", "!="])
        constants = ["1", "2.5", "'a'"] + (["null", "true"] if sign in ("==", "!=") else [])
        return _mixed(
            "{} " + sign + " {}", Pair("profile.traits.d", "d"), _same(self.one(constants))
        )

    def _lists_equal(self) -> Pair:
        return _mixed("{} " + self.one(["==", "!="]) + " {}", self._list(), self._list())

    def _in(self) -> Pair:
        within = self._list()
        # Null is in no list of ours.
        any_ = Pair(
            f"exists(profile.traits.d) and profile.traits.d in {within.ours}",
            f"d != null && d in {within.cels}",
        )
        return self.one([any_, _mixed("{} in {}", self._text_leaf(), within)])

    def _contains(self) -> Pair:
        within, item = self._list(), self._of([self._text_leaf, lambda: self._integer(0)])
        return Pair(f"{within.ours} contains {item.ours}", f"{item.cels} in {within.cels}")

    def _text_condition(self) -> Pair:
        a, b, pattern = self._text_leaf(), self._text_leaf(), self.one(_PATTERNS)
        return self._dice.choice(
            [
                Pair(f"{a.ours} contains {b.ours}", f"{a.cels}.contains({b.cels})"),
                Pair(f"{a.ours} matches '{pattern}'", f"{a.cels}.matches('{pattern}')"),
                Pair(f"starts_with({a.ours}, {b.ours})", f"{a.cels}.startsWith({b.cels})"),
                Pair(f"ends_with({a.ours}, {b.ours})", f"{a.cels}.endsWith({b.cels})"),
            ]
        )

    def _integer(self, depth: int) -> Pair:
        if depth and self._dice.random() < 0.6:
            return self._sum(lambda: self._integer(depth - 1), ["+", "-", "*", "/", "%"])
        return self.one(
            [
                _same(str(self.one(_INTS))),
                Pair("event.i", "i"),
                _mixed("size({})", self._text_leaf()),
                Pair("size(event.l)", "size(l)"),
            ]
        )

    def _double(self, depth: int) -> Pair:
        if depth and self._dice.random() < 0.6:
            return self._sum(lambda: self._double(depth - 1), ["+", "-", "*"])
        return self.one([_same(self.one(_DOUBLES)), Pair("event.n", "n")])

    def _sum(self, side: Callable[[], Pair], signs: list[str]) -> Pair:
        form = self.one(["{} SIGN {}", "({} SIGN {})", "-({} SIGN {})", "{} SIGN -({})"])
        return _mixed(form.replace("SIGN", self.one(signs)), side(), side())

    def _text_leaf(self) -> Pair:
        return self.one([_same(_quoted(self.one(_TEXTS))), Pair("event.t", "t")])

    def _text(self) -> Pair:
        parts = [self._text_leaf() for _ in range(self._dice.randint(1, 3))]
        return _mixed(" + ".join("{}" for _ in parts), *parts)

    def _list(self) -> Pair:
        leaves: list[Callable[[], Pair]] = [
            self._text_leaf,
            lambda: self._integer(1),
            lambda: self._double(0),
        ]
        parts = [self._of(leaves) for _ in range(self._dice.randint(0, 3))]
        written = _mixed("[" + ", ".join("{}" for _ in parts) + "]", *parts)
        return self.one([written, Pair("event.l", "l")])


def _same(text: str) -> Pair:
    return Pair(text, text)


def _mixed(form: str, *parts: Pair) -> Pair:
    """The same form in both languages."""
    return Pair(
        form.format(*(part.ours for part in parts)), form.format(*(part.cels for part in parts))
    )


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"
