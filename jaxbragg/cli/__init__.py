"""The command line: `jaxbragg FLAGS`, and its sub-commands.

Nothing heavy is imported before it is known what is to be done, so that `--help` answers at once.
"""

import os
import sys
from collections.abc import Callable, Sequence

from jaxbragg.cli.errors import UsageError
from jaxbragg.cli.signals import GRACE, Ended, prompt_end
from jaxbragg.cli.start import prepare_jax
from jaxbragg.cli.streams import complain, prepared, silence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Arguments after the program's name; those of the process where None.

    Returns:
        Exit status: 0, 1 where a file is at fault, 2 where the command line is, 130 after Ctrl-C, 143 after SIGTERM.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    with prepared():
        return _guarded(words)


def _guarded(words: list[str]) -> int:
    """The exit status of a command, whatever happens to it."""
    try:
        # A refinement ends its fit at the first Ctrl-C, and writes what it has; a batch says how to go on.
        with prompt_end(int(words[:1] == ["refine"]), 20 * GRACE if words[:1] == ["batch"] else GRACE):
            status = _dispatch(words)
        sys.stdout.flush()
        return status
    except UsageError as error:
        return _fail(str(error), 2)
    except MemoryError:
        return _fail("out of memory: fewer pixels (-detpixels) or smaller blocks (--memory-limit) need less", 1)
    except KeyboardInterrupt:
        return _fail("interrupted: nothing is half written", 130)
    except Ended as error:
        return _fail(f"ended by {error}: nothing is half written", 128 + error.number)
    except BrokenPipeError:
        silence(sys.stdout)  # its reader has had enough
        return 1
    except OSError as error:
        return _fail(_of_the_system(error), 1)
    except Exception as error:
        # Imported no earlier: the errors of readers come with the readers, these with numpy, and --help waits for them.
        from jaxbragg.io.errors import FileError

        if isinstance(error, FileError):
            return _fail(str(error), 1)
        if isinstance(error, RuntimeError) and ("RESOURCE_EXHAUSTED" in str(error) or "Out of memory" in str(error)):
            return _fail("the device is out of memory: try --memory-limit, such as --memory-limit 1G", 1)
        raise


def _dispatch(words: list[str]) -> int:
    from jaxbragg.cli import help as pages

    if not words or words[0] in ("--help", "-h", "-help", "help"):
        print(pages.general_help())
        return 0 if words else 2
    if words[0] in ("--version", "-V"):
        print(pages.version())
        return 0
    if words[0] == "--detectors":
        from jaxbragg.cli.build.products import listed_products

        print("\n".join(listed_products()))
        return 0
    if words[0] == "simulate":
        return _simulate(words[1:])
    if words[0] == "trace":
        from jaxbragg.cli.trace_command import run as run_trace

        return _one_run(run_trace, words[1:])
    if words[0] == "compare-traces":
        from jaxbragg.cli.compare_traces_command import run as compare_traces

        return _one_run(compare_traces, words[1:])
    if words[0] == "compare-images":
        from jaxbragg.cli.compare_images_command import run as compare_images

        return _one_run(compare_images, words[1:])
    if words[0] == "view":
        from jaxbragg.cli.view_command import run as view

        return _one_run(view, words[1:])
    if words[0] == "convert":
        from jaxbragg.cli.convert_command import run as convert

        return _one_run(convert, words[1:])
    if words[0] == "refine":
        from jaxbragg.cli.refine_command import run as refine

        return _one_run(refine, words[1:])
    if words[0] == "batch":
        from jaxbragg.cli.batch_command import run as batch

        return _one_run(batch, words[1:])
    if words[0] == "benchmark":
        from jaxbragg.cli.benchmark_command import run as benchmark

        return _one_run(benchmark, words[1:])
    if words[0].startswith("-"):
        return _simulate(words)
    raise UsageError(f"unknown sub-command {words[0]!r}: known are {', '.join(pages.COMMANDS)}; see jaxbragg --help")


def _simulate(words: list[str]) -> int:
    from jaxbragg.cli.scanner import scan

    scanned = scan(words)
    if "help" in scanned:
        from jaxbragg.cli.help import simulate_help

        print(simulate_help())
        return 0
    prepare_jax(scanned.text("device"))
    from jaxbragg.cli.simulate_command import run

    return _one_run(run, scanned)


def _one_run(run: Callable[..., int], words: object) -> int:
    """Has the files that a command reads kept from what it writes."""
    if isinstance(words, list) and {"--help", "-h", "-help"} & {*words}:
        return run(words)  # which reads no file, and does not wait for numpy
    from jaxbragg.io.ledger import one_run

    with one_run():
        return run(words)


def _fail(message: str, status: int) -> int:
    try:
        sys.stdout.flush()  # what was said before comes before
    except OSError:
        silence(sys.stdout)
    complain(f"jaxbragg: {message}")
    return status


def _of_the_system(error: OSError) -> str:
    """What a refusal of the operating system means that is no reader's or writer's."""
    from jaxbragg.io.errors import reason_of

    try:
        os.getcwd()
    except OSError:
        return "the working folder is gone: it was removed or renamed while it was in use"
    return f"{'stdout' if error.filename is None else error.filename}: {reason_of(error)}"
