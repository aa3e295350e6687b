"""What `wayline dev` tells a user to type next."""

from pathlib import Path

from console.developing import HINTS

README = Path(__file__).parents[3] / "README.md"


def test_dev_and_the_readme_say_the_same() -> None:
    block = "\n".join(["```", "source .venv/bin/activate", *HINTS, "```"])

    assert block in README.read_text()
