"""The package as a whole: what it offers, and that it is there in no time."""

import os
import subprocess
import sys

import jaxbragg.io


def test_offers_readers_and_writers():
    names = {name for name in vars(jaxbragg.io) if name.startswith(("read_", "write_"))}
    formats = {"dump", "float_image", "hkl", "pgm", "smv"}
    expected = {f"{verb}_{name}" for verb in ("read", "write") for name in formats}
    assert names == expected | {
        "read_image",
        "read_mask",
        "read_matrix",
        "read_npy",
        "read_npz",
        "read_smv_header",
        "read_sources",
        "read_stol",
        "read_traces",
        "write_atomically",
        "write_png",
    }


def test_imports_nothing_heavy():
    program = "import sys, jaxbragg.io; print(*{'jax', 'equinox', 'matplotlib', 'h5py', 'scipy'} & set(sys.modules))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == ""
