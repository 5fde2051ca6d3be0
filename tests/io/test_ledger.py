"""No file is read and written in one run, whatever name it goes by."""

import os

import pytest

from jaxbragg.io import ledger
from jaxbragg.io.atomic import check_writable, write_atomically
from jaxbragg.io.errors import FileError
from jaxbragg.io.text import read_bytes


@pytest.fixture
def file(tmp_path):
    (tmp_path / "a").write_text("old")
    (tmp_path / "folder").mkdir()
    return tmp_path / "a"


def other_names(file):
    folder = file.parent
    os.symlink("a", folder / "soft")
    os.symlink("folder", folder / "door")
    os.link(file, folder / "hard")
    return [
        file,
        folder / "folder" / ".." / "a",
        folder / "soft",
        folder / "hard",
        f"{folder}/./a",
        folder / "door/../a",
    ]


def test_an_input_is_no_output(file):
    for name in other_names(file):
        with ledger.one_run():
            read_bytes(file)
            for call in (check_writable, lambda path: write_atomically(path, b"new")):
                with pytest.raises(FileError, match="this run reads this file, and would lose it") as caught:
                    call(name)
                assert caught.value.path == os.fspath(name)
        assert file.read_text() == "old"


def test_an_output_is_no_input(file):
    for name in other_names(file):
        with ledger.one_run():
            check_writable(name, "-o")
            with pytest.raises(FileError, match="-o would be written over this input: choose another name"):
                read_bytes(file)


def test_labels_are_named(file):
    with ledger.one_run():
        ledger.reading(file, "-hkl")
        assert ledger.other_use(file) == "-hkl"
        with pytest.raises(FileError, match="-hkl reads this file"):
            check_writable(file)
        check_writable(file.parent / "b", "-floatfile")
        check_writable(file.parent / "b", "-floatfile")
        write_atomically(file.parent / "b", b"new")
    with ledger.one_run():
        check_writable(file.parent / "new", "-floatfile")
        with pytest.raises(FileError, match="-floatfile and -intfile name the same file"):
            check_writable(file.parent / "folder/../new", "-intfile")
        with pytest.raises(FileError, match="-floatfile would be written over this input"):
            read_bytes(file.parent / "new")


def test_what_was_written_may_be_read_and_written_again(file):
    with ledger.one_run():
        write_atomically(file, b"new")
        assert read_bytes(file) == b"new"
        write_atomically(file, b"newer")
        assert ledger.other_use(file) is None


def test_devices_take_any_number_of_uses():
    with ledger.one_run():
        ledger.reading("/dev/null")
        check_writable("/dev/null", "-floatfile")
        check_writable("/dev/null", "-intfile")


def test_a_number_that_went_to_another_file_is_no_clash(file):
    with ledger.one_run():
        read_bytes(file)
        os.rename(file, file.parent / "b")  # same inode, another name; as if it were another file
        check_writable(file.parent / "b")


def test_runs_and_libraries_know_nothing_of_each_other(file):
    with ledger.one_run():
        read_bytes(file)
    with ledger.one_run():
        check_writable(file)
    read_bytes(file)
    write_atomically(file, b"new")
    assert ledger.other_use(file) is None
    assert file.read_text() == "new"
