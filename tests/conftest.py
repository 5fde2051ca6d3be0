"""What every test shares: hypothesis's settings and the folder of reference data.

No test setting touches JAX: the choice of device and of precision stays with the caller, as it does for users.
"""

import os
import sys
from pathlib import Path

import hypothesis
import pytest

# No deadline: the first example of a property also pays for JAX's compilation.
# The same examples on every CI run; a developer's machine goes on looking for new ones.
hypothesis.settings.register_profile("jaxbragg", deadline=None, max_examples=40, derandomize=bool(os.environ.get("CI")))
hypothesis.settings.load_profile("jaxbragg")

# Commands that tests start leave nothing in the home folder, and find nothing there.
os.environ.setdefault("JAXBRAGG_CACHE", "off")


@pytest.fixture(scope="module", autouse=True)
def compiled_programs_are_let_go():
    """Thousands of them in one process are more pieces of memory than Linux lets a process have."""
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()


@pytest.fixture(scope="session")
def reference_dir() -> Path:
    """Reference images and the inputs that their command lines name."""
    return Path(__file__).parent / "reference"
