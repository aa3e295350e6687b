"""What a test loads: its map and those beside it, with the test's changes, compiled."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from journeys.engine.effects import Shard
from journeys.engine.fates import Fate, fates, says_the_same
from journeys.engine.releases import Releases
from journeys.language.map_tests import MapTest
from journeys.language.model import Map, Release, Workspace
from journeys.language.names import DECLARABLE
from journeys.language.patching import patched, templates_patched, words
from journeys.language.settings import SETTINGS
from journeys.language.signatures import type_of
from journeys.language.workspace import (
    Compiled,
    compile_map,
    compile_settings,
    compile_workspace,
    whole_texts,
)
from schemas.inbox import Published


@dataclass
class Books:
    """`workspace` and `live` are what was loaded last; older ones stay for whoever is in them."""

    workspace: Workspace
    live: dict[str, Map]
    _documents: dict[str, str]
    _file: str
    _workspaces: dict[str, Workspace] = field(default_factory=dict)
    _texts: dict[tuple[str, int, str], tuple[str, str]] = field(default_factory=dict)
    _anew: dict[str, str] = field(default_factory=dict)
    """As in `Published`: the digests of live maps that were published anew."""

    def __post_init__(self) -> None:
        texts, workspaces = self._texts, self._workspaces
        self._releases = Releases(workspaces.__getitem__, lambda *version: texts[version])

    def shelve(self, map_: Map, file: str, text: str) -> None:
        """Puts a version among the live ones; the older one stays for whoever is in it."""
        self.live[map_.name] = map_
        first = self._texts.setdefault((map_.name, map_.version, ""), (file, text))
        if first[1] != text:
            self._anew[map_.name] = map_.digest
            self._texts[map_.name, map_.version, map_.digest] = file, text
        else:
            self._anew.pop(map_.name, None)

    @property
    def documents(self) -> Mapping[str, str]:
        """What is loaded now: file -> text; other maps of the folder too."""
        return self._documents

    def published(self) -> Published:
        """The record that puts what was loaded last in force."""
        self._workspaces[self.workspace.digest] = self.workspace
        self._releases.know(self.workspace.digest, self.live.values(), self._anew)
        versions = {name: map_.version for name, map_ in self.live.items()}
        return Published(self.workspace.digest, versions, dict(self._anew))

    def release(self, shard: Shard) -> Release | None:
        """What is in force in the shard; None before the first publication."""
        return self._releases.of(shard)

    def new_version(
        self, version: int, change: Mapping[str, Any], heads: Mapping[str, int]
    ) -> Sequence[Fate]:
        """Changes the test's map, unless that would be refused: returns whom it would strand, of
        those who are where `heads` says, or nobody in no stage where the version was used for
        another structure. Raises MapError where the result is no good map.
        """
        text = patched(self._documents[self._file], self._file, {**change, "version": version})
        whole = whole_texts({self._file: text}, self._documents)[self._file]
        newer = compile_map(whole, self._file, self.workspace)
        older = [self._compiled(version) for version in self._texts if version[0] == newer.name]
        if any((m.version, m.structure == newer.structure) == (version, False) for m in older):
            return [Fate(newer.name, version, "", 0, "stranded")]
        same = says_the_same(newer, self.live.get(newer.name))
        coming = () if same else fates(newer, older, heads)
        found = [fate for fate in coming if fate.becomes == "stranded"]
        if not found:
            self._documents[self._file] = text
            self.shelve(newer, self._file, whole)
        return found

    def new_templates(self, change: Mapping[str, Any]) -> None:
        """Changes templates, which follow live (rule 10). Raises MapError like `check`."""
        settings = {f: t for f, t in self._documents.items() if not f.startswith("maps/")}
        changed = templates_patched(settings, change)
        self.workspace = compile_settings(changed)
        self._documents.update(changed)
        self.live = {
            name: compile_map(*self._text(map_)[::-1], self.workspace)
            for name, map_ in self.live.items()
        }

    def _compiled(self, where: tuple[str, int, str]) -> Map:
        file, text = self._texts[where]
        return compile_map(text, file, self.workspace)

    def _text(self, map_: Map) -> tuple[str, str]:
        return self._texts[map_.name, map_.version, self._anew.get(map_.name, "")]


def open_books(documents: Mapping[str, str], compiled: Compiled, test: MapTest) -> Books:
    """What this test loads. Raises MapError where its changes make no good workspace."""
    fixed = _fixed(compiled, test)
    if not (test.settings or test.change or fixed):
        return books_of(documents, compiled, (test.map, *test.also))
    wanted = _files(compiled, (test.map, *test.also)).values()
    others = set(compiled.files) - set(wanted)
    kept = {file: text for file, text in documents.items() if file not in others}
    kept |= _with_plain(kept, fixed)
    if test.settings:
        kept[SETTINGS] = patched(kept[SETTINGS], SETTINGS, test.settings)
    if test.change:
        kept[test.file] = patched(kept[test.file], test.file, test.change)
    return books_of(kept, compile_workspace(kept), (test.map, *test.also))


def books_of(documents: Mapping[str, str], compiled: Compiled, names: Collection[str]) -> Books:
    """The workspace with these of its maps live; the first is the one that may change."""
    first, *_ = names
    books = Books(compiled.workspace, {}, dict(documents), _files(compiled, names).get(first, ""))
    for map_, file, text in zip(compiled.maps, compiled.files, compiled.texts, strict=True):
        if map_.name in names:
            books.shelve(map_, file, text)
    return books


def _fixed(compiled: Compiled, test: MapTest) -> dict[str, str]:
    """Computed traits that the test gives somebody, with the types they have: for this test they
    are plain, so that they stay as given."""
    given = {name: value for person in test.people for name, value in person.traits.items()}
    types = compiled.workspace.traits or {}
    return {
        name: types[name] if types.get(name) in DECLARABLE else type_of(value)
        for name, value in given.items()
        if name in compiled.workspace.computed
    }


def _with_plain(documents: Mapping[str, str], types: Mapping[str, str]) -> dict[str, str]:
    """The catalogue's documents in which some trait becomes one of a plain type."""
    found = {}
    for file, text in documents.items():
        if types and file.startswith("catalogue/"):
            here = {
                name: type_ for name, type_ in types.items() if name in words(text, file, "traits")
            }
            found[file] = patched(text, file, {"traits": here}) if here else text
    return found


def _files(compiled: Compiled, names: Collection[str]) -> dict[str, str]:
    """Map -> the document it came from."""
    pairs = zip(compiled.maps, compiled.files, strict=True)
    return {map_.name: file for map_, file in pairs if map_.name in names}
