"""The one exception a user is meant to read."""


class TicketsError(Exception):
    """Something a user can put right.

    The message names the file or key, says what is wrong with it and what to do. The command line prints it
    without a traceback and exits with status 1; library callers may catch it.
    """
