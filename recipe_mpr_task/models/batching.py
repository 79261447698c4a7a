"""Group texts of similar length, so that a batch is padded to its longest text instead of a constant."""

from collections.abc import Iterator, Sequence


def batches_by_length(lengths: Sequence[int], max_tokens: int, max_rows: int | None = None) -> Iterator[list[int]]:
    """Group indices of texts, longest first, so that rows times the longest length is at most `max_tokens`.

    Args:
        lengths: token count of each text.
        max_tokens: most padded tokens in a batch; a single longer text is a batch of its own.
        max_rows: most texts in a batch, or None.

    Yields:
        Lists of indices into `lengths`, every index once. Texts of equal length keep the given order.
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
