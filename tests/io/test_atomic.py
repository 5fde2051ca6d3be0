"""Nothing is half written, and what cannot be written is said early."""

import errno
import os
import signal
import stat
import subprocess
import sys

import numpy as np
import pytest

from jaxbragg.io.atomic import check_writable, discard_unfinished, make_folder, together, write_atomically
from jaxbragg.io.errors import FileError


def refusal(path) -> str:
    """The reason that both functions give; they must agree."""
    with pytest.raises(FileError) as early:
        check_writable(path)
    with pytest.raises(FileError) as late:
        write_atomically(path, b"new")
    assert early.value.reason == late.value.reason
    assert late.value.path == os.fspath(path)
    return late.value.reason


def test_writes_one_piece_or_several(tmp_path):
    target = tmp_path / "a.bin"
    check_writable(target)
    assert not target.exists()
    write_atomically(target, b"whole")
    assert target.read_bytes() == b"whole"
    write_atomically(target, [b"in ", b"", bytearray(b"many "), memoryview(b"pieces")])
    assert target.read_bytes() == b"in many pieces"
    write_atomically(target, (piece for piece in [memoryview(np.arange(3, dtype=np.uint16))]))
    assert target.read_bytes() == b"\0\0\1\0\2\0"
    assert os.listdir(tmp_path) == ["a.bin"]


def test_bare_name_is_written_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check_writable("here.bin")
    write_atomically("here.bin", b"x")
    assert (tmp_path / "here.bin").read_bytes() == b"x"


def test_short_writes_are_finished(tmp_path, monkeypatch):
    true_write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: true_write(descriptor, data[:3]))
    write_atomically(tmp_path / "a", b"0123456789")
    assert (tmp_path / "a").read_bytes() == b"0123456789"


def test_permissions_follow_umask_then_the_old_file(tmp_path):
    target = tmp_path / "a"
    before = os.umask(0o027)
    try:
        write_atomically(target, b"1")
    finally:
        os.umask(before)
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    target.chmod(0o604)
    write_atomically(target, b"2")
    assert stat.S_IMODE(target.stat().st_mode) == 0o604


def test_symbolic_link_stays_a_link(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_refusals(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "file").chmod(0o444)
    (tmp_path / "sealed").mkdir(mode=0o555)
    assert refusal(tmp_path) == "is a folder, not a file"
    assert refusal(tmp_path / "none" / "a") == f"the folder {tmp_path / 'none'} does not exist"
    assert refusal(tmp_path / "file") == "the file is read-only"
    assert refusal(tmp_path / "file" / "a") == "not a directory"
    assert refusal(tmp_path / "sealed" / "a") == f"the folder {tmp_path / 'sealed'} is read-only"
    assert refusal(f"{tmp_path}/new/") == "expected a file name, but found a folder's"
    assert refusal("") == "expected a file name, but found an empty one"
    assert refusal(tmp_path / ("x" * 300)) == "file name too long"
    assert "character" in refusal("a\0b")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert sorted(os.listdir(tmp_path)) == ["file", "sealed"]


@pytest.mark.parametrize("call", ["write", "open", "close", "replace"])
def test_full_disk_leaves_the_old_file_alone(tmp_path, monkeypatch, call):
    target = tmp_path / "a.img"
    target.write_bytes(b"old")
    true_call = getattr(os, call)

    def full(*arguments, **keywords):
        if call == "close":  # a network disk may find out only now
            true_call(*arguments, **keywords)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(FileError) as caught:
            write_atomically(target, b"new")
    assert str(caught.value) == f"{target}: no space left on device"
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.img"]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, RuntimeError])
def test_interruption_leaves_no_debris(tmp_path, kind):
    def pieces():
        yield b"half"
        raise kind

    with pytest.raises(kind):
        write_atomically(tmp_path / "a", pieces())
    assert os.listdir(tmp_path) == []


def test_dev_null_is_written_straight():
    check_writable("/dev/null")
    write_atomically("/dev/null", b"gone")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_full_device_is_reported():
    with pytest.raises(FileError, match=r"^/dev/full: no space left on device$"):
        write_atomically("/dev/full", b"much")


def test_named_pipe_is_written_straight(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_atomically(tmp_path / "pipe", [b"a", b"b"])
        assert os.read(reader, 10) == b"ab"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_redirected_stdout_keeps_what_was_printed(tmp_path):
    program = (
        "from jaxbragg.io.atomic import check_writable, write_atomically as w\n"
        "print('first'); check_writable('/dev/stdout'); w('/dev/stdout', b'second\\n'); print('third')"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with open(tmp_path / "log", "wb") as log:
        subprocess.run([sys.executable, "-c", program], stdout=log, check=True, env=environment)
    assert (tmp_path / "log").read_text() == "first\nsecond\nthird\n"


# Sets ----------------------------------------------------------------------------------------------------------------


def contents(folder) -> dict[str, str]:
    return {name: (folder / name).read_text() for name in sorted(os.listdir(folder)) if (folder / name).is_file()}


def test_a_set_appears_at_its_end(tmp_path):
    (tmp_path / "a").write_text("old")
    with together():
        write_atomically(tmp_path / "a", b"new")
        with together():  # is part of the larger set
            write_atomically(tmp_path / "b", b"new")
        assert (tmp_path / "a").read_text() == "old"
        assert not (tmp_path / "b").exists()
    assert contents(tmp_path) == {"a": "new", "b": "new"}


def write_three(folder):
    with together():
        for name in "abc":
            write_atomically(folder / name, b"new")


@pytest.mark.parametrize("call", ["write", "replace"])
@pytest.mark.parametrize("good", [0, 1, 2])
def test_one_file_fails_and_none_is_written(tmp_path, monkeypatch, call, good):
    (tmp_path / "a").write_text("old a")
    (tmp_path / "c").write_text("old c")
    true_call, left = getattr(os, call), [good]

    def full(*arguments):
        left[0] -= 1
        if left[0] == -1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return true_call(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(FileError, match="no space left on device"):
            write_three(tmp_path)
    assert contents(tmp_path) == {"a": "old a", "c": "old c"}


def write_and_then(folder, names, last):
    with together():
        make_folder(folder)
        for name in names:
            write_atomically(folder / name, b"new")
        last()


def interrupt():
    raise KeyboardInterrupt


def test_what_becomes_unwritable_in_the_meantime_stops_the_set(tmp_path):
    with pytest.raises(FileError, match="b: is a folder, not a file"):
        write_and_then(tmp_path, "ab", (tmp_path / "b").mkdir)
    assert contents(tmp_path) == {}


def test_a_folder_goes_with_its_set(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write_and_then(tmp_path / "x" / "y", "a", interrupt)
    assert os.listdir(tmp_path) == []
    write_and_then(tmp_path / "x" / "y", "a", int)
    assert contents(tmp_path / "x" / "y") == {"a": "new"}
    with pytest.raises(FileError, match="expected a folder, but found a file"):
        make_folder(tmp_path / "x" / "y" / "a")
    with pytest.raises(KeyboardInterrupt):
        write_and_then(tmp_path / "x" / "z", "", interrupt)
    assert os.listdir(tmp_path / "x") == ["y"]  # which was there before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_among_the_renames_comes_after_them(tmp_path, monkeypatch, number):
    class Came(Exception):
        pass

    def come(number, frame):
        raise Came

    before = signal.signal(number, come)
    true_replace = os.replace

    def replace(*arguments):
        signal.raise_signal(number)
        true_replace(*arguments)

    try:
        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", replace)
            with pytest.raises(Came):
                write_three(tmp_path)
        assert signal.getsignal(number) is come
    finally:
        signal.signal(number, before)
    assert contents(tmp_path) == {"a": "new", "b": "new", "c": "new"}


def test_a_process_that_ends_leaves_nothing_unfinished(tmp_path):
    def end():
        assert len(os.listdir(tmp_path)) == 1
        with discard_unfinished():
            assert os.listdir(tmp_path) == []
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_and_then(tmp_path, "a", end)
