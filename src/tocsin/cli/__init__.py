"""The command line, one file a command group."""

import errno
import gc
import sys


def main() -> None:
    """Run `tocsin`. What is wrong goes to stderr as a sentence; exit codes: 0 ok, 1 findings or failed, 2 usage or bad input."""
    # Nothing that is made while modules load is garbage: looking for it takes a sixth of the start.
    gc.disable()
    from tocsin.cli.application import application
    from tocsin.cli.say import complain
    from tocsin.core.errors import TocsinError, Unavailable

    gc.enable()
    try:
        application()(prog_name="tocsin")
    except TocsinError as error:
        sys.exit(complain(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        sys.exit(complain(Unavailable("The disk is full.", hint="Make room, and say it again.")))
