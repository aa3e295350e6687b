"""The running development instance, so that other terminals find it without options.

A small file in the user's runtime folder names its addresses. It counts only while its process
lives, and only if it is the user's own: /tmp belongs to everybody.
"""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


@contextmanager
def announced(variables: Mapping[str, str]) -> Iterator[None]:
    """Lets other terminals find this instance by these WAYLINE_ variables during the block."""
    place = _place()
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = json.dumps({"pid": os.getpid(), "variables": dict(variables)})
    written = place.with_suffix(f".{os.getpid()}")
    written.touch(mode=0o600)
    written.write_text(content)
    written.replace(place)
    try:
        yield
    finally:
        if running_pid() == os.getpid():
            place.unlink(missing_ok=True)
            with suppress(OSError):  # another instance is just starting
                place.parent.rmdir()


def running_variables() -> dict[str, str] | None:
    """The variables of the instance that runs now, None if none does."""
    found = _read()
    return dict(found["variables"]) if found else None


def running_pid() -> int | None:
    """The process of the instance that runs now, None if none does."""
    found = _read()
    return int(found["pid"]) if found else None


def _place() -> Path:
    if runtime := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(runtime, "wayline", "dev.json")
    return Path(tempfile.gettempdir(), f"wayline-{os.getuid()}", "dev.json")


def _read() -> dict[str, Any] | None:
    place = _place()
    try:
        if place.parent.stat().st_uid != os.getuid():
            return None
        found: dict[str, Any] = json.loads(place.read_text())
        os.kill(int(found["pid"]), 0)
    except (OSError, ValueError, KeyError):
        return None
    return found
