"""What XLA and NVIDIA's assembler say of a compiled program: its launches in order, its kernels' instructions.

Texts in, numbers out; `gpu_on_paper` makes the texts.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod

_THUNK = re.compile(r"( *)(\d+): (k\w+) +\[[^\]]*\] *(.*)")
_KERNEL = re.compile(r"(\S+) grid: \[([\d, ]+)\] threads: \[([\d, ]+)\]")
_LABEL = re.compile(r"( *)(\w+):$")
_MOVES_NOTHING = {"kCommandBuffer", "kSequential", "kWhile", "kConditional", "kWaitForStreams"}
_HOST = {"kInfeed", "kOutfeed", "kHostSend", "kHostRecv", "kHostExecuteStart", "kHostSendDone", "kHostRecvDone"}


@dataclass
class Thunk:
    """A step of the program: a launch, or what holds others.

    Attributes:
        number: Of XLA's; not that of a graph.
        kind: kCustomKernel, kCopy, kCommandBuffer (a CUDA graph), kWhile, kConditional, …
        kernel: Its name, or "".
        threads: Of all blocks.
        inside: The steps in it, by "": its own, "condition", "body", or the name of a branch.
    """

    number: int
    kind: str
    kernel: str = ""
    threads: int = 0
    inside: dict[str, list["Thunk"]] = field(default_factory=dict)


@dataclass
class Launches:
    """What a run launches; loops of unknown length count once, of branches that with most launches.

    Attributes:
        device: Kernels and copies.
        host: The same, where a graph is one.
        kernels: How often each kernel runs, and threads of all its runs.
        waits: What makes the host wait, and how often.
    """

    device: int = 0
    host: int = 0
    kernels: dict[str, tuple[int, int]] = field(default_factory=dict)
    waits: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Launches", times: int = 1, *, graph: bool = False) -> None:
        """Count another's launches so many times; as one of the host's if they are a graph."""
        self.device += times * other.device
        self.host += times * (1 if graph else other.host)
        for name, (runs, threads) in other.kernels.items():
            mine = self.kernels.get(name, (0, 0))
            self.kernels[name] = (mine[0] + times * runs, mine[1] + times * threads)
        for wait, count in other.waits.items():
            self.waits[wait] += times * count


def thunks_of(text: str) -> list[Thunk]:
    """The steps of XLA's `thunk_sequence_after_thunk_passes.txt`."""
    top: list[Thunk] = []
    open_: list[tuple[int, Thunk]] = []  # indentation and step, outermost first
    label: dict[int, str] = {}  # of what follows, by the step that holds it
    for line in text.splitlines():
        if found := _LABEL.match(line):
            # XLA does not indent the word "condition"; it follows its loop.
            while open_ and found[2] != "condition" and open_[-1][0] >= len(found[1]):
                open_.pop()
            label[id(open_[-1][1])] = found[2]
        elif found := _THUNK.match(line):
            while open_ and open_[-1][0] >= len(found[1]):
                open_.pop()
            kernel = _KERNEL.match(found[4])
            threads = prod(int(n) for part in (kernel[2], kernel[3]) for n in part.split(",")) if kernel else 0
            thunk = Thunk(int(found[2]), found[3], kernel[1] if kernel else "", threads)
            holder = open_[-1][1] if open_ else None
            (top if holder is None else holder.inside.setdefault(label.get(id(holder), ""), [])).append(thunk)
            open_.append((len(found[1]), thunk))
    return top


def trips_of(metadata: str, hlo: str) -> dict[int, int]:
    """How often the loops of known length run, by the numbers of their steps."""
    known = {
        name: int(count)
        for name, count in re.findall(r"%(\S+) = [^\n]*? while\([^\n]*\"?known_trip_count\"?:\{\"?n\"?:\"?(\d+)", hlo)
    }
    found = re.findall(r'profile_annotation: "([^"]+)"\s+thunk_id: (\d+)', metadata)
    return {int(number): known[name] for name, number in found if name in known}


def count_launches(thunks: list[Thunk], trips: Mapping[int, int]) -> Launches:
    """What a run of some steps launches.

    Args:
        thunks: The steps.
        trips: See `trips_of`.
    """
    found = Launches()
    for thunk in thunks:
        parts = {name: count_launches(inside, trips) for name, inside in thunk.inside.items()}
        if thunk.kind == "kWhile":
            body = parts["body"]
            if thunk.number in trips:
                found.add(body, trips[thunk.number])
            else:
                body.add(parts["condition"])
                found.add(body)
                found.waits[f"a loop of unknown length ({body.device} launches each time)"] += 1
        elif thunk.kind == "kConditional":
            found.add(max(parts.values(), key=lambda part: part.device))
            counts = " or ".join(str(part.device) for part in parts.values())
            found.waits[f"a conditional ({counts} launches)"] += 1
        elif thunk.kind in _MOVES_NOTHING:
            for part in parts.values():
                found.add(part, graph=thunk.kind == "kCommandBuffer")
        else:
            kernels = {thunk.kernel: (1, thunk.threads)} if thunk.kernel else {}
            waits = Counter({thunk.kind: 1} if thunk.kind in _HOST else {})
            found.add(Launches(1, 1, kernels, waits))
    return found


@dataclass(frozen=True)
class Code:
    """A kernel as the assembler makes it.

    Attributes:
        registers: Of a thread.
        spilled: Bytes that a thread stores because registers do not suffice.
        instructions: In its text, what only fills it left out.
        loop: In its longest loop.
    """

    registers: int
    spilled: int
    instructions: int
    loop: int


def code_of(said: str, listing: str) -> dict[str, Code]:
    """Each kernel of a module.

    Args:
        said: By `ptxas -v`.
        listing: By `nvdisasm -c`.
    """
    texts = dict(_functions(listing))
    found = {}
    for part in said.split("Compiling entry function '")[1:]:
        name = part.partition("'")[0]
        # What it calls is listed with it; its own figures come first.
        registers, spilled = re.search(r"Used (\d+) registers", part), re.search(r"(\d+) bytes spill stores", part)
        if registers and spilled and name in texts:
            found[name] = Code(int(registers[1]), int(spilled[1]), *texts[name])
    return found


def _functions(listing: str) -> Iterator[tuple[str, tuple[int, int]]]:
    for part in re.split(r"\.section\s+\.text\.", listing)[1:]:
        labels: dict[str, int] = {}
        count = longest = 0
        for line in part.splitlines():
            if label := re.match(r"\s*(\.L_x_\d+):", line):
                labels[label[1]] = count
            elif one := re.search(r"/\*[0-9a-f]{4,}\*/\s+(.*?);", line):
                count += one[1] != "NOP"
                back = re.search(r"\bBRA\b.*?(\.L_x_\d+)", one[1])
                # An endless jump to itself stands behind the end.
                if back and labels.get(back[1], count) < count - 1:
                    longest = max(longest, count - labels[back[1]])
        yield re.match(r'[^\s,"]+', part)[0], (count, longest)  # type: ignore[index]
