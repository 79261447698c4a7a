"""Read an accuracy from the command line, in percent or as a fraction."""

from typing import Any

import click


class Accuracy(click.ParamType[float]):
    """An accuracy as a fraction in [0, 1].

    A number up to 1 is read as a fraction. A larger number, or a number with a percent sign, is read as a percentage.
    For example, 0.75, 75 and 75% are equal, and 1% is 0.01.
    """

    name = "accuracy"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Return the placeholder for the help text."""
        return "ACCURACY"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the accuracy as a fraction. Raise a usage error if the value is not an accuracy."""
        text = str(value).strip()
        try:
            number = float(text.removesuffix("%"))
        except ValueError:
            number = -1.0
        fraction = number / 100 if text.endswith("%") or number > 1 else number
        if not 0 <= fraction <= 1:
            self.fail(
                f"{text!r} is not an accuracy; expected a fraction or a percentage, such as 0.75 or 75%", param, ctx
            )
        return fraction


ACCURACY = Accuracy()
