"""Where compilations are kept, that they are found again, and that no state of the folder harms a run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jaxbragg.cli.cache import cache_folder, machine, open_cache, prune

HOME = os.path.expanduser("~")
CELL = ["-cell", "40", "40", "55", "90", "90", "90"]
FLAGS = [*CELL, "-default_F", "100", "-N", "5", "-lambda", "1", "-detpixels", "12", "--quiet"]
ONE = [*FLAGS, "-distance", "100", "-misset", "1", "2", "3", "-floatfile", "one.bin"]
OTHER = [*FLAGS, "-distance", "123", "-misset", "40", "50", "60", "-floatfile", "other.bin"]

# What the command line runs, and which events JAX counted in it.
PROGRAM = """
import json, sys
from jaxbragg.cli import main, start
prepared = start.prepare_jax
counts = {}
def prepare_and_count(*arguments, **more):
    prepared(*arguments, **more)
    import jax
    jax.monitoring.register_event_listener(lambda name, **_: counts.update({name: counts.get(name, 0) + 1}))
sys.modules["jaxbragg.cli"].prepare_jax = prepare_and_count
status = main(sys.argv[2:])
import jax
counts["folder"] = jax.config.jax_compilation_cache_dir
with open(sys.argv[1], "w") as file:
    json.dump(counts, file)
sys.exit(status)
"""
HITS, MISSES = "/jax/compilation_cache/cache_hits", "/jax/compilation_cache/cache_misses"


def start(words: list[str], folder: Path, **variables: str) -> subprocess.Popen[str]:
    """A command line in a process of its own, which begins in that folder."""
    usual = {name: value for name, value in os.environ.items() if not name.startswith(("JAX", "XLA", "TF_CPP"))}
    path = os.pathsep.join(path for path in sys.path if path)
    report = str(folder / f"{words[-1]}.json")
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, report, *words],
        cwd=folder,
        env={**usual, "PYTHONPATH": path, "JAX_PLATFORMS": "cpu", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str], folder: Path, words: list[str]) -> dict[str, int]:
    """JAX's events in it; it must have succeeded without a word."""
    out, err = process.communicate(timeout=300)
    assert (process.returncode, out, err) == (0, "", "")
    return json.loads((folder / f"{words[-1]}.json").read_text(encoding="utf-8"))


def run(words: list[str], folder: Path, **variables: str) -> dict[str, int]:
    return finish(start(words, folder, **variables), folder, words)


def entries(cache: Path) -> dict[str, int]:
    """Sizes of the entries by name."""
    return {path.name: path.stat().st_size for path in cache.glob("*/*-cache")}


@pytest.mark.parametrize(
    ("system", "environment", "folder"),
    [
        ("linux", {}, f"{HOME}/.cache/jaxbragg"),
        ("linux", {"XDG_CACHE_HOME": "/var/quick"}, "/var/quick/jaxbragg"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, f"{HOME}/.cache/jaxbragg"),  # as the XDG standard says
        ("darwin", {"XDG_CACHE_HOME": "/var/quick"}, f"{HOME}/Library/Caches/jaxbragg"),
        ("win32", {"LOCALAPPDATA": "/Users/me/AppData/Local"}, "/Users/me/AppData/Local/jaxbragg"),
        ("linux", {"JAXBRAGG_CACHE": "/scratch/mine", "XDG_CACHE_HOME": "/var/quick"}, "/scratch/mine"),
        ("win32", {"JAXBRAGG_CACHE": "~/mine"}, f"{HOME}/mine"),
        *[("linux", {"JAXBRAGG_CACHE": word}, None) for word in ("off", "OFF", "0", "")],
    ],
)
def test_the_folder_is_the_one_that_is_documented(system, environment, folder):
    assert cache_folder(environment, system) == folder


def test_the_folder_of_jax_goes_before(tmp_path):
    chosen = {"JAX_COMPILATION_CACHE_DIR": "/elsewhere", "JAXBRAGG_CACHE": str(tmp_path / "mine")}
    assert open_cache(chosen) is None
    assert not (tmp_path / "mine").exists()


def test_another_orientation_finds_what_the_first_one_compiled(tmp_path):
    cache = tmp_path / "cache"
    first = run(ONE, tmp_path, JAXBRAGG_CACHE=str(cache))
    filled = entries(cache)
    assert first["folder"] == str(cache / machine())
    assert first[MISSES] == len(filled) > 0
    assert any(name.startswith("jit__simulate-") for name in filled)
    assert cache.stat().st_mode & 0o077 == 0 or (cache / machine()).stat().st_mode & 0o077 == 0

    (tmp_path / "elsewhere").mkdir()  # nor does the folder in which it runs matter
    second = run(OTHER, tmp_path / "elsewhere", JAXBRAGG_CACHE=str(cache))
    assert second.get(HITS) == len(filled)
    assert MISSES not in second
    assert entries(cache) == filled
    assert (tmp_path / "one.bin").read_bytes() != (tmp_path / "elsewhere" / "other.bin").read_bytes()


def test_broken_entries_are_replaced_without_a_word(tmp_path):
    cache = tmp_path / "cache"
    run(ONE, tmp_path, JAXBRAGG_CACHE=str(cache))
    whole, image = entries(cache), (tmp_path / "one.bin").read_bytes()
    for path in cache.glob("*/*-cache"):
        path.write_bytes(path.read_bytes()[:100])
    again = run(ONE, tmp_path, JAXBRAGG_CACHE=str(cache))
    assert again[MISSES] == len(whole)
    assert entries(cache).keys() == whole.keys()
    assert min(entries(cache).values()) > 100
    assert (tmp_path / "one.bin").read_bytes() == image


def test_two_processes_may_fill_it_at_the_same_time(tmp_path):
    cache = str(tmp_path / "cache")
    both = [start(words, tmp_path, JAXBRAGG_CACHE=cache) for words in (ONE, OTHER)]
    for process, words in zip(both, (ONE, OTHER), strict=True):
        finish(process, tmp_path, words)
    assert HITS in run(ONE, tmp_path, JAXBRAGG_CACHE=cache)


@pytest.mark.parametrize("value", ["off", "a file/below"])
def test_off_is_off_and_a_folder_that_cannot_be_is_done_without(value, tmp_path):
    (tmp_path / "a file").write_text("not a folder", encoding="utf-8")
    before = {*tmp_path.iterdir()}
    found = run(ONE, tmp_path, JAXBRAGG_CACHE=value, XDG_CACHE_HOME=str(tmp_path / "xdg"))
    assert found["folder"] is None
    assert HITS not in found
    assert MISSES not in found
    assert {*tmp_path.iterdir()} - before == {tmp_path / "one.bin", tmp_path / "one.bin.json"}


def test_what_was_used_last_stays(tmp_path):
    for age, name in enumerate("dcba"):
        entry = tmp_path / f"{name}-cache"
        entry.write_bytes(b"x" * 100)
        os.utime(entry, (1e9 - age, 1e9 - age))
    (tmp_path / "notes").write_bytes(b"x" * 1000)
    prune(str(tmp_path), 400)
    assert len(list(tmp_path.iterdir())) == 5
    prune(str(tmp_path), 399)
    assert {path.name for path in tmp_path.iterdir()} == {"c-cache", "d-cache", "notes"}
    prune(str(tmp_path / "missing"), 0)
