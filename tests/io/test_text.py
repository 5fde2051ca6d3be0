"""What the readers share."""

import pytest

from jaxbragg.io import text
from jaxbragg.io.errors import FileError
from jaxbragg.io.text import check_regular, quoted, read_bytes, read_claimed, read_text, rows, size_of, to_float


def failure(path, read=read_text) -> FileError:
    with pytest.raises(FileError) as caught:
        read(path)
    return caught.value


def test_missing_folder_empty_and_unspeakable(tmp_path):
    (tmp_path / "empty").touch()
    for read in (read_bytes, read_text):
        assert failure(tmp_path / "nowhere", read).reason == "no such file"
        assert failure(tmp_path, read).reason == "is a folder, not a file"
        assert failure(tmp_path / "empty", read).reason == "the file is empty"
        assert "character" in failure("a\0b", read).reason
        assert failure("x" * 5000, read).reason == "file name too long"


def test_read_bytes_stops_where_told(tmp_path):
    (tmp_path / "a").write_bytes(b"0123456789")
    assert read_bytes(tmp_path / "a", 4) == b"0123"


def test_no_more_is_read_than_claimed(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "_HEAD", 4)
    monkeypatch.setattr(text, "_PIECE", 2)
    (tmp_path / "a").write_bytes(b"0123456789")
    for claimed in (0, 3, 4, 7, 9, 10, 11, 10**18):
        content = read_claimed(tmp_path / "a", lambda head, claimed=claimed: claimed if head == b"0123" else -1)
        assert content == b"0123456789"[: claimed + 1]
        assert size_of(tmp_path / "a", content) == 10


def test_what_has_no_end_is_refused(monkeypatch):
    monkeypatch.setattr(text, "LARGEST", 1 << 20)
    reason = "expected at most 0 GiB, but the file is longer, or has no end"
    assert failure("/dev/zero", read_bytes).reason == reason
    zero = failure("/dev/zero")
    assert (zero.reason, zero.line) == ("expected text, but found a zero byte", 1)


def test_text_that_has_no_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(text, "LARGEST_TEXT", 1 << 20)
    (tmp_path / "a").write_text("1 0 0 10\n" * 120_000)
    assert failure(tmp_path / "a").reason == "expected at most 0 GiB, but the file is longer, or has no end"


def test_a_hole_of_a_file_takes_no_memory(tmp_path):
    with open(tmp_path / "a", "wb") as file:
        file.truncate(1 << 40)
    assert failure(tmp_path / "a").reason == "expected text, but found a zero byte"
    assert len(read_claimed(tmp_path / "a", lambda head: 1000)) == 1001


def test_other_libraries_open_files_on_disks(tmp_path):
    (tmp_path / "a").write_bytes(b"0")
    check_regular(tmp_path / "a")
    for path, wanted in (("/dev/zero", "but found a device or a pipe"), (tmp_path, "is a folder"), ("b", "no such")):
        with pytest.raises(FileError, match=wanted):
            check_regular(path)


def test_every_line_end_counts_once(tmp_path):
    (tmp_path / "a").write_bytes(b"one\r\ntwo\rthree\n\nfive")
    assert list(rows(read_text(tmp_path / "a"))) == [(1, ["one"]), (2, ["two"]), (3, ["three"]), (5, ["five"])]


def test_byte_order_mark_is_dropped(tmp_path):
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbf1 2")
    assert read_text(tmp_path / "a") == "1 2"


def test_wrong_encoding_names_line_and_byte(tmp_path):
    (tmp_path / "a").write_bytes("1 2 3\r\n# Ångström\n".encode("latin-1"))
    error = failure(tmp_path / "a")
    assert (error.line, error.reason) == (2, "expected text in UTF-8, but found the byte 0xc5")


def test_binary_is_not_text(tmp_path):
    (tmp_path / "a").write_bytes(b"1\n2\n\0")
    error = failure(tmp_path / "a")
    assert (error.line, error.reason) == (3, "expected text, but found a zero byte")


def test_rows_drop_comments_and_blanks():
    assert list(rows("# all\n\n 1 2 # rest\n   \n3#4")) == [(3, ["1", "2"]), (5, ["3"])]


def test_to_float_takes_what_c_takes():
    assert to_float("-1.5e-3") == -1.5e-3
    assert [to_float(word) for word in ("1_000", "١", "x", "", "1,5", "0x10")] == [None] * 6


def test_quoted_is_short():
    assert quoted(["a", "b"]) == "'a b'"
    assert quoted("y" * 100) == repr("y" * 57 + "...")
