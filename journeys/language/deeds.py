"""`do` items that send nothing: `set`, `tag`, `untag`, `emit` and `start`."""

from collections.abc import Iterable, Iterator, Mapping

from .conditions import compile_expression
from .model import START_KEY, Change, Do, Emit, Expression, Map, Start, Workspace
from .names import REQUESTED, Names, Reads, Type
from .problems import Problems, nearest
from .sends import SendCompiler
from .settings import check_kind
from .tree import Mapping as Tree
from .tree import Node, Scalar, items, mapping, scalar


class DeedCompiler:
    """Compiles the items of one map's `do`."""

    def __init__(
        self,
        workspace: Workspace,
        sends: SendCompiler,
        held_out: bool,
        reads: Reads,
        problems: Problems,
    ) -> None:
        self._workspace, self._sends, self._held_out = workspace, sends, held_out
        self._reads, self._problems = reads, problems

    def compile(self, node: Tree, place: str, names: Names) -> Do:
        """The item at this place of the map; its values may look at `names`."""
        if "send" in node:
            return self._sends.compile(node, place, names)
        if "task" in node:
            return self._sends.task(node, place, names, self._held_out)
        if "emit" in node:
            return self._emit(node, place, names)
        if "start" in node:
            return self._start(node, place, names)
        return Change(place, self._facts(node, names), _words(node, "tag"), _words(node, "untag"))

    def _facts(self, node: Tree, names: Names) -> dict[str, Expression]:
        values = {}
        for key, written in _entries(node, "set"):
            values[key.text], kind = self._sends.value(scalar(written), names)
            self._check_trait(key, kind, scalar(written))
        return values

    def _check_trait(self, key: Scalar, kind: Type, written: Scalar) -> None:
        declared = self._workspace.traits
        if declared is None:
            return
        if key.text not in declared:
            what, mend = f'The catalogue has no trait "{key.text}".', nearest(key.text, declared)
            self._problems.add("no-such-property", key.place, what, mend)
        elif key.text in self._workspace.computed:
            what = f"The trait `{key.text}` is computed, so nobody can set it."
            self._problems.add("trait-is-computed", key.place, what, "Set another trait.")
        else:
            of = f"The trait `{key.text}`"
            check_kind(kind, declared[key.text], written, of, self._problems)

    def _emit(self, node: Tree, place: str, names: Names) -> Emit:
        written = scalar(node["emit"])
        events = self._workspace.events
        if events and written.text not in events:
            what = f'The catalogue has no event type "{written.text}".'
            self._problems.add("no-such-event", written.place, what, nearest(written.text, events))
        declared = events.get(written.text) if events else None
        return Emit(place, written.text, self._properties(node, names, written.text, declared))

    def _properties(
        self, node: Tree, names: Names, of: str, declared: Mapping[str, str] | None
    ) -> dict[str, Expression]:
        values = {}
        for key, written in _entries(node, "with"):
            values[key.text], kind = self._sends.value(scalar(written), names)
            if declared is not None and key.text not in declared:
                what = f'"{of}" has no property "{key.text}".'
                mend = nearest(key.text, declared)
                self._problems.add("no-such-property", key.place, what, mend)
            elif declared is not None:
                wanted, what = declared[key.text], f"The property `{key.text}`"
                check_kind(kind, wanted, scalar(written), what, self._problems)
        return values

    def _start(self, node: Tree, place: str, names: Names) -> Start:
        values = self._properties(node, names, REQUESTED, None)
        if "key" in node:
            key = scalar(node["key"])
            values[START_KEY], _ = compile_expression(key, names, self._reads, self._problems)
        return Start(place, scalar(node["start"]).text, values)


def check_starts(trees: Iterable[Tree], maps: Iterable[Map], problems: Problems) -> None:
    """Adds a problem for each `start` of a map that is not there or takes no requests."""
    takes = {each.name: any(entry.request for entry in each.enter) for each in maps}
    for tree in trees:
        for written in _starts(tree):
            if written.text not in takes:
                what, mend = f'There is no map "{written.text}".', nearest(written.text, takes)
                problems.add("no-such-map", written.place, what, mend)
            elif not takes[written.text]:
                what = f'The map "{written.text}" takes no requests.'
                mend = "Give it an entry `{request: true}`."
                problems.add("no-such-map", written.place, what, mend)


def _starts(node: Node) -> Iterator[Scalar]:
    """The map named by each `start` anywhere under a `do`."""
    for each in items(node) if not isinstance(node, Tree) else ():
        if isinstance(each, Tree):
            yield from _starts(each)
    if isinstance(node, Tree):
        for key, value in node.entries:
            if key.text == "do":
                found = [mapping(item).get("start") for item in items(value)]
                yield from (scalar(each) for each in found if each is not None)
            elif key.text not in ("tests", "with", "set"):
                yield from _starts(value)


def _words(node: Tree, word: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(scalar(each).text for each in items(node.get(word))))


def _entries(node: Tree, word: str) -> tuple[tuple[Scalar, Node], ...]:
    return mapping(node[word]).entries if word in node else ()
