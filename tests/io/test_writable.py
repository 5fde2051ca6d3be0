"""A folder that need not exist yet; single files are in test_atomic, beside the writing that must agree."""

import os

import pytest

from jaxbragg.io import ledger
from jaxbragg.io.errors import FileError
from jaxbragg.io.text import read_bytes
from jaxbragg.io.writable import check_folder


def test_nothing_is_made(tmp_path):
    check_folder(tmp_path / "x" / "y", ["a"])
    check_folder(tmp_path, ["a"])
    assert os.listdir(tmp_path) == []


def test_refusals(tmp_path):
    (tmp_path / "file").write_text("old")
    (tmp_path / "a").mkdir()
    (tmp_path / "sealed").mkdir(mode=0o555)
    for folder, reason in (
        ("file", "expected a folder, but found a file"),
        ("file/x", f"{tmp_path}/file is not a folder"),
        ("sealed/x/y", f"the folder {tmp_path}/sealed is read-only"),
        (".", "is a folder, not a file"),
    ):
        with pytest.raises(FileError) as caught:
            check_folder(tmp_path / folder, ["a"])
        assert caught.value.reason == reason


def test_a_folder_with_an_input(tmp_path):
    (tmp_path / "a").write_text("old")
    with ledger.one_run():
        read_bytes(tmp_path / "a")
        with pytest.raises(FileError, match="this run reads this file"):
            check_folder(tmp_path, ["b", "a"])
