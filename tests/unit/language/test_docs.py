"""The examples of docs/designers/language.md are compiled, so that the page cannot lie."""

import re
from pathlib import Path

from journeys.language.signatures import SIGNATURES
from journeys.language.workspace import compile_workspace

PAGE = (Path(__file__).parents[3] / "docs" / "designers" / "language.md").read_text()


def test_the_examples_of_the_page_are_one_good_folder() -> None:
    settings, catalogue, templates, map_, moments, blueprint, filled = re.findall(
        r"```yaml\n(.*?)```", PAGE, re.DOTALL
    )
    samples = "  sample.sent: {properties: {sample_id: text}}\n"
    samples += "  sample.delivered: {properties: {sample_id: text}}\n"
    compiled = compile_workspace(
        {
            "wayline.yaml": settings,
            "catalogue/events.yaml": catalogue.replace("traits:", samples + "traits:"),
            "templates/texts.yaml": templates,
            "maps/sample.yaml": map_,
            "maps/moments.yaml": moments,
            "maps/thanks.yaml": blueprint,
            "maps/much.yaml": filled,
        }
    )

    names = {each.name for each in compiled.maps}
    assert names == {"thanks-for-much", "sample-follow-up", "each-in-her-time"}


def test_the_page_names_every_function() -> None:
    written = set(re.findall(r"`(\w+)\(", PAGE))

    assert set(SIGNATURES) <= written
