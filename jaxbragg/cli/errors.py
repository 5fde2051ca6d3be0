"""What the command line raises for a wrong argument: caught in one place, printed as one line."""


class UsageError(Exception):
    """A command line that cannot be understood; its text is one line, and the program exits with status 2."""

    exit_status = 2

    def __init__(self, message: str) -> None:
        # an argument of the command line may hold a newline, or bytes that no terminal shows
        super().__init__("".join(c if c.isprintable() else ascii(c)[1:-1] for c in message))
