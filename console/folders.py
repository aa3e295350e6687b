"""A workspace folder as documents: relative path -> text."""

from pathlib import Path

from journeys.language.stores import files_named

MAX_BYTES = 1 << 20
"""More than this of one file is not read; the compiler refuses it by its length."""


class CannotRead(Exception):
    """A file or folder that was named cannot be used; the message says why."""


def read_documents(folder: Path) -> dict[str, str]:
    """Every YAML file of the workspace, in order of paths, and the files that its settings name;
    hidden folders are left out.

    Raises CannotRead for a folder without `wayline.yaml`, and for text that is no UTF-8.
    """
    if not folder.is_dir():
        raise CannotRead(f"{folder} is no folder. Name the folder that holds wayline.yaml.")
    if not (folder / "wayline.yaml").is_file():
        raise CannotRead(f"{folder} holds no wayline.yaml, so it is no workspace.")
    found = sorted(p for p in folder.rglob("*") if p.suffix in (".yaml", ".yml") and p.is_file())
    inside = [(path, path.relative_to(folder)) for path in found]
    documents = {
        name.as_posix(): _text(path)
        for path, name in inside
        if not any(part.startswith(".") for part in name.parts)
    }
    named = [name for name in files_named(documents["wayline.yaml"]) if (folder / name).is_file()]
    return documents | {name: _text(folder / name) for name in named}


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CannotRead(
            f"{path} is not UTF-8 (byte {error.start}). Save it again as UTF-8."
        ) from None
    except OSError as error:
        raise CannotRead(f"{path} cannot be read: {error.strerror}.") from None
