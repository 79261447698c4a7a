"""Turn a pydantic validation error into one line of text per fault."""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

_LONGEST_PART = 40
_LONGEST_VALUE = 60


@dataclass(frozen=True)
class FieldFault:
    """One fault in one field.

    Attributes:
        where: path of the field, such as "lora.r"; "" if the fault is in the input as a whole.
        message: what is wrong with the field's value.
        kind: pydantic's name for this type of fault, such as "missing" or "extra_forbidden".
        value: the faulty value. For a missing field, the mapping that lacks the field.
    """

    where: str
    message: str
    kind: str
    value: Any

    def __str__(self) -> str:
        """Return "where: message", or only the message if `where` is ""."""
        return f"{self.where}: {self.message}" if self.where else self.message

    @property
    def got(self) -> str:
        """The `repr` of the value, cut to 60 characters."""
        value = repr(self.value)
        return value if len(value) <= _LONGEST_VALUE else value[: _LONGEST_VALUE - 3] + "..."


def field_faults(error: ValidationError) -> list[FieldFault]:
    """Return all faults in a validation error, in pydantic's order."""
    return [
        FieldFault(
            # If a mapping's key is faulty, pydantic adds "[key]" to the path. Omit this part.
            where=".".join(str(part)[:_LONGEST_PART] for part in fault["loc"] if part != "[key]"),
            message=fault["msg"].removeprefix("Value error, "),
            kind=fault["type"],
            value=fault["input"],
        )
        for fault in error.errors(include_url=False)
    ]
