"""Multi-head attention (Vaswani et al., "Attention Is All You Need", 2017) from tokens to themselves or to others.

The numbers of torch's MultiheadAttention with bias, batch first, in the arrangement of its weights: checked in
tests/lib/nets/test_attention.py. Three things differ: each of its parameters can be drawn alone, heads are split
without copies, and what a whole batch attends to meets the projections before the tokens do.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class InProjection(nn.Linear):
    """Queries, keys and values, one above the other; drawn as one matrix, with a bias that starts at zero."""

    def reset_parameters(self) -> None:
        """Glorot & Bengio 2010, uniform."""
        nn.init.xavier_uniform_(self.weight)
        nn.init.zeros_(self.bias)


class OutProjection(nn.Linear):
    """torch's default weight, and a bias that starts at zero."""

    def reset_parameters(self) -> None:
        """Draw the weight, clear the bias."""
        super().reset_parameters()
        nn.init.zeros_(self.bias)


class Attention(nn.Module):
    """softmax(Q Kᵀ / √d) V in several heads of d = width / heads; dropout is on the attention's weights."""

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.in_proj = InProjection(width, 3 * width)
        self.out_proj = OutProjection(width, width)

    def forward(self, x: Tensor, source: Tensor | None = None) -> Tensor:
        """(B, T, D) tokens, that attend to themselves or to `source` (P, D), the same for all B -> (B, T, D)."""
        return self._to_themselves(x) if source is None else self._to_source(x, source)

    def _to_themselves(self, x: Tensor) -> Tensor:
        query, key, value = self.in_proj(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(
            query, key, value, dropout_p=self.dropout if self.training else 0.0
        )
        out: Tensor = self.out_proj(attended.transpose(1, 2).flatten(2))
        return out

    def _to_source(self, x: Tensor, source: Tensor) -> Tensor:
        """Two thin products a token, as (x Wq) Kᵀ = x (Wq Kᵀ) and (A V) Wo = A (V Wo): a third of the time.

        Heads stand behind the source in A, for torch's softmax is slow along a short last dimension.
        """
        per_head, width = (self.heads, -1), x.shape[-1]
        asking, told = self.in_proj.weight.split([width, 2 * width])
        asking_bias, told_bias = self.in_proj.bias.split([width, 2 * width])
        key, value = (
            functional.linear(source, told, told_bias).unflatten(-1, (2, *per_head)).permute(1, 2, 0, 3)
        )
        key = key * key.shape[-1] ** -0.5
        keys = _behind(key @ asking.unflatten(0, per_head))
        offsets = _behind(key @ asking_bias.unflatten(0, per_head).unsqueeze(-1))
        values = _behind(value @ self.out_proj.weight.T.unflatten(0, per_head))
        scores = functional.linear(x, keys, offsets.squeeze(-1)).unflatten(-1, (-1, self.heads))
        weights = functional.dropout(scores.softmax(-2), self.dropout, self.training).flatten(2)
        return functional.linear(weights, values.T, self.out_proj.bias)


def _behind(of_heads: Tensor) -> Tensor:
    """(heads, P, D) -> (P · heads, D)."""
    return of_heads.transpose(0, 1).flatten(0, 1)
