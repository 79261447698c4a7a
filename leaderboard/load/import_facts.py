"""Define the facts that an importer states about a system. A record of imported predictions has these facts."""

from typing import Annotated

from pydantic import Field

from recipe_mpr_task.result_records import Count, ShortText, Tolerant


class ImportFacts(Tolerant):
    """The facts that an importer states about a system, in addition to its choices.

    Attributes:
        source: where the answers were published, a URL or a text.
        published: date of the source, as YYYY-MM-DD.
        note: the importer's note for readers.
        set_name: the importer's name of a set of items that is not a task of this benchmark.
        claimed: the accuracy that the source states, a fraction.
        n_by_letters: number of items with only two letters in the file: the answered and the right option's letter.
            None if the number is 0.
        n_seen_named: number of items, scored or not, that the importer names as used for training or in the prompt;
            None if not stated.
    """

    source: ShortText | None = None
    published: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None
    note: ShortText | None = None
    set_name: ShortText | None = None
    claimed: Annotated[float, Field(ge=0, le=1, strict=False)] | None = None
    n_by_letters: Count | None = None
    n_seen_named: Count | None = None
