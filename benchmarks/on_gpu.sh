#!/usr/bin/env bash
# Everything that a GPU has to show, in one call: the tests with reference images, then the timings.
#
# usage, in the project's folder, with jax's CUDA build and the test extra installed:
#   benchmarks/on_gpu.sh [FOLDER FOR RESULTS]      (default: benchmarks/results)
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
results="${1:-benchmarks/results}"
mkdir -p "$results"
export PYTHONPATH="$PWD:$PWD/kernels${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1
python3 -c 'import jax; print(jax.__version__, jax.devices()); assert jax.default_backend() != "cpu", "no GPU seen"' || exit 1
failed=0
python3 benchmarks/measure.py --out "$results/gpu-$(date +%F).json" || failed=1
python3 -m pytest -q tests/test_reference.py tests/kernels tests/test_simulate.py tests/test_noise.py || failed=1
exit $failed
