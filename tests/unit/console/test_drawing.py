"""`wayline draw --svg`: any program called `mmdc` on PATH is handed the drawing."""

from pathlib import Path

import pytest

from console.cli.main import run

EXAMPLE = str(Path(__file__).parents[3] / "examples" / "quickstart")
DRAW = ["draw", EXAMPLE, "--map", "welcome"]


def _put_on_path(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "mmdc"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_the_drawing_goes_to_the_renderer_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _put_on_path(tmp_path, 'test "$1 $2 $3" = "--input - --output" && cat > "$4"', monkeypatch)

    code = run([*DRAW, "--svg", str(tmp_path / "welcome.svg")])

    run(DRAW)
    assert code == 0
    assert (tmp_path / "welcome.svg").read_text() == capsys.readouterr().out


def test_without_a_renderer_it_is_said_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    code = run([*DRAW, "--svg", str(tmp_path / "welcome.svg")])

    assert code == 2
    assert "npm install -g @mermaid-js/mermaid-cli" in capsys.readouterr().err


def test_what_the_renderer_says_is_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _put_on_path(tmp_path, "echo there is no browser >&2; exit 1", monkeypatch)

    code = run([*DRAW, "--svg", str(tmp_path / "welcome.svg")])

    assert code == 2
    assert "mmdc failed: there is no browser" in capsys.readouterr().err
