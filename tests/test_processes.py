"""Two processes of `jax.distributed` on loopback: the images and the fit of one."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent


def test_two_processes_make_the_image_and_the_fit_of_one() -> None:
    pytest.importorskip("optimistix")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    path = os.pathsep.join([str(TESTS), str(TESTS.parent), str(TESTS.parent / "kernels")])
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONPATH": path}
    processes = [
        subprocess.Popen([sys.executable, str(TESTS / "two_processes.py"), str(number), port], env=environment,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for number in range(2)
    ]  # fmt: skip
    found = []
    for process in processes:
        out, said = process.communicate(timeout=300)
        assert process.returncode == 0, said[-3000:]
        found.append(json.loads([line for line in out.splitlines() if line.startswith("{")][-1]))
    first, second = found
    assert first["devices"] == 2
    for name, difference in first["images"].items():
        assert difference < 1e-6, name
    assert first["fit"] == second["fit"]
    # As one process fits it.
    alone = _alone(environment)
    for name, value in alone.items():
        assert abs(first["fit"][name] - value) < 1e-6 * max(1.0, abs(value)), name
    assert abs(first["fit"]["crystal.cell.a"] - 41.0) < 0.02


def _alone(environment: dict[str, str]) -> dict[str, float]:
    program = (TESTS / "two_processes.py").read_text().replace(
        'jax.distributed.initialize(f"127.0.0.1:{PORT}", 2, NUMBER)', ""
    ).replace('jax.config.update("jax_cpu_collectives_implementation", "gloo")', "").replace(
        '"images": images()', '"images": {}'
    )  # fmt: skip
    done = subprocess.run([sys.executable, "-c", program, "0", "0"], env=environment, capture_output=True, text=True,
                          check=True)  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])["fit"]
