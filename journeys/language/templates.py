"""Liquid texts, compiled once: values of a map over what conditions see, templates over params.

A text of pieces and plain `{{ path }}` takes a short way, which saves 30 to 40 microseconds; any
other goes through python-liquid, with the paths it names read beforehand by compiled conditions.
So both ways see the same things, and a wrong path is found before anybody is written to.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from liquid.exceptions import LiquidError
from liquid.stringify import to_liquid_string

from .bytecode import emit
from .conditions import NOTHING, report
from .functions import to_local
from .lexer import Fault
from .liquid_rules import OUTPUT_LIMIT, Liquid
from .model import Expression
from .names import Names, Reads
from .parser import Path
from .problems import Problems, nearest
from .scope import Scope
from .tree import Mapping as Tree
from .tree import Node, Scalar, Sequence

T = TypeVar("T")
Render = Callable[[Mapping[str, Any]], dict[str, Any]]

_LIQUID = Liquid()
_PLAIN = re.compile(r"\{\{\s*([^\W\d]\w*(?:\.[^\W\d]\w*)*)\s*\}\}")
_DEEPEST = {"event": 2, "entry": 2, "profile": 3}


class RenderFailed(ValueError):
    """A text that cannot be rendered with these params, or grows beyond 64 kB."""


def compile_text(source: Scalar, names: Names, reads: Reads, problems: Problems) -> Expression:
    """A `with` value: text over event, entry, profile, key and now. Missing is empty, a time is
    local, what fails at run time is null."""
    text = source.text
    if "{{" not in text and "{%" not in text:
        return Expression(text, lambda scope: text)
    try:
        if _is_plain(text):
            return Expression(text, _guarded(_plain_text(text, names, reads)))
        return Expression(text, _guarded(_liquid_text(text, names, reads)))
    except Fault as fault:
        report(fault, source, problems)
        return NOTHING


def compile_block(
    block: Tree, params: Iterable[str], defaults: Mapping[str, Any], problems: Problems
) -> Render:
    """A channel's block: every text is Liquid over the params. A param that is missing or null
    takes its default. The result raises RenderFailed."""
    content = _content(block, frozenset(params), problems)

    def render(given: Mapping[str, Any]) -> dict[str, Any]:
        known = {name: value for name, value in given.items() if value is not None}
        rendered: dict[str, Any] = content({**defaults, **known})
        return rendered

    return render


def _is_plain(text: str) -> bool:
    rest = _PLAIN.sub("", text)
    return "{{" not in rest and "{%" not in rest


def _plain_text(text: str, names: Names, reads: Reads) -> Callable[[Scope], str]:
    starts = [match.start(1) for match in _PLAIN.finditer(text)]
    readers = [
        _reader(tuple(path.split(".")), start, names, reads)
        for path, start in zip(_PLAIN.findall(text), starts, strict=True)
    ]
    return _joined(text, readers)


def _joined(text: str, readers: Iterable[Callable[[T], Any]]) -> Callable[[T], str]:
    """Each plain `{{ path }}` of the text replaced by what its reader finds, written as Liquid
    writes it.
    """
    before, *rest = _PLAIN.split(text)[0::2]
    parts = list(zip(readers, rest, strict=True))

    def run(given: T) -> str:
        text = before
        for read, after in parts:
            text += to_liquid_string(read(given), autoescape=False) + after
        return text

    return run


def _liquid_text(text: str, names: Names, reads: Reads) -> Callable[[Scope], str]:
    template = _template(text)
    readers: dict[tuple[str, ...], Callable[[Scope], Any]] = {}
    for segments, start in _global_paths(template):
        path = _root_path(segments, start)
        readers[path] = _reader(path, start, names, reads)

    def run(scope: Scope) -> str:
        data: dict[str, Any] = {}
        for path, read in readers.items():
            _put(data, path, read(scope))
        return str(template.render(data))

    return run


def _reader(
    path: tuple[str, ...], start: int, names: Names, reads: Reads
) -> Callable[[Scope], Any]:
    """Reads the path as a condition would; a time becomes a moment on the wall clock."""
    run, kind = emit(Path(path, start, len(".".join(path))), names, reads)
    if kind != "time":
        return run
    return lambda scope: _local(run(scope), scope)


def _local(millis: Any, scope: Scope) -> datetime | None:
    return to_local(millis, scope.zone)


def _guarded(run: Callable[[Scope], str]) -> Callable[[Scope], str | None]:
    def guarded(scope: Scope) -> str | None:
        try:
            text = run(scope)
        except (LiquidError, ArithmeticError, LookupError, TypeError, ValueError):
            return None
        return text if len(text) <= OUTPUT_LIMIT else None

    return guarded


def _template(text: str) -> Any:
    try:
        return _LIQUID.from_string(text)
    except LiquidError as error:
        start = error.token.start_index if error.token else 0
        length = len(error.token.value) if error.token else 1
        what = f"This Liquid cannot be read: {error.message or 'it is not complete'}."
        mend = "Write {{ path }}, {{ path | filter }} or {% if %}...{% endif %}."
        raise Fault("bad-template", max(start, 0), max(length, 1), what, mend) from None


def _global_paths(template: Any) -> list[tuple[list[Any], int]]:
    found = template.analyze(include_partials=False)
    for name, spans in found.filters.items():
        if name not in _LIQUID.filters:
            what, mend = f'There is no filter "{name}".', nearest(name, _LIQUID.filters)
            raise Fault("bad-template", spans[0].index, len(name), what, mend)
    return [
        (variable.segments, variable.span.index)
        for variables in found.globals.values()
        for variable in variables
    ]


def _root_path(segments: list[Any], start: int) -> tuple[str, ...]:
    """The part conditions can read; what is deeper is Liquid's."""
    root = str(segments[0])
    depth = _DEEPEST.get(root, 1)
    if segments[:2] in (["event", "properties"], ["entry", "properties"]):
        depth = 3
    if segments[:2] == ["profile", "tags"]:
        depth = 2
    head = segments[:depth]
    if not all(isinstance(each, str) for each in head):
        what = "This path is not written out."
        mend = f"Name the property: {root}.amount."
        raise Fault("bad-template", start, len(root), what, mend)
    return tuple(str(each) for each in head)


def _put(data: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for step in path[:-1]:
        data = data.setdefault(step, {})
    data[path[-1]] = value


def _content(
    node: Node, params: frozenset[str], problems: Problems
) -> Callable[[Mapping[str, Any]], Any]:
    match node:
        case Tree():
            parts = {key.text: _content(value, params, problems) for key, value in node.entries}
            return lambda given: {name: part(given) for name, part in parts.items()}
        case Sequence():
            each = [_content(item, params, problems) for item in node.items]
            return lambda given: [part(given) for part in each]
        case Scalar():
            return _param_text(node, params, problems)


def _param_text(
    source: Scalar, params: frozenset[str], problems: Problems
) -> Callable[[Mapping[str, Any]], Any]:
    value = source.value
    if isinstance(value, str) and len(value) > OUTPUT_LIMIT:
        what = f"This text is longer than {OUTPUT_LIMIT} characters."
        problems.add("bad-template", source.place, what, "Write a shorter one.")
        return lambda given: None
    if not isinstance(value, str) or ("{{" not in value and "{%" not in value):
        return lambda given: value
    try:
        template = _template(value)
        _check_params(template, params)
    except Fault as fault:
        report(fault, source, problems)
        return lambda given: None
    if _is_plain(value) and params.issuperset(names := _PLAIN.findall(value)):
        return _bounded(_joined(value, map(_param, names)))
    return lambda given: _rendered(template, given)


def _check_params(template: Any, params: frozenset[str]) -> None:
    for segments, start in _global_paths(template):
        name = str(segments[0])
        if name not in params:
            what = f'This template has no param "{name}".'
            mend = f"{nearest(name, params)} Templates see their params only."
            raise Fault("no-such-param", start, len(name), what, mend)


def _param(name: str) -> Callable[[Mapping[str, Any]], Any]:
    return lambda given: given.get(name)


def _bounded(run: Callable[[Mapping[str, Any]], str]) -> Callable[[Mapping[str, Any]], str]:
    def bounded(given: Mapping[str, Any]) -> str:
        text = run(given)
        if len(text) > OUTPUT_LIMIT:
            raise RenderFailed(f"the text grew beyond {OUTPUT_LIMIT} characters")
        return text

    return bounded


def _rendered(template: Any, given: Mapping[str, Any]) -> str:
    try:
        return str(template.render(given))
    except (LiquidError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise RenderFailed(str(error)) from error
