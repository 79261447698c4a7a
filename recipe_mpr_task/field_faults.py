"""Turn pydantic's validation errors into one line of text for each faulty field."""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

_LONGEST_PART = 40
_LONGEST_VALUE = 60


@dataclass(frozen=True)
class FieldFault:
    """One faulty field.

    Attributes:
        where: the field's path, such as "lora.r"; "" for a fault of the whole input.
        message: what is wrong with its value.
        kind: pydantic's name of the fault, such as "missing" or "extra_forbidden".
        value: the input.
    """

    where: str
    message: str
    kind: str
    value: Any

    def __str__(self) -> str:
        """Return "field: message"."""
        return f"{self.where}: {self.message}" if self.where else self.message

    @property
    def got(self) -> str:
        """The value as Python writes it, cut to 60 characters."""
        value = repr(self.value)
        return value if len(value) <= _LONGEST_VALUE else value[: _LONGEST_VALUE - 3] + "..."


def field_faults(error: ValidationError) -> list[FieldFault]:
    """Return every fault that a validation found, in pydantic's order."""
    return [
        FieldFault(
            # For a mapping's faulty key, pydantic adds a part "[key]" after the key.
            where=".".join(str(part)[:_LONGEST_PART] for part in fault["loc"] if part != "[key]"),
            message=fault["msg"].removeprefix("Value error, "),
            kind=fault["type"],
            value=fault["input"],
        )
        for fault in error.errors(include_url=False)
    ]
