"""Several virtual CPU devices: they are there when JAX starts, so in a process of their own."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def with_devices(count: int, *words: str) -> str:
    """Standard output of a Python program with so many devices; warnings are errors."""
    flags = os.environ.get("XLA_FLAGS", "")
    devices = {"JAX_PLATFORMS": "cpu", "XLA_FLAGS": f"{flags} --xla_force_host_platform_device_count={count}"}
    path = os.pathsep.join(str(folder) for folder in (HERE, HERE.parent, HERE.parent / "kernels"))
    result = subprocess.run(
        [sys.executable, "-W", "error", *words],
        env={**os.environ, **devices, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout
