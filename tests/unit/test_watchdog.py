"""The watchdog ends a process, whatever became of the place it speaks to."""

import os
import subprocess
import sys

PROGRAM = "from streams.feed.watchdog import _die; _die('nothing was finished')"


def test_a_worker_whose_terminal_was_closed_is_ended_all_the_same() -> None:
    read, write = os.pipe()
    os.close(read)

    done = subprocess.run([sys.executable, "-c", PROGRAM], stderr=write, check=False, timeout=30)
    os.close(write)

    assert done.returncode == 70


def test_a_worker_that_is_ended_says_why_and_where_it_stood() -> None:
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=30)

    assert done.returncode == 70
    assert done.stderr.startswith("watchdog: nothing was finished; exit 70\n")
    assert "_die" in done.stderr
