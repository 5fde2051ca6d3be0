#!/usr/bin/env bash
# Everything that a GPU has to show, in one call: the timings, then the tests with reference images.
#
# usage, in the project's folder; jax's CUDA build and the test extra have to be there, jaxbragg need not be installed:
#   benchmarks/on_gpu.sh [FOLDER FOR RESULTS]      (default: benchmarks/results; PYTHON=… for another python3)
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
results="${1:-benchmarks/results}"
python="${PYTHON:-python3}"
mkdir -p "$results"
export PYTHONPATH="$PWD:$PWD/kernels${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1
# Children with a memory of their own to report would otherwise find three quarters of the GPU taken.
export XLA_PYTHON_CLIENT_PREALLOCATE=false
"$python" -c 'import jax; print(jax.__version__, jax.devices()); assert jax.default_backend() != "cpu", "no GPU seen"' || exit 1
failed=0
measure() {
    local name="$1"
    shift
    "$python" -m benchmarks --device gpu --out "$results/gpu-$name-$(date +%F).json" "$@" || failed=1
}
measure end-to-end --cases mosaic --modes forward call
measure tuning --cases tuning
measure derivatives --cases yardstick --modes forward reverse jacobian
measure jacobian --cases jacobian
measure memory --cases memory
measure rest --cases shapes skipping crystals wavelengths domains pixels detectors stills
"$python" -m benchmarks.compare "$results"/gpu-*-"$(date +%F)".json --png "$results/gpu-$(date +%F).png" \
    > "$results/gpu-$(date +%F).md" || failed=1
"$python" -m pytest -q tests/test_reference.py tests/kernels tests/test_simulate.py tests/test_noise.py || failed=1
exit $failed
