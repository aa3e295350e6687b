"""The rules of identity in a workspace's settings, checked with the places of their mistakes.

The language hands them on unread: it knows nothing of identity, nor identity of files.
"""

from collections.abc import Mapping

from journeys.identity.config import IdentityConfigError, identity_config
from journeys.language.problems import Code, Place, Problems
from journeys.language.settings import SETTINGS
from journeys.language.tree import Mapping as Tree
from journeys.language.tree import Node, plain, read_tree


def check_identity(documents: Mapping[str, str]) -> None:
    """Raises MapError with every mistake in the `identity` of a workspace that compiles."""
    problems = Problems()
    tree = read_tree(documents.get(SETTINGS, ""), SETTINGS, problems)
    node = tree.get("identity") if isinstance(tree, Tree) else None
    if node is None or not isinstance(node, Tree):
        return
    try:
        identity_config(plain(node))
    except IdentityConfigError as wrong:
        for problem in wrong.problems:
            code = _code(problem.what)
            place = _place(node, problem.path, of_word=code == "unknown-word")
            problems.add(code, place, f"{problem.path}: {problem.what}", problem.mend)
    problems.raise_if_any()


def _place(node: Tree, path: str, *, of_word: bool) -> Place:
    """Of what stands at the end of a path, or of the last word of it that was written.

    Words have dots.
    """
    found, here = node.place, node
    rest = path
    while rest:
        word = max((w for w in here.names() if f"{rest}.".startswith(f"{w}.")), key=len, default="")
        if not word:
            return found
        found, rest = here.key(word).place, rest[len(word) + 1 :]
        below: Node = here[word]
        if not isinstance(below, Tree):
            return found if rest or of_word else below.place
        here = below
    return found


def _code(what: str) -> Code:
    if what.startswith("Unknown"):
        return "unknown-word"
    return "missing-word" if what == "It is missing." else "wrong-shape"
