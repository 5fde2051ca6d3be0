"""The public names, which are loaded when they are first asked for."""

import ast
import os
import subprocess
import sys
import types
from importlib import import_module
from pathlib import Path

import pytest

import jaxbragg

ROOT = Path(__file__).resolve().parents[1]


def in_a_fresh_interpreter(program: str) -> str:
    """What the program prints where nothing has been imported yet; warnings are errors."""
    path = os.pathsep.join(str(ROOT / part) for part in ("", "kernels"))
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, "PYTHONPATH": path, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.parametrize("name", jaxbragg.__all__)
def test_a_public_name_is_that_of_its_module(name):
    value = getattr(jaxbragg, name)
    if name in jaxbragg._MODULES:
        assert value is import_module(jaxbragg._MODULES[name])
        return
    assert value is getattr(import_module(jaxbragg._HOME[name]), name)
    assert value.__name__ == name
    assert value.__module__.startswith("jaxbragg.")


def test_public_names_are_listed_once_and_can_be_completed():
    assert len(set(jaxbragg.__all__)) == len(jaxbragg.__all__)
    assert set(jaxbragg.__all__) <= set(dir(jaxbragg))


def test_type_checkers_see_the_same_names_at_the_same_places():
    (block,) = (
        node
        for node in ast.parse(Path(jaxbragg.__file__).read_text(encoding="utf-8")).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    seen = {
        alias.asname: node.module if isinstance(node, ast.ImportFrom) else alias.name
        for node in block.body
        for alias in node.names
    }
    assert seen == {**jaxbragg._HOME, **jaxbragg._MODULES}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'jaxbragg' has no attribute 'nanoBragg'"):
        jaxbragg.nanoBragg  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'nanoBragg'"):
        from jaxbragg import nanoBragg  # noqa: F401


def test_the_version_is_that_of_the_project():
    import tomllib

    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert jaxbragg.__version__ == wanted


def test_simulate_is_the_function_in_this_interpreter():
    module = import_module("jaxbragg.simulate")
    assert isinstance(module, types.ModuleType)
    assert jaxbragg.simulate is module.simulate
    assert isinstance(jaxbragg.simulate, types.FunctionType)


@pytest.mark.parametrize(
    "imports",
    [
        "import jaxbragg.simulate",
        "from jaxbragg.simulate import simulate; import jaxbragg",
        "import jaxbragg; jaxbragg.simulate; import jaxbragg.simulate",
    ],
)
def test_simulate_stays_the_function_in_whatever_order_it_is_imported(imports):
    program = f"{imports}; import jax; print(type(jaxbragg.simulate).__name__, jax.config.jax_enable_x64)"
    assert in_a_fresh_interpreter(program) == "function False"


def test_importing_the_package_imports_neither_jax_nor_numpy():
    program = "import jaxbragg, sys; print([m for m in ('jax', 'jaxlib', 'numpy', 'equinox') if m in sys.modules])"
    assert in_a_fresh_interpreter(program) == "[]"


def test_asking_for_the_names_imports_no_jax():
    program = "import jaxbragg, sys; dir(jaxbragg), jaxbragg.__all__, jaxbragg.Options; print('jax' in sys.modules)"
    assert in_a_fresh_interpreter(program) == "False"
