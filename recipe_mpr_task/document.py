"""Define the type of an item's document. Tasks log documents, and the leaderboard parses logged documents."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from recipe_mpr_task.item import LETTERS, N_OPTIONS


def _are_letters(letters: list[str]) -> list[str]:
    if letters != list(LETTERS):
        raise ValueError(f"letters must be {list(LETTERS)}, in this order")
    return letters


_Texts = Annotated[list[str], Field(min_length=N_OPTIONS, max_length=N_OPTIONS)]
_OF_LOGS = {"query", "options", "letters"}
"""Fields that every logged document has. A document from a leaderboard's stored record lacks `query` and `letters`."""


class Document(BaseModel):
    """An item's document, as `recipe_mpr_task.task.record_of` makes it.

    In a document from a leaderboard's stored record, the query is an empty string. Each option is a placeholder with
    as many characters as the original text.
    """

    model_config = ConfigDict(strict=True, frozen=True)

    item_id: str
    option_ids: _Texts
    gold: Annotated[int, Field(ge=0, lt=N_OPTIONS)]
    query_types: list[str]
    query: str = ""
    options: _Texts = [""] * N_OPTIONS
    letters: Annotated[list[str], AfterValidator(_are_letters)] = list(LETTERS)
    seen_in_training: Literal[0, 1] | None = None

    @property
    def has_texts(self) -> bool:
        """Whether the query, the options and the letters were logged."""
        return self.model_fields_set >= _OF_LOGS

    def as_record(self) -> dict[str, Any]:
        """Return the document as a dictionary for templates and metrics, with the letter of the gold option."""
        return {**self.__dict__, "gold_letter": LETTERS[self.gold]}
