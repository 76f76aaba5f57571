"""EDGE torch: the loss of many tokens, without the logits of all of them in memory at once.

Logits of a token are 150,000 numbers, and a backward pass would keep them for every learned token.
The output layer is frozen, so each chunk's gradient is made as soon as its logits are there, and
only that is kept: as many numbers as the hidden state has (Hsu et al., "Liger Kernel", arXiv
2410.10989, does so for one mean loss; here every token has a loss of its own).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

_ROWS_AT_ONCE = 512  # rows of logits: (rows, vocabulary) float32 is 300 MB


def head_losses(hidden: torch.Tensor, head: Any, wanted: torch.Tensor) -> torch.Tensor:  # noqa: ANN401
    """Return the loss of each row in nats, `(n,)` float32.

    `hidden` is `(n, hidden)`, `wanted` the ids `(n,)`, `head` a frozen linear layer without a bias.
    """
    found: torch.Tensor = _head_loss().apply(hidden, head.weight, wanted)
    return found


@functools.cache
def _head_loss() -> Any:  # noqa: ANN401  (torch is optional, and its class wants it here)
    import torch

    class HeadLoss(torch.autograd.Function):
        @staticmethod
        def forward(
            context: Any,  # noqa: ANN401  (torch's)
            hidden: torch.Tensor,
            weight: torch.Tensor,
            wanted: torch.Tensor,
        ) -> torch.Tensor:
            losses = torch.empty(len(wanted), dtype=torch.float32, device=hidden.device)
            slopes = torch.empty_like(hidden) if context.needs_input_grad[0] else None
            for start in range(0, len(wanted), _ROWS_AT_ONCE):
                rows = slice(start, start + _ROWS_AT_ONCE)
                logits = torch.nn.functional.linear(hidden[rows].to(weight.dtype), weight).float()
                ids = wanted[rows].unsqueeze(1)
                norm = logits.logsumexp(dim=1, keepdim=True)
                losses[rows] = (norm - logits.gather(1, ids)).squeeze(1)
                if slopes is not None:
                    shares = logits.sub_(norm).exp_()
                    shares.scatter_add_(1, ids, shares.new_full(ids.shape, -1.0))
                    slopes[rows] = (shares.to(weight.dtype) @ weight).to(hidden.dtype)
            if slopes is not None:
                context.save_for_backward(slopes)
            return losses

        @staticmethod
        def backward(
            context: Any,  # noqa: ANN401
            *gradients: torch.Tensor,
        ) -> tuple[torch.Tensor, None, None]:
            (slopes,) = context.saved_tensors
            return slopes * gradients[0].unsqueeze(1).to(slopes.dtype), None, None

    return HeadLoss
