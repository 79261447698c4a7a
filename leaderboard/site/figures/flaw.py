"""Draw the accuracy of always answering "A", in file order and in the shuffled order."""

from typing import Any

from leaderboard.site.figures.style import BLUE, CHANCE, GREY, figure_of
from recipe_mpr_task.data import N_ITEMS
from recipe_mpr_task.item import LETTERS
from recipe_mpr_task.orders import pinned_items
from recipe_mpr_task.splits import scored_ids

_ORDERS = {"file": "order of the dataset's file", "shuffled": "shuffled order, used here"}


def share_of_first(order: str) -> float:
    """Return the accuracy of always answering "A" on the 500 items, a fraction. `order` is "file" or "shuffled"."""
    items = [pinned_items()[item_id] for item_id in scored_ids("all")]
    return sum(item.shown_ids(order)[0] == item.gold for item in items) / len(items)


def draw_flaw() -> Any:
    """Return a figure with one bar for each order."""
    figure, axes = figure_of(5.2, 1.7)
    for place, (order, label) in enumerate(_ORDERS.items()):
        share = 100 * share_of_first(order)
        axes.barh(place, share, color=GREY if order == "file" else BLUE, height=0.62)
        axes.annotate(f"{share:.0f}%", (share, place), (4, 0), textcoords="offset points", va="center", weight="bold")
        axes.annotate(label, (0, place), (-6, 0), textcoords="offset points", va="center", ha="right")
    axes.axvline(CHANCE, color="black", linestyle="--", linewidth=1)
    axes.annotate("chance", (CHANCE, 1), (0, 2), xycoords=("data", "axes fraction"), textcoords="offset points",
                  ha="center", color=GREY, fontsize=8)  # fmt: skip
    axes.set(xlim=(0, 112), xlabel=f'accuracy of always answering "{LETTERS[0]}" on the {N_ITEMS} items, %')
    axes.set_xticks(range(0, 101, 20))
    axes.set_yticks([])
    axes.invert_yaxis()
    return figure
