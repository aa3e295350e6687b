"""Liquid without what could reach outside or grow without bound: no files, network or clock.

python-liquid limits loops and output only between tags: one `replace` made 10 GB before any
limit looked. So every filter here is measured, and the two that multiply are measured before.
"""

import functools
from collections.abc import Callable
from datetime import datetime
from typing import Any

from liquid import Environment
from liquid.exceptions import FilterArgumentError

OUTPUT_LIMIT = 65_536
_NUMBER_LIMIT = 10**30
_ITEM_LIMIT = 10_000

_OUTSIDE = ("include", "render", "tablerow", "increment", "decrement", "ifchanged", "cycle", "doc")


class Liquid(Environment):
    """python-liquid's standard language, bounded: nesting 30, 10,000 turns of loops, 64 kB."""

    output_stream_limit = OUTPUT_LIMIT
    loop_iteration_limit = 10_000
    local_namespace_limit = 4 * OUTPUT_LIMIT
    block_nesting_limit = 30

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=False)
        for tag in _OUTSIDE:
            self.tags.pop(tag, None)
        self.filters["date"] = _date
        for name, filter_ in list(self.filters.items()):
            self.filters[name] = _measured(filter_, _BEFORE.get(name))


def _measured(filter_: Callable[..., Any], before: Callable[..., int] | None) -> Callable[..., Any]:
    # wraps keeps the flags by which python-liquid hands filters its context.
    @functools.wraps(filter_)
    def measured(*args: Any, **kwargs: Any) -> Any:
        if before is not None and before(*args) > OUTPUT_LIMIT:
            raise FilterArgumentError("the text would grow beyond 64 kB", token=None)
        result = filter_(*args, **kwargs)
        if _is_too_large(result):
            raise FilterArgumentError("the result grew beyond 64 kB", token=None)
        return result

    return measured


def _is_too_large(result: Any) -> bool:
    match result:
        case str():
            return len(result) > OUTPUT_LIMIT
        case list():
            return len(result) > _ITEM_LIMIT
        case int() | float():
            return abs(result) > _NUMBER_LIMIT
        case _:
            return False


def _size_of_replace(value: Any, search: Any = "", replacement: Any = "", *_: Any) -> int:
    text = str(value)
    return len(text) + text.count(str(search)) * len(str(replacement))


def _size_of_join(items: Any, separator: Any = " ", *_: Any) -> int:
    if not isinstance(items, list | tuple):
        return 0
    return sum(len(str(item)) + len(str(separator)) for item in items)


_BEFORE: dict[str, Callable[..., int]] = {"replace": _size_of_replace, "join": _size_of_join}


def _date(value: Any, form: Any = "%Y-%m-%d", *_: Any) -> str:
    """Moments and texts that are one; python-liquid's own also takes "now" and guesses days."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return str(value)
    return value.strftime(str(form)) if isinstance(value, datetime) else str(value or "")
