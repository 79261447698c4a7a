"""Read the code blocks of README and docs, and the comments that exclude blocks from the tests.

The tests run the bash and Python blocks. A comment before a block excludes the block, or one of its lines:

    <!-- not run: REASON -->
    <!-- line 1 not run: REASON -->
"""

import re
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PAGES = (CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", CHECKOUT / "leaderboard" / "results" / "README.md",
         *sorted((CHECKOUT / "docs").glob("*.md")))  # fmt: skip
LANGUAGES = ("bash", "python")
RUN_ELSEWHERE = {"kits.md": "tests/task/test_kits_slow.py", "sweep.md": "tests/leaderboard/test_sweep_run.py"}
"""Pages whose commands are run by other tests. Maps the page's file name to the test file."""

_BLOCK = re.compile(r"(?:^<!-- (?P<note>[^\n]*) -->\n+)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.M | re.S)
_NOTE = re.compile(r"(?:line (?P<line>\d+) )?not run: (?P<reason>\S.*)")


@dataclass(frozen=True)
class Block:
    """A code block of a page, in a language of `LANGUAGES`.

    Attributes:
        place: file and line at which the block starts.
        language: "bash" or "python".
        text: the whole text.
        skipped_line: number of the one line that is not run; None if there is none.
        reason: why the block or the line is not run; "" if the whole block is run.
    """

    place: str
    language: str
    text: str
    skipped_line: int | None = None
    reason: str = ""

    @property
    def to_run(self) -> str:
        """The text that is run; "" if nothing is run."""
        if self.reason and self.skipped_line is None:
            return ""
        lines = self.text.splitlines()
        return "\n".join(line for number, line in enumerate(lines, 1) if number != self.skipped_line)


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of a page. Raise ValueError if a comment before a block cannot be read."""
    text = page.read_text()
    found = []
    for match in _BLOCK.finditer(text):
        if match["language"] not in LANGUAGES:
            continue
        place = f"{page.relative_to(CHECKOUT)}:{text[: match.start('text')].count(chr(10))}"
        note = _NOTE.fullmatch(match["note"]) if match["note"] else None
        if match["note"] and not note:
            raise ValueError(f"{place}: cannot read <!-- {match['note']} -->")
        line = int(note["line"]) if note and note["line"] else None
        reason = note["reason"] if note else RUN_ELSEWHERE.get(page.name, "")
        found.append(Block(place, match["language"], match["text"], line, reason))
    return found


def commands_of(block: Block) -> list[str]:
    """Return all commands of a bash block, also those that are not run. Continued lines are one command."""
    joined = block.text.replace("\\\n", " ")
    parts = re.split(r"\n|&&", joined)
    return [" ".join(part.split(" #")[0].split()) for part in parts if part.strip()]
