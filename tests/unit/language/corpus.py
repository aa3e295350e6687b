"""The maps in tests/maps: good ones with what they compile to, bad ones with what is said, and
good ones that are warned of.

A case is a map beside the folder `workspace/`. Its first line may say otherwise: `# as: path`
puts it in the place of another document, `# without: path` takes one away; with `# file: path`
on its first line a case has several documents, each from such a line to the next.
`python -m tests.unit.language.corpus` writes every `.out` anew; read the difference.
"""

import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from journeys.language.map_tests import read_tests
from journeys.language.model import Duration, Expression, Map
from journeys.language.problems import MapError, Problem, render
from journeys.language.workspace import compile_workspace

CORPUS = Path(__file__).parents[2] / "maps"
WORKSPACE = {
    str(path.relative_to(CORPUS / "workspace")): path.read_text()
    for path in sorted((CORPUS / "workspace").rglob("*.yaml"))
}


def cases(kind: str) -> list[Path]:
    return sorted((CORPUS / kind).glob("*.yaml"))


def documents(case: Path) -> dict[str, str]:
    text = case.read_text()
    first = text.partition("\n")[0]
    if first.startswith("# file: "):
        parts = _FILE.split(text)[1:]
        return {**WORKSPACE, **dict(zip(parts[::2], parts[1::2], strict=True))}
    if first.startswith("# without: "):
        return {file: each for file, each in WORKSPACE.items() if file != first[11:]}
    if first.startswith("# as: "):
        extra = {"maps/first.yaml": _FIRST} if first[6:].startswith("maps/") else {}
        return {**WORKSPACE, **extra, first[6:]: text}
    return {**WORKSPACE, f"maps/{case.name}": text}


def problems(case: Path) -> tuple[Problem, ...]:
    texts = documents(case)
    try:
        compiled_ = compile_workspace(texts)
        read_tests(compiled_)
    except MapError as error:
        return error.problems
    return compiled_.warnings


def said(case: Path) -> str:
    return "".join(f"{render(problem)}\n" for problem in problems(case))


def compiled(case: Path) -> Map:
    return compile_workspace(documents(case)).maps[0]


def described(map_: Map) -> str:
    return "\n".join(_lines(map_, 0)) + "\n"


_FIRST = """map: cart
version: 1
enter: {event: cart.filled}
stages:
  waiting: {end: done}
"""
_FILE = re.compile(r"^# file: (\S+)\n", re.MULTILINE)
_LEFT_OUT = ("digest", "moments", "structure")


def _lines(value: Any, depth: int) -> list[str]:
    """Indented words; what is empty or the default is left out."""
    pad = "  " * depth
    if is_dataclass(value):
        pairs = [(f.name, getattr(value, f.name)) for f in fields(value)]
        return _named([pair for pair in pairs if pair[0] not in _LEFT_OUT], depth)
    if isinstance(value, dict):
        return _named([(str(key), value[key]) for key in value], depth)
    return [f"{pad}{value}"]


def _named(pairs: list[tuple[str, Any]], depth: int) -> list[str]:
    lines = []
    pad = "  " * depth
    for name, value in pairs:
        if value is None or value is False or value in ((), {}, frozenset(), ""):
            continue
        if _is_short(value):
            lines.append(f"{pad}{name}: {_short(value)}")
        elif isinstance(value, tuple):
            for item in value:
                lines += [f"{pad}{name}:", *_lines(item, depth + 1)]
        else:
            lines += [f"{pad}{name}:", *_lines(value, depth + 1)]
    return lines


def _is_short(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(isinstance(item, str) for item in value)
    return isinstance(value, Duration | Expression | ZoneInfo) or not (
        is_dataclass(value) or isinstance(value, dict)
    )


def _short(value: Any) -> str:
    if isinstance(value, Expression):
        return f"`{value.source}`"
    if isinstance(value, Duration):
        return value.text
    if isinstance(value, tuple | frozenset):
        return ", ".join(sorted(value) if isinstance(value, frozenset) else value)
    return str(value)


def _accept() -> None:
    for case in (*cases("err"), *cases("warn")):
        case.with_suffix(".out").write_text(said(case))
    for case in cases("ok"):
        case.with_suffix(".out").write_text(described(compiled(case)))


if __name__ == "__main__":
    _accept()
