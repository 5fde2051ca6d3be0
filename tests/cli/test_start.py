"""What the program sets before JAX starts, and that the library sets nothing."""

import gc
import os
import subprocess
import sys

import pytest

from jaxbragg.cli.start import prepare_jax


@pytest.fixture
def without_jax(monkeypatch):
    """As if JAX had not been imported yet, by a user without flags of their own."""
    monkeypatch.delitem(sys.modules, "jax", raising=False)
    monkeypatch.setattr("atexit.register", lambda function: function)
    for name in ("XLA_FLAGS", "JAX_PLATFORMS"):
        monkeypatch.delenv(name, raising=False)
    threshold = gc.get_threshold()
    yield monkeypatch
    gc.set_threshold(*threshold)


def test_vectors_are_wide_on_the_device_that_was_asked_for(without_jax):
    prepare_jax(None, cache=False)
    assert os.environ["XLA_FLAGS"] == "--xla_cpu_prefer_vector_width=512"
    assert "JAX_PLATFORMS" not in os.environ
    prepare_jax("cpu", cache=False)
    assert os.environ["XLA_FLAGS"] == "--xla_cpu_prefer_vector_width=512"
    assert os.environ["JAX_PLATFORMS"] == "cpu"


def test_the_flags_of_the_user_stay(without_jax):
    given = "--xla_cpu_enable_fast_math=false --xla_cpu_prefer_vector_width=256"
    without_jax.setenv("XLA_FLAGS", given)
    without_jax.setenv("JAX_PLATFORMS", "cuda")
    prepare_jax("cpu", cache=False)
    assert os.environ["XLA_FLAGS"] == given
    assert os.environ["JAX_PLATFORMS"] == "cpu"  # of the flag: JAX may not find the other


def test_the_variable_of_the_user_stays_where_no_device_is_named(without_jax):
    without_jax.setenv("JAX_PLATFORMS", "cuda")
    prepare_jax(None, cache=False)
    assert os.environ["JAX_PLATFORMS"] == "cuda"


def test_a_process_that_uses_jax_already_is_left_alone():
    import jax  # noqa: F401

    before = dict(os.environ), gc.get_threshold()
    prepare_jax("cpu")
    assert (dict(os.environ), gc.get_threshold()) == before


def test_the_library_changes_neither_the_environment_nor_jax():
    program = (
        "import gc, os, warnings, jax\n"
        "def state(): return dict(os.environ), dict(jax.config.values), gc.get_threshold(), warnings.showwarning\n"
        "before = state()\n"
        "import jaxbragg, jaxbragg.cli\n"
        "[getattr(jaxbragg, name) for name in jaxbragg.__all__]\n"
        "jaxbragg.read_experiment('-cell 40 40 55 90 90 90 -default_F 1 -lambda 1 -distance 100'.split())\n"
        "print(state() == before)"
    )
    path = os.pathsep.join(path for path in sys.path if path)
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": path, "JAXBRAGG_CACHE": "/nowhere"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "True"
