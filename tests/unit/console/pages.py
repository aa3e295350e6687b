"""The designers' pages, done as they say: files written, words changed, commands run.

In `path`: before a block writes it, "at the end" adds to it, "`a` becomes `b`" changes it; a `diff`
changes the file that was written last until the next one; a `console` block has commands and what
they print. `python -m tests.unit.console.pages` writes what
they print anew; read the difference.
"""

import io
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from console.cli.main import run

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs" / "designers"
PAGES = ("first-map.md", "editor.md", "slips.md", "backtest.md", "../../README.md")

_STEP = re.compile(
    r"^In `(?P<file>[^`]+)`(?P<more>, at the end)?:\n\n```\w+\n(?P<body>.*?)^```$"
    r"|^In `(?P<changed>[^`]+)`, `(?P<old>[^`]+)` becomes `(?P<new>[^`]+)`\.$"
    r"|^```diff\n(?P<diff>.*?)^```$"
    r"|^```console\n(?P<console>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A console block: as it stands in the page, and as the commands print it now."""

    written: str
    printed: str


def followed(page: str, folder: Path) -> list[Shown]:
    """Does what the page says, in this folder."""
    found, last, body = [], Path(), ""
    with _inside(folder):
        for step in _STEP.finditer(page):
            if step["diff"] is not None:
                last.write_text(_patched(body, step["diff"]))
            elif step["console"] is not None:
                found.append(Shown(step["console"], _printed(step["console"])))
            elif step["changed"] is not None:
                _change(Path(step["changed"]), step["old"], step["new"])
            else:
                last, body = Path(step["file"]), step["body"]
                _write(last, body, append=bool(step["more"]))
    return found


def anew(page: str, folder: Path) -> str:
    """The page with what the commands print now."""
    shown = iter(followed(page, folder))

    def replaced(step: re.Match[str]) -> str:
        if step["console"] is None:
            return step[0]
        return f"```console\n{next(shown).printed}```"

    return _STEP.sub(replaced, page)


def _printed(block: str) -> str:
    commands = [line for line in block.splitlines() if line.startswith("$ ")]
    return "\n".join(f"{line}\n{_run(line[2:])}".rstrip() for line in commands) + "\n"


def _run(command: str) -> str:
    words = shlex.split(command)
    if words[0] == "cp":
        shutil.copytree(ROOT / words[2], words[3])
        return ""
    if words[0] == "mkdir":
        Path(words[1]).mkdir()
        return ""
    target = words[words.index(">") + 1] if ">" in words else None
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out):
        run(words[1 : words.index(">")] if target else words[1:])
    if target is None:
        return out.getvalue()
    Path(target).write_text(out.getvalue())
    return ""


def _write(path: Path, body: str, *, append: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text() if append else ""
    path.write_text(before + body)


def _patched(text: str, diff: str) -> str:
    lines = diff.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if line[0] == "-")
    assert text.count(old) == 1, f"{old!r} stands there {text.count(old)} times"
    return text.replace(old, "".join(line[1:] for line in lines if line[0] == "+"))


def _change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, f"{path} has {old} {text.count(old)} times"
    path.write_text(text.replace(old, new))


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _accept() -> None:
    for name in PAGES:
        with tempfile.TemporaryDirectory() as folder:
            path = DOCS / name
            path.write_text(anew(path.read_text(), Path(folder)))


if __name__ == "__main__":
    _accept()
