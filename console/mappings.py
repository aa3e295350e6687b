"""What the rows of a file mean, by a source of the workspace or by a file of its own."""

import os
from collections.abc import Mapping as Entry
from pathlib import Path
from typing import Any

from console.importing import mapping_for
from console.refusals import Refused
from journeys.identity.config import DEMO_KEY
from journeys.language.model import Workspace
from journeys.language.problems import Problems
from journeys.language.tree import Mapping as Tree
from journeys.language.tree import plain, read_tree
from schemas.intake import Mapping, compile_mapping
from schemas.intake.mapped import MappingError
from streams.settings import load_settings

_FILES = (".yaml", ".yml")


def mapping_of(file: Path, workspace: Workspace, named: str | None) -> Mapping | None:
    """The mapping in a YAML file, of a named source, or of the source with this file's name.

    None: the rows are touchpoints already. Raises Refused, and MapError for a file that is no
    YAML.
    """
    if named is None or not named.endswith(_FILES):
        return mapping_for(file, workspace, named)
    path = Path(named)
    try:
        return compile_mapping(path.stem, _entry(path), workspace.zone)
    except MappingError as error:
        raise Refused(f"{named}: {error}") from None


def key_of() -> bytes:
    """The workspace's key where the environment has it, so that arms and holdouts are those of
    the people in it; else that of demonstrations."""
    if "WAYLINE_IDENTITY_KEY" in os.environ:
        return load_settings().secret_identity_key()
    return DEMO_KEY


def _entry(path: Path) -> Entry[str, Any]:
    problems = Problems()
    try:
        tree = read_tree(path.read_text("utf-8-sig"), str(path), problems)
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path} cannot be read: {error}.") from None
    problems.raise_if_any()
    if not isinstance(tree, Tree):
        raise Refused(f"{path} holds no mapping: write what would stand under its source's name.")
    found: Entry[str, Any] = plain(tree)
    return found
