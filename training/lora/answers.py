"""EDGE torch: what a model in training says behind one prompt, to many questions at once.

The prompt goes through the model once; its keys and values serve all answers of a batch.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from homespun.training.lora.model import LoraModel

_AT_ONCE = 100  # answers behind one prompt: their keys and values take 2 MB each at 0.5B
_PAD_TO = 8


def answer_logprobs(
    model: LoraModel, prompt: Sequence[int], answers: Sequence[Sequence[int]]
) -> list[float]:
    """Return the summed log-probability (nats) of each answer right behind the prompt.

    The prompt has two ids or more, each answer one or more.
    """
    import torch

    from homespun.training.lora.head_loss import head_losses

    found: list[float] = []
    with _asked(model) as inner:
        # All but the prompt's last id are read once; that one begins each row.
        read = _cache_of(inner, prompt[:-1], model.preset.device)
        for begin in range(0, len(answers), _AT_ONCE):
            some = answers[begin : begin + _AT_ONCE]
            cache = copy.deepcopy(read)
            cache.batch_repeat_interleave(len(some))
            width = -(-max(map(len, some)) // _PAD_TO) * _PAD_TO
            ids = torch.zeros((len(some), width), dtype=torch.long)
            for row, answer in enumerate(some):
                asked = [prompt[-1], *answer[:-1]]
                ids[row, : len(asked)] = torch.tensor(asked)
            hidden = _hidden(inner, ids.to(model.preset.device), cache)
            places = [(row, n) for row, answer in enumerate(some) for n in range(len(answer))]
            rows, columns = torch.tensor(places).T.to(hidden.device)
            wanted = torch.tensor([token for answer in some for token in answer])
            losses = head_losses(hidden[rows, columns], inner.lm_head, wanted.to(hidden.device))
            pieces = losses.split([len(answer) for answer in some])  # type: ignore[no-untyped-call]
            found += [-float(piece.sum()) for piece in pieces]
    return found


def written_behind(
    model: LoraModel, prompt: Sequence[int], *, samples: int, most_tokens: int, seed: int
) -> list[list[int]]:
    """Return what the model writes behind a prompt: greedily, then `samples` times by chance.

    Each has `most_tokens` ids, whatever ends among them; chance is that of the model (temperature
    1), and the same seed draws the same.
    """
    import torch

    device = model.preset.device
    generator = torch.Generator(device=device).manual_seed(seed)
    with _asked(model) as inner:
        cache = _cache_of(inner, prompt[:-1], device)
        cache.batch_repeat_interleave(samples + 1)
        last = torch.full((samples + 1, 1), prompt[-1], dtype=torch.long, device=device)
        written = []
        for _ in range(most_tokens):
            hidden = _hidden(inner, last, cache)[:, -1]
            shares = inner.lm_head(hidden.to(inner.lm_head.weight.dtype)).float().softmax(dim=-1)
            last = torch.multinomial(shares, 1, generator=generator)
            last[0] = shares[0].argmax()
            written.append(last)
    ids: list[list[int]] = torch.cat(written, dim=1).tolist()
    return ids


@contextlib.contextmanager
def _asked(model: LoraModel) -> Iterator[Any]:
    """Give the model without dropout and gradients; afterwards it learns again."""
    import torch

    model.model.eval()
    try:
        with torch.no_grad(), model.autocast():
            yield model.model.base_model.model
    finally:
        model.model.train()


def _cache_of(inner: Any, ids: Sequence[int], device: str) -> Any:  # noqa: ANN401
    """Return the keys and values of ids, at least one."""
    import torch

    asked = torch.tensor([list(ids)], device=device)
    return inner.model(input_ids=asked, use_cache=True).past_key_values


def _hidden(inner: Any, ids: Any, cache: Any) -> Any:  # noqa: ANN401
    return inner.model(input_ids=ids, past_key_values=cache, use_cache=True).last_hidden_state
