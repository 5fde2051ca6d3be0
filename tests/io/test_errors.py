"""The exception itself: one line, three attributes, and it survives pickling."""

import errno
import pickle
from pathlib import Path

from jaxbragg.io.errors import FileError, reason_of


def test_message_names_file_and_line():
    error = FileError("scaled.hkl", "expected h k l F, but found 'hello'", 3)
    assert str(error) == "scaled.hkl, line 3: expected h k l F, but found 'hello'"
    assert (error.path, error.line, error.reason) == ("scaled.hkl", 3, "expected h k l F, but found 'hello'")


def test_message_without_a_line():
    error = FileError(Path("there") / "A.mat", "no such file")
    assert str(error) == f"{Path('there') / 'A.mat'}: no such file"
    assert error.line is None


def test_message_stays_on_one_line():
    assert str(FileError("two\nlines", "a\nb")) == "two lines: a b"


def test_survives_pickling():
    error = pickle.loads(pickle.dumps(FileError("a.img", "too short", 7)))
    assert (error.path, error.reason, error.line) == ("a.img", "too short", 7)


def test_reasons_in_plain_words():
    assert reason_of(FileNotFoundError(errno.ENOENT, "No such file or directory")) == "no such file"
    assert reason_of(IsADirectoryError(errno.EISDIR, "Is a directory")) == "is a folder, not a file"
    assert reason_of(PermissionError(errno.EACCES, "Permission denied")) == "permission denied"
    assert reason_of(OSError(errno.ENOSPC, "No space left on device")) == "no space left on device"
    assert reason_of(OSError("Strange")) == "strange"
    assert "character" in reason_of(ValueError("embedded null byte"))
