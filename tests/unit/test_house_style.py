"""What no linter knows of the style: names, sizes, and where names that last may stand."""

import ast
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "journeys", "streams", "console")
VAGUE = {"utils", "util", "helpers", "common", "misc", "base", "types", "manager", "managers"}
LONGEST = 400  # lines of a file

TOPIC = re.compile(
    r"^(touchpoints\.import|wayline\.(cursors|maps)|journey\.transitions"
    r"|identity\.merges|actions\..+|.+\.dlq)$"
)
REDIS_KEY = re.compile(r"^id:(i|p|outbox|valid|beat|key)\b|\{s\d*\}?:|:(meta|due|gate|counts)\b")

HANDS_ON = {"fail", "_fenced_by"}
"""What a broad handler may call instead of raising: the worker ends, or takes over again."""
OUTCOMES = ["journeys/engine/stuck.py"]
"""Here an exception is an outcome: that instance is stuck, all others go on."""


def _sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    """The string literals of a file, but not its docstrings (texts that stand alone)."""
    tree = ast.parse(path.read_text())
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.lineno, node.value


def _literals(pattern: re.Pattern[str], home: str) -> list[str]:
    return [
        f"{_named(path)}:{line}: {text!r}"
        for path in _sources(*PACKAGES)
        if _named(path) != home
        for line, text in _texts(path)
        if pattern.search(text)
    ]


def test_no_module_has_a_name_that_says_nothing() -> None:
    vague = [_named(path) for path in _sources(*PACKAGES, "tests") if path.stem in VAGUE]

    assert vague == []


def test_no_file_is_longer_than_a_reader_bears() -> None:
    lengths = {
        _named(path): len(path.read_text().splitlines())
        for path in _sources(*PACKAGES, "tests", "benchmarks")
    }

    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        _named(path)
        for path in _sources(*PACKAGES)
        if ast.get_docstring(ast.parse(path.read_text())) is None
    ]

    assert silent == []


def test_topic_names_stand_in_one_file() -> None:
    assert _literals(TOPIC, "schemas/topics.py") == []


def test_redis_keys_stand_in_one_file() -> None:
    assert _literals(REDIS_KEY, "streams/keys.py") == []


def test_scripts_name_no_key() -> None:
    scripts = list((ROOT / "streams").rglob("*.lua"))
    named = [script.name for script in scripts if re.search(r"['\"](id:|\{s)", script.read_text())]

    assert scripts
    assert named == []


def test_what_is_caught_broadly_is_handed_on() -> None:
    swallowed = [
        _named(path)
        for path in _sources(*PACKAGES)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler) and _is_broad(node) and not _hands_on(node)
    ]

    assert swallowed == OUTCOMES


def _is_broad(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or (
        isinstance(handler.type, ast.Name) and handler.type.id in ("Exception", "BaseException")
    )


def _hands_on(handler: ast.ExceptHandler) -> bool:
    return any(
        isinstance(node, ast.Raise)
        or (isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in HANDS_ON)
        for node in ast.walk(handler)
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    # The build backend of this environment: a test must not depend on a registry.
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_the_wheel_holds_scripts_and_maps(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    kept = [
        _named(path)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.suffix in (".lua", ".yaml") or path.name == "py.typed"
    ]

    assert [name for name in kept if name not in names] == []
    assert any(name.endswith(".lua") for name in kept)


@pytest.mark.slow
def test_the_wheel_starts_from_any_folder(wheel: Path, tmp_path: Path) -> None:
    unpacked = tmp_path / "unpacked"
    zipfile.ZipFile(wheel).extractall(unpacked)
    # -P and the path put first: what runs is the wheel, not the checkout it was built from.
    start = f"import sys; sys.path.insert(0, {str(unpacked)!r}); import console.cli.main as m; "
    where = "assert m.__file__.startswith(sys.path[0]); sys.argv = ['wayline', '--help']; m.main()"
    run = subprocess.run(
        [sys.executable, "-P", "-c", start + where],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert "demo" in run.stdout
