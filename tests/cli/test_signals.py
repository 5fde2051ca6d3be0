"""How a signal ends a command that computes or writes for hours, each in a process of its own."""

import os
import signal
import subprocess
import sys

import pytest

MAIN = "import sys; from jaxbragg.cli import main; sys.exit(main(sys.argv[1:]))"
# Years of work, in one step where no progress bar asks for several.
LONG = "-cell 40 40 55 90 90 90 -default_F 100 -N 5 -distance 100 -detpixels 2000 -oversample 2000 -floatfile a.bin"
# Writes half of a file, and is stuck in C from then on, where Python sees no signal.
STUCK = """
import hashlib, os, sys
from jaxbragg.cli import main
true_write = os.write
def write(descriptor, data):
    done = true_write(descriptor, data)
    print("writing", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)
    return done
from jaxbragg.io import atomic
atomic.os = type(os)("os"); vars(atomic.os).update(vars(os)); atomic.os.write = write
sys.exit(main(sys.argv[1:]))
"""
SMALL = "-cell 40 40 55 90 90 90 -default_F 100 -N 5 -distance 100 -detpixels 8 -oversample 1 -floatfile a.bin --quiet"


def end(folder, program, line, mark, number):
    """Exit status, and what stderr has, of a process that gets a signal once it prints a line."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(os.path.abspath(path) for path in sys.path if path),
        "PYTHONUNBUFFERED": "1",
        "JAXBRAGG_CACHE": "off",
    }
    words = [sys.executable, *program, *line.split()]
    with subprocess.Popen(
        words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            assert any(text.strip().startswith(mark) for text in process.stdout)
            process.send_signal(number)
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    return process.returncode, said


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (signal.SIGINT, "interrupted: nothing is half written"),
        (signal.SIGTERM, "ended by SIGTERM: nothing is half written"),
    ],
)
def test_a_long_computation_ends_where_there_is_no_terminal(tmp_path, number, said):
    status, errors = end(tmp_path, ["-c", MAIN], LONG, "precision", number)
    assert (status, errors.splitlines()[-1]) == (128 + number, f"jaxbragg: {said}")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_file_that_is_half_written_goes(tmp_path, number):
    (tmp_path / "a.bin").write_text("old")
    status, errors = end(tmp_path, ["-c", STUCK], SMALL, "writing", number)
    assert (status, errors.splitlines()[-1].endswith("nothing is half written")) == (128 + number, True)
    assert os.listdir(tmp_path) == ["a.bin"]
    assert (tmp_path / "a.bin").read_text() == "old"
