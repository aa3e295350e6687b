"""A map of a workspace, chosen; and its picture, rendered by whoever can."""

import shutil
import subprocess
from pathlib import Path

from console.folders import read_documents
from console.refusals import CannotRun, Refused
from console.trials import workspace_of
from journeys.language.model import Map
from journeys.language.problems import nearest
from journeys.language.workspace import Compiled, compile_workspace


def the_map(path: Path, name: str | None) -> Map:
    """The map in this file, or the one of this name; raises Refused where that is not clear."""
    compiled, found = maps_at(path)
    if name is not None:
        found = tuple(each for each in compiled.maps if each.name == name)
        if not found:
            hint = nearest(name, [each.name for each in compiled.maps])
            raise Refused(f'There is no map "{name}". {hint}')
    if len(found) != 1:
        names = ", ".join(each.name for each in found or compiled.maps) or "none"
        raise Refused(f"Say which map by --map. There is: {names}.")
    return found[0]


def maps_at(path: Path) -> tuple[Compiled, tuple[Map, ...]]:
    """The workspace, and its maps or the one of this file. Raises MapError, CannotRead."""
    folder = workspace_of(path)
    compiled = compile_workspace(read_documents(folder))
    if not path.is_file():
        return compiled, compiled.maps
    file = path.resolve().relative_to(folder.resolve()).as_posix()
    pairs = zip(compiled.maps, compiled.files, strict=True)
    return compiled, tuple(map_ for map_, where in pairs if where == file)


def render(text: str, svg: Path) -> None:
    """Raises CannotRun where Mermaid's command line is missing or fails."""
    program = shutil.which("mmdc")
    if program is None:
        raise CannotRun("There is no `mmdc`. Install it: npm install -g @mermaid-js/mermaid-cli.")
    command = [program, "--input", "-", "--output", str(svg)]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    if done.returncode:
        raise CannotRun(f"mmdc failed: {done.stderr.decode(errors='replace').strip()[:300]}")
