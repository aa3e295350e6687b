"""`stores`: on whose behalf people are written to; in a CSV file, or in wayline.yaml itself.

A CSV file has a line of names first, `id` among them; `title` and `timezone` are read besides, and
other columns are left alone. Problems in it point at its lines.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from zoneinfo import ZoneInfo

from . import tree
from .problems import Place, Problems
from .shapes import Check, Shape, either, event_name, mapping_of, text, timezone, wrong
from .tree import Node, Scalar, mapping, read_tree, scalar
from .workspace_parts import Store

_SUFFIX = ".csv"
STORE = Shape("a store", {"title": text, "timezone": timezone})


def csv_name(node: Node, problems: Problems) -> None:
    """The name of a CSV file inside the folder."""
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        mend = "Write `stores.csv`, or a mapping of ids."
        wrong(node, "Here stands the name of a CSV file.", mend, problems)
        return
    path = PurePosixPath(node.value)
    if path.suffix != _SUFFIX or path.is_absolute() or ".." in path.parts:
        what = f'"{node.text}" names no CSV file of this folder.'
        mend = "Write the path from wayline.yaml to it, such as stores.csv."
        problems.add("no-such-file", node.place, what, mend)


STORES: Check = either(csv_name, mapping_of(STORE, event_name, "stores"))


def files_named(settings: str) -> tuple[str, ...]:
    """The files besides YAML that wayline.yaml names, as far as they can be read of it."""
    problems = Problems()
    root = read_tree(settings, "", problems)
    named = root.get("stores") if isinstance(root, tree.Mapping) else None
    if not isinstance(named, Scalar):
        return ()
    csv_name(named, problems)
    return () if len(problems) else (named.text,)


def is_table(file: str) -> bool:
    """Whether a document is no YAML."""
    return file.endswith(_SUFFIX)


def read_stores(
    node: Node | None, documents: Mapping[str, str], problems: Problems
) -> dict[str, Store]:
    """By id; adds what is wrong in the file."""
    if node is None:
        return {}
    if isinstance(node, tree.Mapping):
        return {key.text: _written(key.text, mapping(each)) for key, each in node.entries}
    name = scalar(node)
    if name.text not in documents:
        what = f"There is no {name.text} in this folder."
        problems.add("no-such-file", name.place, what, "Put it there, or write the stores here.")
        return {}
    content = documents[name.text]
    if len(content.encode(errors="replace")) > tree.SIZE_LIMIT:
        what = "This file is larger than 1 MiB."
        problems.add("too-large", name.place, what, "Leave out columns that are not needed here.")
        return {}
    return _Table(name.text, content, problems).read()


def _written(id_: str, node: tree.Mapping) -> Store:
    title, zone = node.get("title"), node.get("timezone")
    return Store(
        id_,
        "" if title is None else scalar(title).text,
        None if zone is None else ZoneInfo(scalar(zone).text),
    )


@dataclass(frozen=True, slots=True)
class _Row:
    """Values by the names of their columns."""

    line: int
    values: Mapping[str, str]


class _Table:
    def __init__(self, file: str, content: str, problems: Problems) -> None:
        self._file, self._problems = file, problems
        self._lines = content.splitlines()

    def read(self) -> dict[str, Store]:
        found: dict[str, Store] = {}
        for row in self._rows():
            id_ = row.values["id"]
            if not id_:
                self._add(row.line, "", "This store has no id.", "Give it one.")
            elif id_ in found:
                what = f'The store "{id_}" stands here twice.'
                self._add(row.line, id_, what, "Keep one of them.")
            else:
                found[id_] = Store(id_, row.values.get("title", ""), self._zone(row))
        return found

    def _zone(self, row: _Row) -> ZoneInfo | None:
        written = row.values.get("timezone", "")
        if not written:
            return None
        before = len(self._problems)
        timezone(Scalar(written, written, self._place(row.line, written)), self._problems)
        return ZoneInfo(written) if len(self._problems) == before else None

    def _rows(self) -> Iterator[_Row]:
        rows = self._lists()
        names = next(rows, (1, []))[1]
        if "id" not in names:
            mend = "Begin it with the names of its columns, such as `id,title,timezone`."
            self._add(1, "", "This table has no column `id`.", mend)
            return
        for line, values in rows:
            if not any(values):
                continue
            if len(values) > len(names):
                what = "This line has more values than there are columns."
                self._add(line, "", what, 'Put a value with a comma in quotes: "Hangzhou, 1".')
            else:
                yield _Row(line, dict.fromkeys(names, "") | dict(zip(names, values, strict=False)))

    def _lists(self) -> Iterator[tuple[int, list[str]]]:
        reader = csv.reader(self._lines, strict=True)
        try:
            for values in reader:
                yield reader.line_num, [value.strip() for value in values]
        except csv.Error as error:
            what = f"This is no CSV: {error}."
            self._add(reader.line_num, "", what, "Look at the quotes and commas here.")

    def _add(self, line: int, written: str, what: str, mend: str) -> None:
        self._problems.add("bad-stores", self._place(line, written), what, mend)

    def _place(self, line: int, written: str) -> Place:
        """Of a value in the line, or the whole of it."""
        source = self._lines[line - 1] if 0 < line <= len(self._lines) else ""
        col = max(source.find(written), 0) if written else 0
        return Place(self._file, line, col + 1, len(written) or max(len(source), 1), source)
