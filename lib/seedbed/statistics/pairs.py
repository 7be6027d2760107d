"""What a trial did on pairs of units: faces or voices of two identities each, and how alike it found them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class PairBlock:
    """N pairs of units, sorted by their score: `members` (N, 2) says of which units, `tallies` (N, K) what they are.

    Identities are drawn, never pairs: one identity stands in many pairs, so that pairs drawn by themselves would
    count it as many.
    """

    units: tuple[str, ...]
    members: NDArray[np.int_]
    tallies: NDArray[np.float64]
    starts: NDArray[np.int_]
    """(S,): where each of the S distinct scores begins."""

    def drawn(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """(D, S, K): the tallies at each score, for `times` (D, units): how often each unit is in a draw.

        A pair of two units counts by the product of their times, one of a single unit as often as that unit: a
        unit that is drawn twice is two strangers who look alike, and nobody knows what their pair would score.
        Owen, The pigeonhole bootstrap, Annals of Applied Statistics 1 (2007), for the product.
        """
        import numpy as np

        one, other = self.members.T
        across = np.ascontiguousarray(
            times.T
        )  # a pair's weights in all draws side by side: three times as fast
        weights = across[one]
        apart = np.flatnonzero(one != other)
        weights[apart] *= across[other[apart]]
        sums = [np.add.reduceat(weights * tally[:, None], self.starts) for tally in self.tallies.T]
        return np.stack(sums).transpose(2, 1, 0)


def pair_block(
    pairs: NDArray[np.str_], tallies: NDArray[np.float64], scores: NDArray[np.float64]
) -> PairBlock:
    """Pairs (N, 2) of units by name, with the tallies (N, K) and the score (N,) of each."""
    import numpy as np

    order = np.argsort(scores, kind="stable")
    names, members = np.unique(pairs, return_inverse=True)
    _, starts = np.unique(scores[order], return_index=True)
    return PairBlock(tuple(names.tolist()), members.reshape(pairs.shape)[order], tallies[order], starts)
