"""One measurement in a process of its own: asked on the command line, answered as JSON on the last line printed."""

import json
import subprocess
import sys
from dataclasses import asdict

from benchmarks.cases import Case
from benchmarks.commands import child_environment
from benchmarks.peak import Peak
from benchmarks.record import Record


def measure_in_child(
    case: Case, mode: str, implementation: str, repeats: int, peak: Peak | None, *, quick: bool
) -> Record:
    """Measure a case of the table elsewhere.

    Args:
        case: Whose name is in the table.
        mode: Of `names.MODES`.
        implementation: One of jaxbragg's own.
        repeats: How many runs.
        peak: Of the machine.
        quick: Whether the case is the table's, shrunk.

    Raises:
        RuntimeError: If the process fails; the message is its last line.
    """
    asked = {
        "case": case.name,
        "mode": mode,
        "implementation": implementation,
        "repeats": repeats,
        "peak": None if peak is None else asdict(peak),
        "quick": quick,
    }
    words = [sys.executable, "-c", "from benchmarks.child import main; main()", json.dumps(asked)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=child_environment())
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it said nothing"]
        raise RuntimeError(f"the process left with status {done.returncode}: {lines[-1]}")
    return Record(**json.loads(done.stdout.strip().splitlines()[-1]))


def main() -> None:
    """What the process does."""
    from benchmarks.cases import CASES
    from benchmarks.implementations import make
    from benchmarks.measure import measure_alone

    asked = json.loads(sys.argv[1])
    case = CASES[asked["case"]]
    assert isinstance(case, Case)
    case = case.shrunk() if asked["quick"] else case
    peak = None if asked["peak"] is None else Peak(**asked["peak"])
    record = measure_alone(case, asked["mode"], make(asked["implementation"]), asked["repeats"], peak)
    print(json.dumps(asdict(record)))
