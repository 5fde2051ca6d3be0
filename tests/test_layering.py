"""The structure that keeps the code readable: imports point one way, files stay short, the command line starts fast."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE_ROOTS = (ROOT, ROOT / "kernels")
PACKAGES = ("jaxbragg", "jaxbragg_kernels")

# Each row may import itself and the rows above it; two parts of one row meet only where PEERS_MAY_MEET says so.
ORDER: tuple[set[str], ...] = (
    {"jaxbragg_kernels"},
    {"jaxbragg.units"},
    {"jaxbragg.models"},
    {"jaxbragg.options", "jaxbragg.io"},
    {"jaxbragg.plan", "jaxbragg.devices", "jaxbragg.memory", "jaxbragg.precision"},
    {"jaxbragg.tiles", "jaxbragg.geometry"},
    {"jaxbragg.pipeline"},
    {"jaxbragg.simulate", "jaxbragg.noise"},
    {
        "jaxbragg.compat",
        "jaxbragg.trace",
        "jaxbragg.compare",
        "jaxbragg.refine",
        "jaxbragg.batch",
        "jaxbragg.benchmark",
    },
    {"jaxbragg.cli"},
    {"jaxbragg.__main__"},
)
RANK = {part: rank for rank, parts in enumerate(ORDER) for part in parts}
PEERS_MAY_MEET = {RANK["jaxbragg.compat"]}

# Arrays in, arrays out: jax and numpy, the annotations, and the standard library's tools that open nothing.
KERNELS_MAY_IMPORT = {
    "__future__",
    "abc",
    "collections",
    "dataclasses",
    "enum",
    "functools",
    "itertools",
    "jax",
    "jaxtyping",
    "math",
    "numpy",
    "operator",
    "types",
    "typing",
}

LONGEST = 300
EXCUSE = "Over 300 lines because"


def part_of(module: str) -> str:
    """The part of the order that a module belongs to: jaxbragg.io.smv -> jaxbragg.io."""
    return ".".join(module.split(".")[: 1 if module.split(".")[0] == "jaxbragg_kernels" else 2])


def imported_modules(module: str, source: str, *, is_package: bool = False) -> Iterator[tuple[int, str]]:
    """Line and absolute name of every import in the source, those inside functions included."""
    package = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            # `from jaxbragg import io` names a module only in what follows `import`.
            yield from (
                (node.lineno, f"{origin}.{alias.name}" if origin == "jaxbragg" else origin) for alias in node.names
            )


def import_violations(module: str, source: str, *, is_package: bool = False) -> list[str]:
    """Every import of the module that points back, or at something that its layer does not know."""
    if module == "jaxbragg":
        return []  # the lazy table of public names points everywhere
    part = part_of(module)
    if part not in RANK:
        return [f"{module} has no place in the order of imports"]

    found = []
    for line, target in imported_modules(module, source, is_package=is_package):
        where = f"{module}:{line} imports {target}"
        root = target.split(".")[0]
        if part == "jaxbragg_kernels" and root not in {*KERNELS_MAY_IMPORT, part}:
            found.append(f"{where}: a kernel knows no model, no file, and no array library but jax")
        elif part == "jaxbragg.io" and root == "jax":
            found.append(f"{where}: reading a file needs no jax")
        elif part == "jaxbragg.simulate" and part_of(target) == "jaxbragg.io":
            found.append(f"{where}: simulating opens no file")
        elif root in PACKAGES and target != "jaxbragg.__version__":
            found += [f"{where}: {reason}" for reason in _order_violation(part, part_of(target))]
    return found


def _order_violation(part: str, target: str) -> list[str]:
    if target not in RANK:
        return ["that is the public table, or no module in the order; name the module that defines it"]
    if RANK[target] > RANK[part]:
        return [f"{part} comes before {target}"]
    if RANK[target] == RANK[part] and target != part and RANK[part] not in PEERS_MAY_MEET:
        return [f"{part} and {target} stand side by side and do not meet"]
    return []


def length_violations(name: str, source: str) -> list[str]:
    """A file of more than LONGEST lines that does not say why in its docstring."""
    lines = len(source.splitlines())
    excused = EXCUSE in " ".join((ast.get_docstring(ast.parse(source)) or "").split())
    return [] if lines <= LONGEST or excused else [f"{name} has {lines} lines; are these two ideas? ({EXCUSE} ...)"]


def package_files() -> list[tuple[str, Path, bool]]:
    """(module name, path, whether it is a package) of every module that is shipped."""
    found = []
    for root, package in zip(SOURCE_ROOTS, PACKAGES, strict=True):
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            found.append((".".join(parts[:-1] if is_package else parts), path, is_package))
    return found


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
        ("jaxbragg.cli.main", "from jaxbragg import __version__, simulate\nfrom jaxbragg.batch import run\n"),
        ("jaxbragg", "from jaxbragg.simulate import simulate"),
    ],
)
def test_checker_passes_what_points_forward(module: str, source: str):
    assert import_violations(module, source) == []


def test_relative_imports_of_a_package_start_at_itself():
    assert import_violations("jaxbragg.io", "from .smv import read_smv", is_package=True) == []
    assert len(import_violations("jaxbragg.io", "from ..simulate import simulate", is_package=True)) == 1


def test_checker_finds_a_long_file_without_a_reason():
    body = "x = 1\n" * LONGEST
    assert length_violations("long.py", body) == []
    assert len(length_violations("long.py", '"""A long file."""\n' + body)) == 1
    assert length_violations("long.py", f'"""A table.\n\n{EXCUSE} a\ntable is one idea.\n"""\n' + body) == []
