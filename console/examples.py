"""The examples that come with Wayline: in a checkout, or inside the wheel."""

from pathlib import Path

_CHECKOUT = Path(__file__).parent.parent / "examples"
_WHEEL = Path(__file__).parent / "examples"


def example(name: str) -> Path:
    """The folder of an example; raises FileNotFoundError where it was left out."""
    for folder in (_CHECKOUT / name, _WHEEL / name):
        if (folder / "wayline.yaml").exists():
            return folder
    raise FileNotFoundError(f"The example {name} was left out of this installation.")
