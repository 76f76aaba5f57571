"""Who takes a training step: one process alone, or several together, each with its share.

A step together is the step alone: every process computes the gradients of its part of the batch,
the parts are added up, and all take the same step from the same sum (data parallelism). accelerate
opens the group and picks device and transport: NCCL between GPUs, Gloo between processors.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from homespun.models.telemetry import keep_from_hub

if TYPE_CHECKING:
    import torch

_T = TypeVar("_T")
# All of them are on one machine, and nobody else is to hear them.
_LOOPBACK = {"GLOO_SOCKET_IFNAME": "lo", "NCCL_SOCKET_IFNAME": "lo"}


class ProcessGroup:
    """One process, that takes its steps alone."""

    rank = 0
    size = 1

    @property
    def is_first(self) -> bool:
        """Whether this process writes the files and tells how it goes."""
        return self.rank == 0

    def share(self, items: Sequence[_T]) -> list[_T]:
        """Return what falls to this process: every `size`-th item, so like lengths to all."""
        return list(items[self.rank :: self.size])

    def add_up(self, tensors: Sequence[torch.Tensor]) -> None:
        """Put the sum over all processes into each tensor."""

    def agreed(self, value: _T) -> _T:
        """Return the first process's value; they wait for each other here."""
        return value


class Together(ProcessGroup):
    """One of several processes of a machine."""

    def __init__(self, rank: int, size: int, *, device: str, meeting: Path) -> None:
        """Join the others as number `rank` of `size`.

        All give the same `meeting`, a file that is not there before. `device` is "cpu" or "cuda";
        "cuda" means the GPU of this process from now on.
        """
        ranks = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "LOCAL_WORLD_SIZE": size}
        os.environ.update(_LOOPBACK | {name: str(value) for name, value in ranks.items()})
        if device == "cpu":
            _divide_processor(size)
        keep_from_hub()
        from accelerate import PartialState

        self._state = PartialState(
            cpu=device == "cpu",
            init_method=meeting.absolute().as_uri(),
            rank=rank,
            world_size=size,
        )
        self.rank, self.size = rank, size

    def add_up(self, tensors: Sequence[torch.Tensor]) -> None:
        """Put the sum over all processes into each tensor; they travel as one."""
        import torch
        from accelerate.utils import reduce

        whole = reduce(torch.cat([tensor.reshape(-1) for tensor in tensors]), reduction="sum")
        parts = whole.split([tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    def agreed(self, value: _T) -> _T:
        """Return the first process's value; they wait for each other here."""
        from accelerate.utils import broadcast_object_list

        (agreed,) = broadcast_object_list([value])
        return agreed  # type: ignore[no-any-return]

    def leave(self) -> None:
        """End the group."""
        self._state.destroy_process_group()


def _divide_processor(size: int) -> None:
    import torch

    threads = max((os.cpu_count() or 1) // size, 1)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    torch.set_num_threads(threads)
