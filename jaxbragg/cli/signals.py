"""How Ctrl-C and a request to end stop a command: promptly, and with nothing half written.

Python handles a signal between two of its own steps, and an image without a progress bar is one step, of hours maybe.
So a thread waits for signals beside the computation: where the main thread does not end the command by itself, the
thread removes what is unfinished and ends the process. A process that had JAX before us is somebody else's: there,
signals stay as they are.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator

GRACE = 0.5  # [s] for the main thread to end the command by itself
_ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Ended(BaseException):
    """A request to end: SIGTERM, or SIGHUP where the terminal has gone."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(signal.Signals(number).name)


@contextlib.contextmanager
def prompt_end(spared: int = 0, grace: float = GRACE) -> Iterator[None]:
    """Has signals end what is inside at once, if this process is ours.

    Args:
        spared: How many times Ctrl-C is left to the main thread alone, which does something else with it.
        grace: For how long the main thread may end by itself [s].

    Raises:
        Ended: Came from outside.
    """
    ours = "jax" not in sys.modules and sys.platform != "win32"  # where signals wake no pipe
    if not ours or threading.current_thread() is not threading.main_thread():
        yield
        return
    came, wake = os.pipe()
    os.set_blocking(wake, False)
    seen, left = threading.Event(), threading.Event()
    threading.Thread(target=_watch, args=(came, spared, grace, seen, left), daemon=True).start()
    woken = signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    handled = [number for number in _ENDING if signal.getsignal(number) == signal.SIG_DFL]
    for number in handled:
        signal.signal(number, _end)
    try:
        yield
    finally:
        left.set()
        if not seen.is_set():  # else the thread has the last word: the interpreter's own end may wait for JAX
            for number in handled:
                signal.signal(number, signal.SIG_DFL)
            signal.set_wakeup_fd(woken)
            os.close(wake)


def _end(number: int, frame: object) -> None:
    del frame
    raise Ended(number)


def _watch(came: int, spared: int, grace: float, seen: threading.Event, left: threading.Event) -> None:
    while number := os.read(came, 1):
        if number[0] == signal.SIGINT and spared > 0:
            spared -= 1
        elif number[0] in (signal.SIGINT, *_ENDING):
            seen.set()
            threading.Event().wait(grace)
            _leave(number[0], silent=left.is_set())
    os.close(came)


def _leave(number: int, *, silent: bool) -> None:
    # Not imported here: what has never been imported has left nothing behind.
    atomic = sys.modules.get("jaxbragg.io.atomic")
    with contextlib.nullcontext() if atomic is None else atomic.discard_unfinished():
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            if not silent:
                how = "interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}"
                os.write(2, f"jaxbragg: {how}: nothing is half written\n".encode())
        os._exit(128 + number)
