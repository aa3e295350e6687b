"""`wayline simulate`: lines in, what became of her out."""

from pathlib import Path

import pytest

from console.cli.main import run

from .test_trials import PASSES, workspace

STORY = """
# a cart, and what could come of it
cart.filled {cart: c1, amount: 30}
would
traits {first_name: Ann}
wait until +2d 10:00
wait
show
order.paid {cart: c1, amount: 30}
"""


def said(folder: Path, story: str, capsys: pytest.CaptureFixture[str]) -> str:
    script = folder / "story.txt"
    script.write_text(story)
    code = run(["simulate", str(workspace(folder, PASSES)), "--script", str(script)])

    assert code == 0
    return capsys.readouterr().out


def test_a_story_goes_step_by_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line.rstrip() for line in said(tmp_path, STORY, capsys).splitlines()]

    assert [line for line in lines if not line.startswith("09:00 > #")] == [
        "09:00 > cart.filled {cart: c1, amount: 30}",
        "  09:00:01     • cart.filled {cart: c1, amount: 30}",
        "  09:00:01       enters cart[c1]: waiting",
        "  she is in cart[c1]: waiting, next timer +2d 10:30",
        "09:00:01 > would",
        "  cart.filled {cart: c1} → nothing",
        "  consent.withdrawn → cart[c1] ends: unsubscribed",
        "  order.paid {cart: c1} → cart[c1]: goal ordered; cart[c1] ends: ordered",
        "  waiting until +2d 10:30 → cart[c1]: waiting → remind; cart[c1]: remind leaves by app",
        "09:00:01 > traits {first_name: Ann}",
        "  09:00:02     • profile.updated {first_name: Ann}",
        "  she is in cart[c1]: waiting, next timer +2d 10:30",
        "  known of her: first_name = Ann",
        "09:00:02 > wait until +2d 10:00",
        "  nothing happens",
        "  she is in cart[c1]: waiting, next timer +2d 10:30",
        "  known of her: first_name = Ann",
        "+2d 10:00 > wait",
        "  +2d 10:30      cart[c1]: waiting → remind",
        "  +2d 10:30      cart[c1]: remind leaves by app",
        "  she is in cart[c1]: remind, next timer +5d 10:30",
        "  known of her: first_name = Ann",
        "+2d 10:30 > show",
        "  she is in cart[c1]: remind, next timer +5d 10:30",
        "  known of her: first_name = Ann",
        "+2d 10:30 > order.paid {cart: c1, amount: 30}",
        "  +2d 10:30:01 • order.paid {cart: c1, amount: 30}",
        "  +2d 10:30:01   cart[c1]: goal ordered, worth 30",
        "  +2d 10:30:01   cart[c1] ends: ordered",
        "  she is in no map",
        "  known of her: first_name = Ann",
    ]


def test_a_touchpoint_that_only_moves_a_timer_says_until_when(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    story = "cart.filled {cart: c1, amount: 30}\nwait 26h\nwould\n"

    assert "  cart.filled {cart: c1} → the timer waits until +3d 10:30" in said(
        tmp_path, story, capsys
    )


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("cart.fild {}", 'There is no touchpoint type or word "cart.fild". Did you mean'),
        ("wait 3 days", '"3 days" is no time.'),
        ("wait", "Nothing will happen of itself"),
        ("order.paid five", "five is no mapping."),
    ],
)
def test_a_line_that_is_not_understood_ends_a_script(
    line: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "story.txt"
    script.write_text(f"{line}\n")

    assert run(["simulate", str(workspace(tmp_path, PASSES)), "--script", str(script)]) == 1
    assert why in capsys.readouterr().err


def test_help_and_quit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = said(tmp_path, "help\nquit\nwait\n", capsys)

    assert "order.paid {amount: 5}" in shown
    assert "wait\n" not in shown.splitlines()[-1]
