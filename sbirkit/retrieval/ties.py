"""What a rank means among equal scores: five rules, each a change of the ranks."""

from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from .ranks import Counts, Ranks, where

Ties = Literal["expected", "grouped", "best", "worst", "averaged"]
RULES: tuple[Ties, ...] = get_args(Ties)


def break_ties(ranks: Ranks, rule: Ties, rng: np.random.Generator | None = None) -> Ranks:
    r"""Give every relevant item one rank of its own.

    ``best`` puts the relevant items of a level first, ``worst`` last, ``averaged`` draws one random order.
    ``grouped`` lets a whole level share the rank of its last item, as scikit-learn's thresholds do.
    ``expected`` is no order but the mean over all of them: the ranks stay, the metrics know the closed forms.

    >>> level = np.array([[3]])  # one relevant item among three of equal score
    >>> ranks = Ranks(0 * level, level, 0 * level, 0 * level + 1, relevant=1, gallery=5)
    >>> [int(break_ties(ranks, rule).upto[0, 0]) for rule in ("best", "worst", "grouped")]
    [1, 3, 3]
    """
    if rule == "expected":
        return ranks
    if rule == "grouped":
        return replace(ranks, above=np.maximum(ranks.upto, 1) - 1, before=ranks.through - 1)
    items = ranks.items()
    if rule == "averaged":
        return random_orders(items, rng or np.random.default_rng(0), 1)[0]
    first = rule == "best"
    return _in_order(items, items.above - items.before if first else items.upto - items.through)


def random_orders(items: Ranks, rng: np.random.Generator, n: int) -> list[Ranks]:
    """``n`` draws of an order of the equal scores.

    A random order is one of uniform keys: the gap before the next of ``c`` relevant keys is a share
    ``Beta(1, c)`` of what is left of the level, and each irrelevant item left falls into it that often.
    """
    row, column = where(items.mixed())
    nth = column - items.before[row, column]  # 0, 1, ... within the level
    left = (items.through - items.before)[row, column] - nth
    others = (items.upto - items.above)[row, column] - left - nth
    share = 1 - rng.random((n, len(row))) ** (1 / left)
    passed = np.zeros((n, *items.above.shape), np.int64)  # irrelevant ones of the level, before each item
    turn = np.argsort(nth, kind="stable")
    for now in np.split(turn, np.flatnonzero(np.diff(nth[turn])) + 1):
        i, j = row[now], column[now]
        already = np.where(nth[now] > 0, passed[:, i, j - 1], 0)
        passed[:, i, j] = already + rng.binomial(others[now] - already, share[:, now])
    return [_in_order(items, items.above - items.before + ahead) for ahead in passed]


def _in_order(items: Ranks, ahead: Counts) -> Ranks:
    """Ranks from the number of irrelevant items before each relevant one."""
    place = np.broadcast_to(np.arange(items.relevant), ahead.shape)
    above = ahead + place
    return replace(items, above=above, upto=above + 1, before=place, through=place + 1)
