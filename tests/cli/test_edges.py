"""The terminal as a user meets it: a real process, a pipe that closes, Ctrl-C, colour, a small window."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios

import pytest

from shapetrace import serialize
from tests.traces import linear

COMMAND = [sys.executable, "-m", "shapetrace"]


def run(*words, cwd, **environment):
    return subprocess.run(
        [*COMMAND, *map(str, words)], capture_output=True, text=True, check=False, cwd=cwd,
        env={**os.environ, **environment}, encoding="utf-8",
    )  # fmt: skip


@pytest.fixture
def trace(tmp_path):
    serialize.save(linear(), tmp_path / "trace.json")
    return tmp_path / "trace.json"


FAILING = """
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = torch.nn.Linear(8, 16), torch.nn.Linear(12, 4)
    def forward(self, x):
        return self.b(self.a(x))
"""


def test_a_failing_model_shows_what_ran_and_exits_1(tmp_path):
    (tmp_path / "net.py").write_text(FAILING)
    result = run("run", "net.py:Net", "--input", "x=2x8", "--save", "part.json", cwd=tmp_path)
    assert result.returncode == 1
    assert "[2,8]×[8,16]→[2,16]" in result.stdout
    assert "(2x16 and 12x4)" in result.stdout  # the CPU's own words, also on meta
    assert "Traceback" not in result.stderr
    assert run("run", "part.json", cwd=tmp_path).returncode == 1


def test_code_that_cannot_be_built_is_one_line_and_a_traceback_only_with_debug(tmp_path):
    (tmp_path / "net.py").write_text("def make():\n    raise ValueError('no weights')\n")
    result = run("run", "net.py:make", "--input", "1x2", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.startswith("error: ValueError: no weights")
    assert result.stderr.count("\n") == 1
    assert "Traceback" in run("--debug", "run", "net.py:make", "--input", "1x2", cwd=tmp_path).stderr


def test_a_closed_pipe_is_quiet(trace):
    with subprocess.Popen(
        [*COMMAND, "run", str(trace), "--ops"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.skipif(signal.getsignal(signal.SIGINT) is not signal.default_int_handler, reason="Ctrl-C is ignored here")
def test_ctrl_c_is_quiet_and_130(tmp_path):
    (tmp_path / "net.py").write_text("import time\nprint('ready', flush=True)\ntime.sleep(60)\n")
    with subprocess.Popen(
        [*COMMAND, "run", "net.py:Net"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == ""
        assert process.wait() == 130


def in_terminal(columns, *words, cwd, **environment):
    """What a terminal of this width receives."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    plain = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "NO_COLOR", "FORCE_COLOR", "LINES"}}
    with subprocess.Popen(
        [*COMMAND, *map(str, words)], stdin=theirs, stdout=theirs, stderr=theirs, cwd=cwd,
        env={**plain, "TERM": "xterm-256color", **environment},
    ) as process:  # fmt: skip
        os.close(theirs)
        received = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            received += part
        process.wait()
    os.close(ours)
    return received.decode()


def test_a_terminal_gets_colour_and_no_color_takes_it_away(trace):
    assert "\x1b[" in in_terminal(80, "run", trace, cwd=trace.parent)
    assert "\x1b[" not in in_terminal(80, "run", trace, cwd=trace.parent, NO_COLOR="1")


def test_a_pipe_gets_no_colour(trace):
    assert "\x1b[" not in run("run", trace, cwd=trace.parent).stdout


@pytest.mark.parametrize("columns", [80, 120])
def test_the_table_takes_the_width_of_the_terminal(trace, columns):
    lines = in_terminal(columns, "run", trace, cwd=trace.parent, NO_COLOR="1").splitlines()
    assert max(map(len, lines)) <= columns


def test_a_stream_that_knows_no_arrows_gets_them_anyway(trace):
    result = run("run", trace, cwd=trace.parent, PYTHONIOENCODING="ascii", LC_ALL="C")
    assert "→" in result.stdout
    assert result.returncode == 0


def test_an_output_folder_that_cannot_be_made_is_told_before_the_work(trace):
    (trace.parent / "taken").write_text("")
    result = run("diagram", trace, "--out", "taken", cwd=trace.parent)
    assert result.returncode == 2
    assert result.stderr == "error: cannot make the folder taken: a file has this name\n"


def test_no_arguments_show_the_help(tmp_path):
    result = run(cwd=tmp_path)
    assert "Usage" in result.stdout + result.stderr
    assert result.returncode in {0, 2}


def test_a_user_without_a_home_folder_is_served(trace):
    plain = {name: value for name, value in os.environ.items() if name not in {"HOME", "USERPROFILE", "XDG_CACHE_HOME"}}
    result = subprocess.run(
        [*COMMAND, "diagram", str(trace), "--out", "out"], cwd=trace.parent, env={**plain, "HOME": "/nowhere/at/all"},
        check=False, capture_output=True, encoding="utf-8",
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    assert list((trace.parent / "out").glob("*.svg"))


def test_a_full_disk_is_told_in_one_line(trace):
    result = run("run", trace, "--format", "json", "--save", "/dev/full", cwd=trace.parent)
    assert result.returncode == 2
    assert result.stderr == "error: cannot write /dev/full: No space left on device\n"
