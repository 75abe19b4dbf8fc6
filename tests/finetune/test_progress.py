"""What a person sees on a terminal, and what a log gets."""

import os
import pty
import subprocess
import sys
import termios

import pytest

from finetune.progress import Progress, track

WORK = """
import finetune.progress as progress
progress.SECONDS_BETWEEN_LINES = {seconds}
with progress.Progress("train", 3, unit="step") as shown:
    for step in (1, 2, 3):
        shown.advance_to(step, note=f"loss {{step}}")
        progress.say(f"said {{step}}")
assert list(progress.track("abc", "copy", 3)) == ["a", "b", "c"]
"""


def in_a_log(seconds: float) -> str:
    done = subprocess.run(
        [sys.executable, "-c", WORK.format(seconds=seconds)], capture_output=True, text=True, check=True
    )
    assert done.stdout == ""
    return done.stderr


def on_a_terminal() -> str:
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (24, 100))
    process = subprocess.Popen([sys.executable, "-c", WORK.format(seconds=10)], stderr=slave)
    os.close(slave)
    output = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # how a terminal ends on Linux
            break
        if not chunk:
            break
        output += chunk
    os.close(master)
    assert process.wait() == 0
    return output.decode()


def test_a_log_gets_plain_lines_only() -> None:
    log = in_a_log(0)
    assert all(character.isprintable() or character == "\n" for character in log)
    lines = log.splitlines()
    assert lines[0].startswith("train: 1 of 3 steps, ")
    assert lines[0].endswith("/s, 00:00 left, loss 1")
    assert lines[1] == "said 1"
    assert lines[-1].startswith("copy: 3 of 3 ids in 0.")


def test_a_log_gets_no_line_for_every_item() -> None:
    lines = in_a_log(10).splitlines()
    assert len(lines) == 5
    assert lines[3].startswith("train: 3 of 3 steps in ")


def test_a_terminal_gets_a_bar_and_lines_above_it() -> None:
    screen = on_a_terminal()
    assert "train:   0%|" in screen
    assert "\r" in screen
    assert "said 2" in screen
    assert "train: 3 of 3 steps in " in screen


def test_a_line_says_count_rate_and_time_left() -> None:
    progress = Progress("copy", 10_000)
    progress.advance_to(2_000)
    assert progress.line(4) == "copy: 2,000 of 10,000 ids, 500.0/s, 00:16 left"
    assert progress.line(4_000) == "copy: 2,000 of 10,000 ids, 0.5/s, 4:26:40 left"
    assert Progress("copy", 0).line(0) == "copy: 0 of 0 ids, 0.0/s"
    assert Progress("copy", 1).line(0) == "copy: 0 of 1 id, 0.0/s"


def test_work_that_fails_says_how_far_it_came(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="third"):
        for item in track(range(5), "copy", 5):
            if item == 2:
                raise ValueError("third")
    assert capsys.readouterr().err.startswith("copy: broken off after 2 of 5 ids in ")


UNREAD = """
import sys
import finetune.progress as progress
sys.stdin.read()
progress.say("nobody reads this")
progress.say("nor this")
print("went on")
"""


def test_work_goes_on_when_nobody_reads_stderr_any_more() -> None:
    read, write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", UNREAD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=write, text=True
    )
    os.close(write)
    os.close(read)
    assert process.communicate("")[0] == "went on\n"
    assert process.returncode == 0
