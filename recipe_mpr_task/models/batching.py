"""Group texts of similar length into batches. Each batch then needs little padding."""

from collections.abc import Iterator, Sequence


def batches_by_length(lengths: Sequence[int], max_tokens: int, max_rows: int | None = None) -> Iterator[list[int]]:
    """Yield batches of text indices, the longest texts first.

    Args:
        lengths: number of tokens of each text.
        max_tokens: maximum number of tokens in a batch, padding included. A text of more than `max_tokens` tokens is
            alone in its batch.
        max_rows: maximum number of texts in a batch; None for no limit.

    Yields:
        A list of indices into `lengths`. Each index is in one batch. Texts of equal length keep the given order.
    """
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        longest = lengths[batch[0]] if batch else lengths[index]
        full = (len(batch) + 1) * longest > max_tokens or len(batch) == max_rows
        if batch and full:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
