"""The grammar as JSON Schemas (2020-12), for editors: made from the same checks, word by word.

A schema is never stricter than the check it comes from: what only reading can tell (names that
exist, conditions, an `else` at the end) is left to `wayline check`.
"""

import re
from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Any, Literal

from . import catalogue_grammar, durations, entry_grammar, grammar, rates, shapes, stores
from . import map_tests_grammar as tests
from .blueprint_grammar import BLUEPRINT, FILLED
from .descriptions import DESCRIPTIONS
from .shapes import (
    Check,
    Either,
    ListOf,
    MappingOf,
    Named,
    OneOrList,
    Open,
    Ruled,
    Shape,
    Whole,
    Word,
)

Schema = dict[str, Any]
Kind = Literal["map", "workspace", "catalogue", "templates"]

ROOTS: dict[Kind, Shape] = {
    "map": grammar.MAP,
    "workspace": grammar.WORKSPACE,
    "catalogue": grammar.CATALOGUE,
    "templates": grammar.TEMPLATES,
}
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(kind: Kind) -> Schema:
    """The schema of a document of this kind; shapes that are used twice stand in `$defs` once."""
    making = _Making()
    root = making.inside(ROOTS[kind])
    defs = making.defs
    if kind == "map":
        root = {"type": "object", "if": {"required": ["blueprint"]}, "else": root}
        root["then"] = {"if": {"required": ["map"]}, "then": making.inside(FILLED)}
        with_holes = _Making("in-a-blueprint-")
        root["then"]["else"] = with_holes.inside(BLUEPRINT)
        defs |= with_holes.defs
    titled = {"$schema": DIALECT, "title": f"Wayline: {ROOTS[kind].what}", **root}
    return {**titled, "$defs": dict(sorted(defs.items()))} if defs else titled


def words_of(kind: Kind) -> set[tuple[str, str]]:
    """Every (shape, word) the schema of this kind knows: what a description can be of."""
    making = _everything(kind)
    return {(shape.what, word) for shape in making.shapes for word in shape.words}


def _everything(kind: Kind) -> "_Making":
    making = _Making()
    for shape in (ROOTS[kind], *((FILLED, BLUEPRINT) if kind == "map" else ())):
        making.inside(shape)
    return making


class _Making:
    """With a `prefix`, by which its shapes are told from others, holes may stand for values."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self.defs: dict[str, Schema] = {}
        self.shapes: list[Shape] = []
        self._names: dict[int, str] = {}

    def of(self, check: Check) -> Schema:
        """The schema of a check; of a shape a reference."""
        found = self._of(check)
        return _any_of([_HOLE, found]) if self._prefix and found else found

    def _of(self, check: Check) -> Schema:
        match check:
            case Shape():
                return self._reference(check)
            case ListOf():
                return _listed(self.of(check.check), 0 if check.may_be_empty else 1)
            case OneOrList():
                one = self.of(check.check)
                return {"anyOf": [one, _listed(one, 1)]}
            case MappingOf():
                named, each = self._of(check.name), self.of(check.check)
                more: Schema = {"propertyNames": named, "additionalProperties": each}
                return {"type": "object", "minProperties": 1, **more}
            case Either():
                return _any_of([self.of(check.short), self.of(check.long)])
            case Ruled():
                return _any_of([self.of(each) for each in check.shapes])
            case Open():
                return self._open(check)
            case _:
                return _simple(check)

    def inside(self, shape: Shape) -> Schema:
        """The schema of the shape itself, which is where a document begins."""
        self.shapes.append(shape)
        words = {
            word: _described(self.of(_read_elsewhere(shape, word, check)), shape.what, word)
            for word, check in shape.words.items()
        }
        schema: Schema = {"type": "object", "properties": words, "additionalProperties": False}
        if shape.required:
            schema["required"] = list(shape.required)
        rules = [_at_most_one(group) for group in shape.alone]
        rules += [{"anyOf": [{"required": [word]} for word in group]} for group in shape.some]
        return {**schema, "allOf": rules} if rules else schema

    def _reference(self, shape: Shape) -> Schema:
        name = self._names.get(id(shape))
        if name is None:
            name = self._names[id(shape)] = self._name(shape)
            self.defs[name] = {}  # taken, before what is inside is named
            self.defs[name] = {"title": shape.what, **self.inside(shape)}
        return {"$ref": f"#/$defs/{name}"}

    def _name(self, shape: Shape) -> str:
        said = shape.what.removeprefix("a ").removeprefix("an ")
        plain = self._prefix + re.sub(r"[^a-z_]+", "-", said).strip("-")
        taken = [name for name in self.defs if name == plain or name.startswith(f"{plain}-")]
        return plain if not taken else f"{plain}-{len(taken) + 1}"

    def _open(self, check: Open) -> Schema:
        words: dict[str, Any] = {word: self.of(each) for word, each in check.words.items()}
        rest: Any = self.of(check.rest)
        return {"type": "object", "properties": words, "additionalProperties": rest}


def _read_elsewhere(shape: Shape, word: str, check: Check) -> Check:
    """The tests of a map are read by themselves, after the map, and what stands in a blueprint
    when it is filled; an editor sees them at once."""
    if shape in (grammar.MAP, FILLED) and word == "tests":
        return tests.TESTS
    return grammar.MAP.words.get(word, check) if shape is BLUEPRINT else check


def _described(schema: Schema, what: str, word: str) -> Schema:
    kin = "a map" if what in (BLUEPRINT.what, FILLED.what) else ""
    found = (DESCRIPTIONS.get((each, word)) for each in (what, kin, ""))
    said = next((each for each in found if each), None)
    return {"description": said, **schema} if said else schema


def _listed(each: Schema, least: int) -> Schema:
    return {"type": "array", "items": each, "minItems": least}


def _any_of(schemas: list[Schema]) -> Schema:
    different = [each for index, each in enumerate(schemas) if each not in schemas[:index]]
    return different[0] if len(different) == 1 else {"anyOf": different}


def _at_most_one(group: tuple[str, ...]) -> Schema:
    pairs = [(one, two) for index, one in enumerate(group) for two in group[index + 1 :]]
    return {"not": {"anyOf": [{"required": list(pair)} for pair in pairs]}}


def _simple(check: Check) -> Schema:
    """What one scalar may be; a check that this table does not know allows anything."""
    match check:
        case Whole():
            return {"type": "integer", "minimum": check.low, "maximum": check.high}
        case Word():
            return {"enum": list(check.choices)}
        case Named():
            return _text(_pattern_of(check.pattern), maxLength=_longest(check.pattern))
        case _:
            return dict(_SCALARS.get(check, {}))


def opaque(kind: Kind) -> list[str]:
    """The words of which no schema can say anything, because their check is a bare function."""
    making = _everything(kind)
    return sorted(
        f"{shape.what}: {word}"
        for shape in making.shapes
        for word, check in shape.words.items()
        if making.of(check) == {} and check is not shapes.anything
    )


def _text(pattern: str, **more: Any) -> Schema:
    return {"type": "string", "pattern": pattern, **more}


def _pattern_of(pattern: re.Pattern[str]) -> str:
    """A name's signs; those beyond ASCII are let through, for editors know another `\\w`."""
    refused = [code for code in range(128) if not pattern.fullmatch(chr(code))]
    ranges = groupby(enumerate(refused), key=lambda pair: pair[1] - pair[0])
    runs = [[code for _, code in run] for _, run in ranges]
    return "^[^" + "".join(f"\\x{run[0]:02x}-\\x{run[-1]:02x}" for run in runs) + "]+$"


def _longest(pattern: re.Pattern[str]) -> int:
    return max(length for length in range(1, 257) if pattern.fullmatch("a" * length))


_HOLE: Schema = {"type": "string", "pattern": r"^\$\{[^\s}]+\}$"}
_DURATION = f"^(?:{durations.SHORT.pattern}|{durations.ISO.pattern})$"
_SCALAR: Schema = {"type": ["string", "number", "boolean", "null"]}
_MOMENT = r"^(\+?[0-9a-z]+( [0-9:.]+)?|[0-9:.]+|\d{4}-.*)$"
_SCALARS: Mapping[Callable[..., None], Schema] = {
    shapes.text: _text(r"\S"),
    shapes.flag: {"type": "boolean"},
    shapes.only_true: {"const": True},
    shapes.duration: _text(_DURATION),
    shapes.positive_duration: _text(_DURATION),
    shapes.time_of_day: _text(f"^(?:{durations.TIME_OF_DAY.pattern})$"),
    shapes.timezone: {"type": "string", "examples": ["Asia/Shanghai", "Europe/Berlin", "UTC"]},
    shapes.expression: {"type": ["string", "number", "boolean"]},
    shapes.value: _SCALAR,
    catalogue_grammar.window: _text(f"^(?:{catalogue_grammar.WINDOW.pattern})$"),
    grammar.block: {"type": "object", "minProperties": 1},
    stores.csv_name: _text(r"\.csv$"),
    rates.channel_rate: _text(f"^(?:{rates.RATE.pattern})$"),
    tests.moment: _text(_MOMENT),
    tests.maybe_moment: {"anyOf": [{"type": "null"}, _text(_MOMENT)]},
    entry_grammar.cron: _text(r"^\s*\S+(\s+\S+){4}\s*$"),
    shapes.day: _text(r"^\d{4}-\d\d-\d\d$"),
    tests.patch: {"type": "object"},
}
