"""The workspace whose maps' tests are the rules of the language page, numbered as there."""

from pathlib import Path

from journeys.language.map_tests import MapTest, read_tests
from journeys.language.workspace import compile_workspace

FOLDER = Path(__file__).parent
DOCUMENTS = {
    str(path.relative_to(FOLDER)): path.read_text() for path in sorted(FOLDER.rglob("*.yaml"))
}
COMPILED = compile_workspace(DOCUMENTS)
TESTS = read_tests(COMPILED)


def rule_of(test: MapTest) -> int:
    """`maps/09-merge.yaml` is of rule 9."""
    return int(Path(test.file).name.partition("-")[0])
