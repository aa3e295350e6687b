"""Conditions and expressions as a map uses them: from a scalar of the tree to a model's Expression.

The grammar and its meaning are CEL's, in part; what is ours (null, words for operators, the
clock) is section "Conditions" of docs/designers/language.md.
"""

from .bytecode import emit
from .lexer import Fault
from .model import Expression
from .names import Names, Reads, Type
from .parser import Path, Syntax, parse
from .paths import OWN
from .problems import Problems
from .tree import Scalar

NOTHING = Expression("", lambda scope: None)
"""Stands for what could not be compiled; the phase ends before anybody runs it."""


def compile_condition(source: Scalar, names: Names, reads: Reads, problems: Problems) -> Expression:
    """What `when` takes: anything but true counts as false."""
    expression, kind = compile_expression(source, names, reads, problems)
    if kind not in ("boolean", "any", "null"):
        what = f"`{source.text}` is not a condition: it is never true or false."
        problems.add("not-a-condition", source.place, what, "Compare it with something.")
    return expression


def compile_expression(
    source: Scalar, names: Names, reads: Reads, problems: Problems, skip: int = 0
) -> tuple[Expression, Type]:
    """Any expression and its type; `skip` leaves out so many characters (the `=` of a value)."""
    text = source.text[skip:]
    try:
        run, kind = emit(parse(text), names, reads)
    except Fault as fault:
        report(fault, source, problems, skip)
        return NOTHING, "any"
    return Expression(text.strip(), run), kind


def plain_property(source: Scalar) -> str | None:
    """The property's name when the expression is nothing but `event.x`."""
    try:
        syntax: Syntax = parse(source.text)
    except Fault:
        return None
    match syntax:
        case Path(("event", "properties", name)):
            return name
        case Path(("event", name)) if name not in OWN:
            return name
        case _:
            return None


def report(fault: Fault, source: Scalar, problems: Problems, skip: int = 0) -> None:
    """Adds the fault at its column, where the text stands in the file as it is."""
    place = source.part(skip + fault.start, fault.length)
    problems.add(fault.code, place, fault.what, fault.mend)
