"""What `test_layering` checks with: who may import whom, circles of files, long files."""

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE_ROOTS = (ROOT, ROOT / "kernels")
PACKAGES = ("jaxbragg", "jaxbragg_kernels")
# In the repository, not in the wheel: what is shipped may not import them.
NOT_SHIPPED = {"benchmarks", "tests"}

# Each row may import itself and the rows above it; two parts of one row meet only where PEERS_MAY_MEET says so.
ORDER: tuple[set[str], ...] = (
    {"jaxbragg_kernels"},
    {"jaxbragg.units"},
    {"jaxbragg.models"},
    {"jaxbragg.options", "jaxbragg.io"},
    {"jaxbragg.pipeline"},
    {"jaxbragg.simulate", "jaxbragg.noise", "jaxbragg.counting"},
    {
        "jaxbragg.compat",
        "jaxbragg.trace",
        "jaxbragg.compare",
        "jaxbragg.refine",
        "jaxbragg.several",
        "jaxbragg.view",
        "jaxbragg.truth",
        "jaxbragg.radial",
    },
    {"jaxbragg.batch"},
    {"jaxbragg.cli"},
    {"jaxbragg.__main__"},
)
RANK = {part: rank for rank, parts in enumerate(ORDER) for part in parts}
PEERS_MAY_MEET = {RANK["jaxbragg.compat"]}

# Arrays in, arrays out: jax and numpy, the annotations, and the standard library's tools that open nothing.
KERNELS_MAY_IMPORT = {
    "__future__",
    "abc",
    "collections",
    "contextlib",
    "dataclasses",
    "enum",
    "functools",
    "itertools",
    "jax",
    "jaxtyping",
    "math",
    "numpy",
    "operator",
    "types",
    "typing",
}

LONGEST = 300
EXCUSE = "Over 300 lines because"


def part_of(module: str) -> str:
    """The part of the order that a module belongs to: jaxbragg.io.smv -> jaxbragg.io."""
    return ".".join(module.split(".")[: 1 if module.split(".")[0] == "jaxbragg_kernels" else 2])


def imported_modules(
    module: str, source: str, *, is_package: bool = False, members: bool = False
) -> Iterator[tuple[int, str]]:
    """Line and absolute name of every import in the source, those inside functions included.

    Args:
        module: Whose source it is.
        source: Its text.
        is_package: Whether the file is an `__init__.py`.
        members: Whether `from a import b` is a.b; otherwise it is a, except where a is the package jaxbragg itself.
    """
    package = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            # `from jaxbragg import io` names a module only in what follows `import`.
            yield from (
                (node.lineno, f"{origin}.{alias.name}" if members or origin == "jaxbragg" else origin)
                for alias in node.names
            )


def import_violations(module: str, source: str, *, is_package: bool = False) -> list[str]:
    """Every import of the module that points back, or at something that its layer does not know."""
    if module == "jaxbragg":
        return []  # the lazy table of public names points everywhere
    part = part_of(module)
    if part not in RANK:
        return [f"{module} has no place in the order of imports"]

    found = []
    for line, target in imported_modules(module, source, is_package=is_package):
        where = f"{module}:{line} imports {target}"
        root = target.split(".")[0]
        if part == "jaxbragg_kernels" and root not in {*KERNELS_MAY_IMPORT, part}:
            found.append(f"{where}: a kernel knows no model, no file, and no array library but jax")
        elif part == "jaxbragg.io" and root == "jax":
            found.append(f"{where}: reading a file needs no jax")
        elif part == "jaxbragg.simulate" and part_of(target) == "jaxbragg.io":
            found.append(f"{where}: simulating opens no file")
        elif root in NOT_SHIPPED:
            found.append(f"{where}: that is not in the wheel")
        elif root in PACKAGES and target != "jaxbragg.__version__":
            found += [f"{where}: {reason}" for reason in _order_violation(part, part_of(target))]
    return found


def _order_violation(part: str, target: str) -> list[str]:
    if target not in RANK:
        return ["that is the public table, or no module in the order; name the module that defines it"]
    if RANK[target] > RANK[part]:
        return [f"{part} comes before {target}"]
    if RANK[target] == RANK[part] and target != part and RANK[part] not in PEERS_MAY_MEET:
        return [f"{part} and {target} stand side by side and do not meet"]
    return []


def circle(sources: Mapping[str, tuple[str, bool]]) -> str | None:
    """A circle of files that import each other, those inside functions and for type checkers included; None if none is.

    Args:
        sources: For each module its text, and whether it is a package.
    """
    graph: dict[str, set[str]] = {}
    for module, (source, is_package) in sources.items():
        names = {name for _, name in imported_modules(module, source, is_package=is_package, members=True)}
        # `from a.b import c` is the file a.b.c where there is one, and the file a.b otherwise.
        graph[module] = {name if name in sources else name.rpartition(".")[0] for name in names} & sources.keys()
        graph[module].discard(module)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return " imports ".join(reversed(error.args[1]))
    return None


def length_violations(name: str, source: str) -> list[str]:
    """A file of more than LONGEST lines that does not say why in its docstring."""
    lines = len(source.splitlines())
    excused = EXCUSE in " ".join((ast.get_docstring(ast.parse(source)) or "").split())
    return [] if lines <= LONGEST or excused else [f"{name} has {lines} lines; are these two ideas? ({EXCUSE} ...)"]


def package_files(packages: tuple[str, ...] = PACKAGES) -> list[tuple[str, Path, bool]]:
    """(module name, path, whether it is a package) of every module of some packages, by default those in the wheel."""
    found = []
    for package in packages:
        root = next(root for root in SOURCE_ROOTS if (root / package).is_dir())
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            found.append((".".join(parts[:-1] if is_package else parts), path, is_package))
    return found
