import sys
from pathlib import Path

import pytest

from benchmarks.commands import _JAX_CACHE, COMMANDS, run_command, timed_process


def test_the_memory_is_that_of_the_process_alone():
    # This process, with JAX in it, holds more than either.
    _, small = timed_process([sys.executable, "-S", "-c", "pass"])
    _, large = timed_process([sys.executable, "-S", "-c", "x = b'x' * 100_000_000"])
    assert small < 30e6
    assert 100e6 < large < 130e6


def test_a_process_that_fails_is_quoted():
    with pytest.raises(RuntimeError, match="left with status 3: too bad"):
        timed_process([sys.executable, "-c", "import sys; print('too bad', file=sys.stderr); sys.exit(3)"])
    with pytest.raises(RuntimeError, match="no_such_program"):
        timed_process(["no_such_program"])


def test_help_is_a_command_without_jax_in_it():
    help_ = next(command for command in COMMANDS if command.name == "help")
    run = run_command(help_, 1)
    assert len(run.seconds) == 1
    assert run.peak_rss < 60e6  # JAX alone takes twice that


@pytest.mark.parametrize("name", ["lysozyme-cold", "lysozyme-warm"])
def test_a_warm_command_has_a_cache_of_its_own_and_a_cold_one_none(name, tmp_path, monkeypatch):
    import jax  # noqa: F401, which in this process is not to see the variable

    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    listed: list[list[str]] = []

    def seen(words, environment):
        assert not set(_JAX_CACHE) & environment.keys()
        cache = environment["JAXBRAGG_CACHE"]
        timing = timed_process(words, environment)
        listed.append(sorted(path.name for path in Path(cache).glob("*/*")) if cache != "off" else [])
        return timing

    monkeypatch.setattr("benchmarks.commands.timed_process", seen)
    run = run_command(next(command for command in COMMANDS if command.name == name).shrunk(), 1)
    assert len(run.seconds) == 1
    assert not list(tmp_path.iterdir())
    if name == "lysozyme-cold":
        assert listed == [[]]
    else:
        filled, found = listed  # the run that fills it is not among those that are timed
        assert filled == found
        assert any(entry.startswith("jit__simulate-") for entry in filled)
