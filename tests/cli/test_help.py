"""The help pages: every flag is there, the lines fit, the examples scan, nothing heavy is imported."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

import pytest

from jaxbragg.cli.flag_table import FLAGS, GROUPS
from jaxbragg.cli.help import COMMANDS, ROTATION, STILL, WIDTH, general_help, simulate_help, version
from jaxbragg.cli.scanner import scan

PAGES = [general_help, simulate_help]


@pytest.mark.parametrize("word", [w for flag in FLAGS for w in flag.words])
def test_every_spelling_is_shown(word: str) -> None:
    assert re.search(rf"(?<![\w-]){re.escape(word)}(?![\w])", simulate_help())


def test_units_defaults_and_groups_are_shown() -> None:
    page = simulate_help()
    for group in GROUPS:
        assert f"\n{group}:\n" in page
    assert re.search(r"-lambda, -wavelength, -wave… LAMBDA\s+wavelength \[Å\] \(default 1\)", page)
    assert "{mixed,float32,float64}" in page
    assert "-misset X Y Z | random" in page
    assert "-cell A [B C ALPHA BETA GAMMA]" in page


@pytest.mark.parametrize("page", PAGES)
def test_lines_fit(page: Callable[[], str]) -> None:
    assert max(len(line) for line in page().splitlines()) <= WIDTH


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_can_be_pasted(page: Callable[[], str]) -> None:
    joined = page().replace("\\\n", " ")
    commands = [line for line in joined.splitlines() if line.startswith("    jaxbragg ")]
    assert commands
    for command in commands:
        words = shlex.split(command)[1:]
        scanned = scan(words[1:] if words[0] in COMMANDS else words)
        assert scanned.values["cell"] == (40.0, 40.0, 55.0, 90.0, 90.0, 90.0)
        assert scanned.warnings == []
        assert shlex.split(command) in (shlex.split(STILL), shlex.split(ROTATION))


def test_general_help_names_commands_and_version() -> None:
    page = general_help()
    assert version() in page.splitlines()[0]
    for name, text in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(text[:30])}", page, re.MULTILINE)


def test_version_is_the_installed_one() -> None:
    try:
        want = installed("jaxbragg")
    except PackageNotFoundError:
        want = "(not installed)"
    assert version() == want


def test_no_heavy_import() -> None:
    # the package's own __init__ may be lazy or not; what counts here is these modules
    code = (
        "import sys, types; p = types.ModuleType('jaxbragg'); p.__path__ = [sys.argv[1]]; sys.modules['jaxbragg'] = p\n"
        "q = types.ModuleType('jaxbragg.cli'); q.__path__ = [sys.argv[1] + '/cli']\n"
        "p.cli = sys.modules['jaxbragg.cli'] = q\n"
        "import jaxbragg.cli.help, jaxbragg.cli.scanner; jaxbragg.cli.help.simulate_help()\n"
        "print([m for m in ('jax', 'numpy', 'h5py', 'gemmi', 'argparse') if m in sys.modules])"
    )
    import jaxbragg.cli.help as module

    folder = str(module.__file__).rsplit("/cli/", 1)[0]
    run = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("words", [[], *([name] for name in COMMANDS)], ids=str)
def test_a_help_page_waits_for_neither_jax_nor_numpy(words: list[str]) -> None:
    code = (
        "import sys; from jaxbragg.cli import main; status = main(sys.argv[1:])\n"
        "print(status, [m for m in ('jax', 'numpy', 'h5py', 'gemmi', 'equinox', 'matplotlib') if m in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", code, *words, "--help"], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "0 []"


def test_the_environment_is_explained() -> None:
    assert re.search(r"^  JAXBRAGG_CACHE +off, or a folder", general_help(), re.MULTILINE)
