"""`wayline dev` as somebody uses it who has just installed Wayline."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from aiokafka import AIOKafkaProducer

from console.examples import example
from console.instances import running_variables
from tests.e2e.world import eventually

pytestmark = pytest.mark.redis

WAYLINE = [sys.executable, "-m", "console.cli.main"]


class Dev(NamedTuple):
    """A running instance; `environ` is that of its terminals, `temporary` where it may write."""

    process: subprocess.Popen[str]
    environ: dict[str, str]
    temporary: Path

    def wayline(self, *arguments: str) -> str:
        """What a command in another terminal prints; it must succeed."""
        done = subprocess.run(
            [*WAYLINE, *arguments],
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def left_behind(self) -> list[str]:
        """Commands that still run with this instance's folder in their environment."""
        mark = str(self.temporary).encode()
        return [_command(found) for found in Path("/proc").iterdir() if mark in _environ(found)]


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Dev]:
    """An instance without traffic of its own, ready."""
    temporary = Path(tempfile.mkdtemp(prefix="wayline-test-", dir=tmp_path))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("WAYLINE_")}
    environ = clean | {"TMPDIR": str(temporary), "XDG_RUNTIME_DIR": str(temporary)}
    process = subprocess.Popen(
        [*WAYLINE, "dev", "--no-traffic"],
        env=environ | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert any("Actions, as they leave" in line for line in process.stdout), "never ready"
        yield Dev(process, environ, temporary)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_what_is_sent_by_hand_becomes_an_action(dev: Dev) -> None:
    dev.wayline("send", "--type", "member.joined", "--id", "phone=138 0013 8000", "--trait", "a=1")

    action = json.loads(dev.wayline("actions", "--from-start", "--limit", "1", "--json"))

    assert (action["map"], action["to"]) == ("welcome", {"phone": "+8613800138000"})
    assert action["content"]["text"].startswith("Welcome, friend!")


def test_a_cart_that_is_not_paid_is_remembered(dev: Dev) -> None:
    cart = ("--property", "cart_id=c1", "--property", "amount=80")
    dev.wayline("send", "--type", "cart.left", "--id", "phone=13800138000", *cart)

    action = json.loads(dev.wayline("actions", "--from-start", "--limit", "1", "--json"))
    person = json.loads(dev.wayline("show", "phone:+86 138-0013-8000", "--json"))

    assert (action["map"], action["with"]["amount"]) == ("cart-reminder", 80)
    assert person["profile"] == action["profile_id"]
    assert person["identifiers"] == {"phone": ["+8…00"]}


def test_what_send_refuses_is_not_sent(dev: Dev) -> None:
    without = _fails(dev, "send", '{"type": "joined"}')
    nobody = _fails(dev, "send", "--type", "joined", "--id", "phone=1")

    assert "no-identifier" in without
    assert "None of its identifiers says who it is: phone:1 (" in nobody
    assert dev.wayline("dlq", "ls") == ""


async def test_a_dead_letter_is_listed_shown_and_sent_again(
    dev: Dev, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", dev.environ["XDG_RUNTIME_DIR"])
    broker = running_variables()["WAYLINE_KAFKA__BOOTSTRAP"]
    async with AIOKafkaProducer(bootstrap_servers=broker) as producer:
        await producer.send_and_wait("touchpoints", b'{"type": 7}', partition=4)

    async def listed() -> int:
        return len((await asyncio.to_thread(dev.wayline, "dlq", "ls", "--json")).splitlines())

    async def count(wanted: int) -> None:
        async def there() -> bool:
            return await listed() == wanted

        await eventually(there)

    await count(1)
    shown = json.loads(dev.wayline("dlq", "show", "touchpoints.dlq/0"))
    replayed = dev.wayline("dlq", "replay", "touchpoints.dlq/0", "--json")
    await count(2)

    assert (shown["value"], shown["path"], shown["partition"]) == ('{"type": 7}', "/type", 4)
    assert json.loads(replayed) == {"sent": 1, "left_out": []}


def test_a_script_reads_what_became_of_topics_and_of_the_gate(dev: Dev) -> None:
    folder = str(example("quickstart"))
    verified = json.loads(dev.wayline("topics", "verify", folder, "--json"))
    created = json.loads(dev.wayline("topics", "create", folder, "--json"))
    held = json.loads(dev.wayline("hold", "--reason", "wrong price", "--json"))
    released = json.loads(dev.wayline("release", "--json"))

    assert verified == {"problems": []}
    assert created == {"topics": [], "cursors": [], "shards": [], "warnings": []}
    assert held == {"held": True, "shards": 12, "reason": "wrong price"}
    assert released == {"held": False, "shards": 12}


def test_a_publication_says_what_is_new_and_what_asks_for_a_restart(
    dev: Dev, tmp_path: Path
) -> None:
    shop = tmp_path / "shop"
    shutil.copytree(example("quickstart"), shop)
    same = json.loads(dev.wayline("publish", str(shop), "--json"))

    _change(shop / "templates" / "messages.yaml", "waiting", "here")
    _change(shop / "maps" / "welcome.yaml", "version: 1", "version: 2")
    texts = json.loads(dev.wayline("publish", str(shop), "--json"))
    with (shop / "wayline.yaml").open("a") as file:
        till = '{topic: till, type: order.paid, identifiers: {phone: "{{ mobile }}"}}'
        file.write(f"sources:\n  till: {till}\n")
    dev.wayline("topics", "create", str(shop))
    sources = json.loads(dev.wayline("publish", str(shop), "--json"))

    assert (same["new"], same["settings"], same["restart"]) == ([], False, False)
    assert (texts["new"], texts["settings"], texts["restart"]) == (["welcome 2"], True, False)
    assert (sources["new"], sources["settings"], sources["restart"]) == ([], True, True)


async def test_status_says_why_the_gate_is_shut(dev: Dev) -> None:
    dev.wayline("hold", "--reason", "wrong price")

    async def shut() -> bool:
        status = json.loads(await asyncio.to_thread(dev.wayline, "status", "--json"))
        return all(shard["held"] for shard in status["shards"])

    await eventually(shut)

    assert "wrong price" in dev.wayline("status")


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_nothing_is_left_behind(dev: Dev, ending: signal.Signals) -> None:
    dev.process.send_signal(ending)
    code = dev.process.wait(timeout=30)

    assert code == 0
    assert dev.left_behind() == []
    assert list(dev.temporary.iterdir()) == []


async def test_what_is_killed_takes_its_children_along(dev: Dev) -> None:
    dev.process.kill()
    dev.process.wait()

    async def alone() -> bool:
        return dev.left_behind() == []

    await eventually(alone)


def _change(file: Path, before: str, after: str) -> None:
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))


def _fails(dev: Dev, *arguments: str) -> str:
    """What a command says on stderr that is refused."""
    done = subprocess.run(
        [*WAYLINE, *arguments],
        env=dev.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def _environ(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes() if process.name.isdecimal() else b""
    except OSError:  # it ended meanwhile, or is not ours
        return b""


def _command(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
