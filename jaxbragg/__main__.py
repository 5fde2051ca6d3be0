"""`python -m jaxbragg`: the command, where the interpreter is known and the command is not on the path."""

import sys

from jaxbragg.cli import main

if __name__ == "__main__":
    sys.exit(main())
