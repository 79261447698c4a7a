"""Define the links in the page's header: paper, dataset, lm-eval, and this project's repository and documentation."""

from importlib.metadata import PackageNotFoundError, metadata

_DISTRIBUTION = "lm-eval-recipe-mpr"
_FIXED = (
    ("Paper", "https://doi.org/10.1145/3539618.3591880"),
    ("Dataset", "https://github.com/D3Mlab/Recipe-MPR"),
    ("lm-eval", "https://github.com/EleutherAI/lm-evaluation-harness"),
)
_OWN = ("Repository", "Documentation")
"""Labels in `project.urls` of pyproject.toml. The page omits labels that pyproject.toml lacks."""


def links() -> tuple[tuple[str, str], ...]:
    """Return (label, https address) pairs, in the order of the page's header."""
    try:
        urls = metadata(_DISTRIBUTION).get_all("Project-URL") or []
    except PackageNotFoundError:
        urls = []
    named = dict(url.split(", ", 1) for url in urls if ", " in url)
    own = ((label, named[label]) for label in _OWN if named.get(label, "").startswith("https://"))
    return (*_FIXED, *own)
