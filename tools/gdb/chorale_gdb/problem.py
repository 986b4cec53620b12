"""What a command says instead of its answer."""


class Problem(Exception):
    """One line for the user."""
