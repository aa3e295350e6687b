"""A compiled map walked without knowing its words: so a new word is met like an old one."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any


def within(thing: Any) -> Iterator[Any]:
    """The thing, if it is a part of a model, and every part inside it, in the order of fields."""
    if is_dataclass(thing) and not isinstance(thing, type):
        yield thing
        for each in fields(thing):
            yield from within(getattr(thing, each.name))
    elif isinstance(thing, Mapping):
        for value in thing.values():
            yield from within(value)
    elif isinstance(thing, tuple | list):
        for value in thing:
            yield from within(value)
