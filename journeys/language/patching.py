"""Documents with a JSON merge patch (RFC 7396) applied: null removes, lists replace.

The result is JSON, which is YAML too; problems in it point at the lines of that text.
"""

import json
from collections.abc import Mapping
from typing import Any

from .problems import Problems
from .tree import Mapping as Tree
from .tree import plain, read_tree


def patched(text: str, file: str, patch: Mapping[str, Any]) -> str:
    """The document with the patch applied. Raises MapError where `text` is no YAML."""
    problems = Problems()
    root = read_tree(text, file, problems)
    problems.raise_if_any()
    return json.dumps(merged(plain(root) if root else {}, patch), indent=2, ensure_ascii=False)


def merged(target: Any, patch: Any) -> Any:
    """The target with the patch applied; neither is changed."""
    if not isinstance(patch, Mapping):
        return patch
    found = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name), value)
    return found


def templates_patched(documents: Mapping[str, str], patch: Mapping[str, Any]) -> dict[str, str]:
    """The documents with templates changed where each of them stands; a new one stands apart."""
    found, left = dict(documents), dict(patch)
    for file, text in documents.items():
        if not file.startswith("templates/"):
            continue
        here = {
            name: change for name, change in left.items() if name in words(text, file, "templates")
        }
        if here:
            found[file] = patched(text, file, {"templates": here})
            left = {name: change for name, change in left.items() if name not in here}
    if left:
        found["templates/~of-the-test.yaml"] = json.dumps({"templates": left}, indent=2)
    return found


def words(text: str, file: str, section: str) -> list[str]:
    """The names in a section of a document; none where it has no such section."""
    problems = Problems()
    root = read_tree(text, file, problems)
    problems.raise_if_any()
    found = root.get(section) if isinstance(root, Tree) else None
    return found.names() if isinstance(found, Tree) else []
