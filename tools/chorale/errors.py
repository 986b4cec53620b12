"""What can go wrong in a way that the user should read about, not debug."""


class Failure(Exception):
    """A step failed. `log` is the file that holds the whole story, `tail` whether to show its end."""

    def __init__(self, message, log=None, tail=True):
        super().__init__(message)
        self.log = log
        self.tail = tail


class UsageError(Exception):
    """The command line was wrong: one line and exit status 2."""
