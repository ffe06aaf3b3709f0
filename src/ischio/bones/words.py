"""Counts in words, for what is said about a surface."""


def counted(n: int, thing: str, things: str | None = None) -> str:
    """Number and thing.

    Parameters
    ----------
    n : int
    thing : str
    things : str, optional
        Its plural, if not by an s.

    Examples
    --------
    >>> counted(1, "crumb"), counted(2000, "vertex", "vertices")
    ('1 crumb', '2,000 vertices')
    """
    return f"{n:,} {thing if n == 1 else things or thing + 's'}"
