"""Make the files of a made-up site."""

NAMES = ("index.html", "leaderboard.json", "systems/a.html", "systems/b.html")


def site(mark: str, size: int = 1) -> list[tuple[str, str]]:
    """Return the names and texts of a site's files. Each text has `size` lines with `mark`."""
    return [(name, f"{mark}\n" * size) for name in NAMES]
