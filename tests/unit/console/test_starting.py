"""What runs for the time of a block ends with it, whatever asked for the end."""

import signal
import subprocess
import sys

import pytest

PROGRAM = """
import signal
from console.starting import ended_by_signals
try:
    with ended_by_signals():
        print("running", flush=True)
        while True:
            signal.pause()
except KeyboardInterrupt:
    print("ended", flush=True)
"""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_block_ends_though_a_shell_started_it_in_the_background(ending: signal.Signals) -> None:
    behind = ["/bin/sh", "-c", 'trap "" INT; exec "$@"', "sh", sys.executable, "-c", PROGRAM]

    with subprocess.Popen(behind, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        began = process.stdout.readline()
        process.send_signal(ending)
        said = process.stdout.read()

    assert (began, said) == ("running\n", "ended\n")
