"""Files of a made-up site."""

NAMES = ("index.html", "leaderboard.json", "systems/a.html", "systems/b.html")


def site(mark: str, size: int = 1) -> list[tuple[str, str]]:
    """Return the files of a site, each filled with lines that say `mark`."""
    return [(name, f"{mark}\n" * size) for name in NAMES]
