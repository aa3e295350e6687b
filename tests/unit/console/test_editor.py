"""What a designer's editor says, by the language server that VS Code and others use."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from console.cli.main import run
from journeys.language.json_schema import ROOTS, schema_of
from tests.unit.replay.benches import documents

from .language_server import Server, language_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

EXAMPLES = Path(__file__).parents[3] / "examples"
GLOBS = {
    "map": "maps/*.yaml",
    "workspace": "wayline.yaml",
    "catalogue": "catalogue/*.yaml",
    "templates": "templates/*.yaml",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("schemas")
    for kind in ROOTS:
        (folder / f"{kind}.json").write_bytes(orjson.dumps(schema_of(kind)))
    with language_server({str(folder / f"{k}.json"): glob for k, glob in GLOBS.items()}) as found:
        yield found


def test_shipped_examples_have_nothing_underlined(server: Server) -> None:
    files = [
        path
        for folder in EXAMPLES.iterdir()
        if (folder / "wayline.yaml").exists()
        for path in folder.rglob("*.yaml")
    ]

    assert files
    assert {str(f): said for f in files if (said := server.complaints(f))} == {}


def test_a_slip_is_underlined_and_words_are_offered(server: Server, tmp_path: Path) -> None:
    map_ = tmp_path / "maps" / "cart.yaml"
    map_.parent.mkdir()
    text = documents("name: none\nexpect: {}")["maps/cart.yaml"]
    map_.write_text(text.replace("reentry:", "reentri:"))

    assert server.complaints(map_) == ["Property reentri is not allowed."]
    end = len(map_.read_text().splitlines())
    assert {"anywhere", "reentry"} <= set(server.completions(map_, end, 0))


@pytest.mark.parametrize("what", [*ROOTS, "touchpoint", "action", "transition"])
def test_a_schema_is_printed(what: str, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run(["schema", what]) == 0
    assert orjson.loads(capsysbinary.readouterr().out)["type"] == "object"


def test_an_unknown_schema_is_refused_with_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schema", "mapp"]) == 1
    assert 'Did you mean "map"?' in capsys.readouterr().err
