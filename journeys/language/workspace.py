"""A designer's folder, compiled: the one door from texts to the model.

Texts come as a mapping of relative paths: `wayline.yaml`, `catalogue/*.yaml`, `templates/*.yaml`,
`maps/*.yaml`. Reading them from a disk or a log is the caller's.

Problems come by phases, each over all files: syntax, shape, names of the settings, names of the
maps, meaning. A phase runs only if the one before found none.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from . import grammar
from .blueprint_grammar import BLUEPRINT, shape_for
from .blueprints import Whole, blueprints_of, fill
from .compiler import build_map
from .deeds import check_starts
from .hints import check_secrets
from .lint import check_meaning
from .model import Entry, Map, Release, Workspace
from .names import RESULTS, result_type
from .problems import MapError, Place, Problem, Problems
from .settings import SETTINGS, build_workspace
from .shapes import Check
from .stores import files_named, is_table
from .tree import Mapping as Tree
from .tree import Node, mapping, read_tree, scalar

_FOLDERS = {
    **dict.fromkeys(("map", "blueprint"), "maps"),
    **dict.fromkeys(("events", "traits", "segments"), "catalogue"),
    "templates": "templates",
}
"""The word that a document of each folder begins with."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A whole folder; `files` says from which document each map came, in the order of `maps`, and
    `texts` what it is by itself: the document, or its blueprint filled; `tests` is what stands
    after `tests:` in the document, not read yet."""

    workspace: Workspace
    maps: tuple[Map, ...]
    files: tuple[str, ...]
    texts: tuple[str, ...]
    tests: tuple[Node | None, ...] = ()
    warnings: tuple[Problem, ...] = ()


def compile_workspace(documents: Mapping[str, str]) -> Compiled:
    """Settings and every map. Raises MapError with all problems of the first phase with any."""
    trees = _trees(documents)
    workspace = _workspace(trees, documents)
    maps_trees = {file: tree for file, tree in trees.items() if _is_map(file)}
    wholes = _wholes(_mappings(maps_trees), documents)
    problems = Problems()
    maps = _maps(wholes, workspace, problems)
    for whole in wholes.values():
        with _found_in(whole, problems) as found:
            check_starts([whole.tree], maps, found)
    for tree in trees.values():
        check_secrets(tree, problems)
    problems.raise_if_any()
    texts = tuple(each.text for each in wholes.values())
    tests = tuple(mapping(trees[file]).get("tests") for file in wholes)
    return Compiled(workspace, maps, tuple(wholes), texts, tests, problems.all())


def compile_settings(documents: Mapping[str, str]) -> Workspace:
    """The documents that are no maps; its digest is the same for the same texts, in any order.

    Raises MapError.
    """
    settings = settings_of(documents)
    return _workspace(_trees(settings), settings)


def settings_of(documents: Mapping[str, str]) -> dict[str, str]:
    """What a workspace is made of: wayline.yaml and what it names, catalogue, templates."""
    named = {SETTINGS, *files_named(documents.get(SETTINGS, ""))}
    folders = ("catalogue/", "templates/")
    return {f: text for f, text in documents.items() if f in named or f.startswith(folders)}


def compile_map(text: str, file: str, workspace: Workspace) -> Map:
    """One map against a workspace. Raises MapError with all problems of the first phase with any;
    `file` is what they name."""
    trees = _trees({file: text}, check=grammar.MAP)
    return _maps({file: Whole(mapping(trees[file]), text)}, workspace, Problems())[0]


def whole_texts(maps: Mapping[str, str], beside: Mapping[str, str]) -> dict[str, str]:
    """These documents of maps, each by itself: blueprints, of these and of those `beside`, filled.

    Whatever else is beside does not matter. Raises MapError.
    """
    trees = _trees(dict(maps), check=lambda tree, problems: shape_for(tree)(tree, problems))
    ignored = Problems()
    for file, text in beside.items():
        tree = read_tree(text, file, ignored) if _is_map(file) and file not in maps else None
        if tree is not None and shape_for(tree) is BLUEPRINT:
            BLUEPRINT(tree, ignored)
            trees[file] = tree
    return {file: each.text for file, each in _wholes(_mappings(trees), maps).items()}


def make_release(workspace: Workspace, live: Sequence[Map], pinned: Sequence[Map]) -> Release:
    """The live maps, which let people in, and the older versions that people are still in."""
    ordered = tuple(sorted(live, key=lambda each: (-each.priority, each.name)))
    versions = {(each.name, each.version): each for each in (*pinned, *live)}
    return Release(
        workspace=workspace,
        live=ordered,
        versions=versions,
        entering=_entering(ordered),
        noticing=frozenset(
            (each.name, each.version, event_type)
            for each in versions.values()
            for event_type in _noticed(each)
        ),
        remembers=_remembered(versions.values()),
    )


def digest_of_text(text: str) -> str:
    """A map's `digest`."""
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of(documents: Mapping[str, str]) -> str:
    """Of paths and texts together, whatever their order."""
    found = hashlib.sha256()
    for file, text in sorted(documents.items()):
        for part in (file.encode(), text.encode()):
            found.update(len(part).to_bytes(8, "big") + part)
    return found.hexdigest()


def _trees(documents: Mapping[str, str], check: Check | None = None) -> dict[str, Node]:
    """Phases 1 and 2. `check` is for documents whose path does not say what they are."""
    problems = Problems()
    known = [file for file in sorted(documents) if check or _is_ours(file)]
    read = {file: read_tree(documents[file], file, problems) for file in known}
    problems.raise_if_any()
    trees = {file: tree for file, tree in read.items() if tree is not None}
    for file, tree in trees.items():
        (check or _check_for(file, tree))(tree, problems)
    for file in documents:
        if file not in read and not is_table(file):
            _check_elsewhere(read_tree(documents[file], file, Problems()), problems)
    problems.raise_if_any()
    return trees


def _is_ours(file: str) -> bool:
    return file == SETTINGS or file.startswith(("maps/", "catalogue/", "templates/"))


def _check_elsewhere(tree: Node | None, problems: Problems) -> None:
    """Other YAML in the folder is not ours, unless it looks like it."""
    for key in [key for key, _ in tree.entries] if isinstance(tree, Tree) else ():
        folder = _FOLDERS.get(key.text)
        if folder is not None:
            what = f"This looks like something of {folder}/, and stands elsewhere."
            problems.add("wrong-place", key.place, what, f"Put the file into {folder}/.")
            return


def _check_for(file: str, tree: Node) -> Check:
    match file.partition("/"):
        case ("maps", _, _):
            return shape_for(tree)
        case ("catalogue", _, _):
            return grammar.CATALOGUE
        case ("templates", _, _):
            return grammar.TEMPLATES
        case _:
            return grammar.WORKSPACE


def _is_map(file: str) -> bool:
    return file.startswith("maps/")


def _mappings(trees: Mapping[str, Node]) -> dict[str, Tree]:
    return {file: mapping(tree) for file, tree in trees.items()}


def _workspace(trees: Mapping[str, Node], documents: Mapping[str, str]) -> Workspace:
    if SETTINGS not in trees:
        what = f"There is no {SETTINGS} here."
        mend = "Add one that says at least `workspace: ...` and `timezone: ...`."
        raise MapError([Problem(SETTINGS, 1, 1, 1, "no-workspace", what, mend)])
    problems = Problems()
    workspace = build_workspace(trees, documents, digest_of(settings_of(documents)), problems)
    problems.raise_if_any()
    return workspace


def _wholes(trees: Mapping[str, Tree], documents: Mapping[str, str]) -> dict[str, Whole]:
    """By document, in order: maps as they are, and blueprints filled. Phases 1 and 2 for these."""
    problems, found = Problems(), {}
    blueprints = blueprints_of((tree for tree in trees.values() if "map" not in tree), problems)
    problems.raise_if_any()
    for file, tree in sorted(trees.items()):
        if "map" not in tree:
            continue
        is_whole = "blueprint" not in tree
        whole = Whole(tree, documents[file]) if is_whole else fill(tree, blueprints, problems)
        if whole is not None:
            found[file] = whole
    problems.raise_if_any()
    for whole in found.values():
        if whole.source:
            with _found_in(whole, problems) as own:
                grammar.MAP(whole.tree, own)
    problems.raise_if_any()
    return found


def _maps(wholes: Mapping[str, Whole], workspace: Workspace, problems: Problems) -> tuple[Map, ...]:
    """Phases 4 and 5; warnings stay in `problems`."""
    maps = {}
    _check_unique((each.tree for each in wholes.values()), problems)
    for file, whole in wholes.items():
        with _found_in(whole, problems) as found:
            maps[file] = build_map(whole.tree, whole.text, workspace, found)
    problems.raise_if_any()
    for file, whole in wholes.items():
        with _found_in(whole, problems) as found:
            check_meaning(maps[file], whole.tree, workspace, found)
    problems.raise_if_any()
    return tuple(maps.values())


@contextmanager
def _found_in(whole: Whole, problems: Problems) -> Iterator[Problems]:
    """Where problems of this map go: those in a blueprint say in which map they show."""
    if not whole.source:
        yield problems
        return
    found = Problems()
    yield found
    problems.take(found, scalar(whole.tree["map"]).text)


def _check_unique(trees: Iterable[Tree], problems: Problems) -> None:
    seen: dict[str, Place] = {}
    for tree in trees:
        name = tree["map"]
        text = getattr(name, "text", "")
        if text in seen:
            what = f'{seen[text].file} has a map "{text}" already.'
            problems.add("duplicate-name", name.place, what, "Give one of them another name.")
        seen.setdefault(text, name.place)


def _entering(live: Sequence[Map]) -> dict[str, tuple[tuple[Map, Entry], ...]]:
    found: defaultdict[str, list[tuple[Map, Entry]]] = defaultdict(list)
    for each in live:
        for entry in each.enter:
            for event_type in entry.trigger.events:
                found[event_type].append((each, entry))
    return {event_type: tuple(entries) for event_type, entries in found.items()}


def _noticed(map_: Map) -> set[str]:
    """The types of goals, exits and lines; all results where a map looks at some."""
    lines = [*map_.anywhere, *(line for stage in map_.stages.values() for line in stage.on)]
    triggers = [
        *(goal.trigger for goal in map_.goals),
        *(exit_.trigger for exit_ in map_.exits),
        *(line.trigger for line in lines),
    ]
    found = {event_type for trigger in triggers for event_type in trigger.events}
    return found | set(map(result_type, RESULTS)) if map_.tracks else found


def _remembered(maps: Iterable[Map]) -> dict[str, frozenset[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for each in maps:
        for event_type, names in each.remembers.items():
            found[event_type] |= names
    return {event_type: frozenset(names) for event_type, names in found.items()}
