"""The structure that keeps the code readable: imports point one way and in no circle, files stay short."""

import os
import subprocess
import sys

import pytest
from layering import (
    EXCUSE,
    LONGEST,
    PACKAGES,
    ROOT,
    SOURCE_ROOTS,
    circle,
    import_violations,
    length_violations,
    package_files,
)


def test_the_walk_finds_both_packages():
    names = {name for name, _, _ in package_files()}
    assert {"jaxbragg", "jaxbragg.cli", "jaxbragg.models", "jaxbragg.simulate", "jaxbragg_kernels"} <= names


def test_imports_point_one_way():
    found = [
        violation
        for module, path, is_package in package_files()
        for violation in import_violations(module, path.read_text(encoding="utf-8"), is_package=is_package)
    ]
    assert not found, "\n".join(found)


def test_no_files_import_each_other_in_a_circle():
    sources = {
        module: (path.read_text(encoding="utf-8"), is_package)
        for module, path, is_package in package_files((*PACKAGES, "benchmarks"))
        if module != "jaxbragg"  # the lazy table of public names points everywhere
    }
    found = circle(sources)
    assert not found, found


def test_files_stay_short():
    found = [
        violation
        for _, path, _ in package_files()
        for violation in length_violations(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("module", ["jaxbragg", "jaxbragg.cli"])
def test_import_leaves_jax_alone(module: str):
    """`jaxbragg --help` has to answer at once, and jax alone takes longer than that to import."""
    program = f"import {module}, sys; print([name for name in ('jax', 'equinox') if name in sys.modules])"
    path = os.pathsep.join(str(root) for root in SOURCE_ROOTS)
    result = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"


# The checker itself, on planted violations: without these, a checker that finds nothing would pass.


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("jaxbragg.models.beam", "import jaxbragg.simulate"),
        ("jaxbragg.models.beam", "from jaxbragg.simulate import simulate"),
        ("jaxbragg.models.beam", "from jaxbragg import simulate"),
        ("jaxbragg.models.beam", "from .. import simulate"),
        ("jaxbragg.models.beam", "from ..simulate import simulate"),
        ("jaxbragg.models.beam", "def f():\n    from jaxbragg.io.smv import read_smv\n"),
        ("jaxbragg.models.beam", "if TYPE_CHECKING:\n    from jaxbragg.options import Options\n"),
        ("jaxbragg.models.beam", "import jaxbragg"),
        ("jaxbragg.models.beam", "from jaxbragg import Crystal"),
        ("jaxbragg.units", "import numpy, jaxbragg.models.beam"),
        ("jaxbragg.options", "from jaxbragg.io import smv"),
        ("jaxbragg.io.smv", "from jaxbragg.options import Options"),
        ("jaxbragg.io.smv", "import jax.numpy as jnp"),
        ("jaxbragg.io.smv", "def f():\n    from jax import Array\n"),
        ("jaxbragg.simulate", "from jaxbragg.io.smv import read_smv"),
        ("jaxbragg.simulate", "from jaxbragg import trace"),
        ("jaxbragg.refine.loss", "from jaxbragg.cli.main import main"),
        ("jaxbragg_kernels.lattice", "import h5py"),
        ("jaxbragg_kernels.lattice", "from jaxbragg.units import HC"),
        ("jaxbragg_kernels.lattice", "def f():\n    import os\n"),
        ("jaxbragg.pipeline", "from jaxbragg.simulate import simulate"),
        ("jaxbragg.simulate", "from benchmarks.cases import CASES"),
        ("jaxbragg.helpers", ""),
    ],
)
def test_checker_finds_planted_import(module: str, source: str):
    assert len(import_violations(module, source)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("jaxbragg_kernels.lattice", "import math\nimport jax.numpy as jnp\nfrom jaxbragg_kernels import scaling\n"),
        ("jaxbragg_kernels.lattice", "from . import scaling\nfrom .hkl import nearest\n"),
        ("jaxbragg.models.beam", "import jax, equinox\nfrom jaxbragg import units\nfrom .crystal import Crystal\n"),
        (
            "jaxbragg.io.smv",
            "import numpy as np\nfrom jaxbragg.models.detector import FlatPanel\nfrom . import atomic\n",
        ),
        ("jaxbragg.simulate", "from jaxbragg.options import Options\nimport jaxbragg_kernels.scaling\n"),
        ("jaxbragg.trace", "from jaxbragg.compat import as_drawn_by_c\nfrom jaxbragg.io import smv\n"),
        ("jaxbragg.cli.main", "from jaxbragg import __version__, simulate\nfrom jaxbragg.several import run\n"),
        ("jaxbragg", "from jaxbragg.simulate import simulate"),
    ],
)
def test_checker_passes_what_points_forward(module: str, source: str):
    assert import_violations(module, source) == []


@pytest.mark.parametrize(
    "sources",
    [
        {"a.b": ("from a.c import x", False), "a.c": ("from a.b import y", False)},
        {"a.b": ("import a.c", False), "a.c": ("def f():\n    from a import d\n", False), "a.d": ("import a.b", False)},
        {"a": ("from a.b import x", True), "a.b": ("from a import y", False)},
        {"a": ("from .b import x", True), "a.b": ("from . import y", False)},
    ],
)
def test_checker_finds_a_planted_circle(sources):
    found = circle(sources)
    assert found is not None
    assert set(found.split(" imports ")) == sources.keys()


def test_checker_passes_files_that_only_share_a_package():
    sources = {
        "a": ("from a.b import x", True),
        "a.b": ("from a.c import x\nfrom a import d", False),
        "a.c": ("import math", False),
        "a.d": ("from . import c", False),
    }
    assert circle(sources) is None


def test_relative_imports_of_a_package_start_at_itself():
    assert import_violations("jaxbragg.io", "from .smv import read_smv", is_package=True) == []
    assert len(import_violations("jaxbragg.io", "from ..simulate import simulate", is_package=True)) == 1


def test_checker_finds_a_long_file_without_a_reason():
    body = "x = 1\n" * LONGEST
    assert length_violations("long.py", body) == []
    assert len(length_violations("long.py", '"""A long file."""\n' + body)) == 1
    assert length_violations("long.py", f'"""A table.\n\n{EXCUSE} a\ntable is one idea.\n"""\n' + body) == []
