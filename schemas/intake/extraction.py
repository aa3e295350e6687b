"""One template of a mapping as a function of the record it is filled from.

`{{ path }}` alone keeps the type of what it finds, and `| number`, `| integer`, `| boolean` at
the end make one; everything else is Liquid and gives text.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from liquid import Environment
from liquid.exceptions import LiquidError

Record = Mapping[str, Any]
Extract = Callable[[Record], Any]

_SINGLE = re.compile(
    r"\s*\{\{\s*(?P<head>[^{}]*?[^{}|\s])\s*(?:\|\s*(?P<kind>number|integer|boolean)\s*)?\}\}\s*"
)
_PATH = re.compile(r"[^\W\d][\w-]*(?:\.[\w-]+)*")
_TRUE, _FALSE = frozenset(("true", "yes", "y", "1")), frozenset(("false", "no", "n", "0"))
# What python-liquid lets through when a filter meets a value it was not made for.
_RENDERING_FAILS = (
    LiquidError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


class BadTemplate(Exception):
    """The text is no Liquid; the message says why."""


class Unfit(Exception):
    """A record has not what its template asks for; `code` is that of the contract error."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(what)
        self.code, self.what = code, what


class _Liquid(Environment):
    """A template over a sender's record must not cost more than a record may have bytes."""

    local_namespace_limit = 256 * 1024
    output_stream_limit = 256 * 1024
    loop_iteration_limit = 10_000


_liquid = _Liquid()


def compile_template(template: Any) -> Extract:
    """The function of the record; text without Liquid, and all that is no text, is constant.

    It gives None for what is missing, and raises Unfit. Raises BadTemplate.
    """
    if not isinstance(template, str) or ("{{" not in template and "{%" not in template):
        return lambda _record: template
    single = _SINGLE.fullmatch(template)
    if single is None:
        return _rendered(template)
    head, kind = single["head"], single["kind"]
    if _PATH.fullmatch(head):
        extract = _at(tuple(head.split(".")))
    else:
        extract = _rendered(f"{{{{ {head} }}}}")
    return extract if kind is None else _converted(extract, kind)


def _at(steps: tuple[str, ...]) -> Extract:
    if len(steps) == 1:
        name = steps[0]
        return lambda record: record.get(name)

    def extract(record: Record) -> Any:
        value: Any = record
        for step in steps:
            if isinstance(value, list) and step.isdecimal():
                value = value[int(step)] if int(step) < len(value) else None
            else:
                value = value.get(step) if isinstance(value, dict) else None
        return value

    return extract


def _rendered(source: str) -> Extract:
    try:
        template = _liquid.from_string(source)
    except LiquidError as error:
        raise BadTemplate(f"This is no Liquid: {error.message}.") from None
    for name in template.filter_names():
        if name not in _liquid.filters:
            raise BadTemplate(f'There is no filter "{name}".')

    def extract(record: Record) -> str:
        try:
            return template.render(record).strip()
        except _RENDERING_FAILS as error:
            raise Unfit("cannot-map", f"The mapping fails: {error}.") from None

    return extract


def _converted(extract: Extract, kind: str) -> Extract:
    convert = {"number": _number, "integer": _integer, "boolean": _boolean}[kind]

    def converted(record: Record) -> Any:
        value = extract(record)
        if isinstance(value, str):
            value = value.strip()
        return None if value is None or value == "" else convert(value)

    return converted


def _number(value: Any) -> int | float:
    """An integer stays one, so that ids and pieces read well."""
    number = value
    if isinstance(value, str):
        if "_" in value:  # Python's own way to write 1_000
            raise _not("a number")
        try:
            number = int(value) if value.lstrip("+-").isdecimal() else float(value)
        except ValueError:
            raise _not("a number") from None
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise _not("a number")
    if not -1e308 <= number <= 1e308 or (isinstance(number, int) and abs(number) >= 2**63):
        raise _not("a finite number of 64 bits")
    return number


def _integer(value: Any) -> int:
    number = _number(value)
    if number != int(number):
        raise _not("an integer")
    return int(number)


def _boolean(value: Any) -> bool:
    word = str(value).lower()
    if word not in _TRUE and word not in _FALSE:
        raise _not("true or false, yes or no, 1 or 0")
    return word in _TRUE


def _not(wanted: str) -> Unfit:
    return Unfit("wrong-type", f"The value is not {wanted}.")
