"""Who takes a training step: one process alone, or several together, each with its share.

A step together is the step alone: every process computes the gradients of its part of the batch,
the parts are added up, and all take the same step from the same sum (data parallelism). accelerate
opens the group and picks device and transport: NCCL between GPUs, Gloo between processors. A group
is started by us (`launch.py`), or by torchrun and whatever else sets its variables.

A process alone asks accelerate nothing: its `PartialState` is one for the whole process and stays
what it was at first, and the variables of an MPI job would have it wait for others.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from homespun.models.telemetry import keep_from_hub
from homespun.training.errors import TrainingFailed

if TYPE_CHECKING:
    import torch

_T = TypeVar("_T")
# Those of one machine are heard by nobody else.
_LOOPBACK = {"GLOO_SOCKET_IFNAME": "lo", "NCCL_SOCKET_IFNAME": "lo"}
# What torchrun sets (https://docs.pytorch.org/docs/stable/elastic/run.html), and whatever else
# starts a process a machine (Kubernetes' PyTorchJob) but for those of `_HERE`.
_NUMBERS = ("RANK", "WORLD_SIZE")
_MEETING = ("MASTER_ADDR", "MASTER_PORT")
_HERE = {"LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1"}
_THIS_MACHINE = ("127.", "::1", "localhost")
_PATIENCE = timedelta(days=7)  # for what the first process does alone: a dataset, an evaluation


class ProcessGroup:
    """The processes that learn together, as one of them sees it; without a state it is alone."""

    def __init__(self, state: Any = None) -> None:  # noqa: ANN401  (accelerate is optional)
        """Take part in the group that accelerate's `state` has opened."""
        self.rank = 0 if state is None else state.process_index
        self.size = 1 if state is None else state.num_processes
        self.is_busy = False  # the others are at work, and listen to no word
        self._state = state
        self._talk = None
        if state is not None:
            from torch.distributed import new_group

            # GPUs would spin while they wait for a word, and give up after minutes.
            self._talk = new_group(backend="gloo", timeout=_PATIENCE)

    @classmethod
    def joined(cls, rank: int, size: int, *, device: str, meeting: Path) -> ProcessGroup:
        """Join the others of this machine as number `rank` of `size`.

        All give the same `meeting`, a file that is not there before. `device` is "cpu" or "cuda";
        "cuda" means the GPU of this process from now on.
        """
        ranks = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": size, "LOCAL_WORLD_SIZE": size}
        os.environ.update(_LOOPBACK | {name: str(value) for name, value in ranks.items()})
        meeting_place = meeting.absolute().as_uri()
        return cls(_opened(size, device, init_method=meeting_place, rank=rank, world_size=size))

    @classmethod
    def of_torchrun(cls, device: str) -> ProcessGroup:
        """Join those that torchrun has started; all of them meet here. `device` as in `joined`."""
        for name, alone in _HERE.items():
            os.environ[name] = os.environ.get(name) or alone
        here, size, rank = (_number(name) for name in ("LOCAL_WORLD_SIZE", "WORLD_SIZE", "RANK"))
        if not (rank < size and 0 < here <= size):
            raise TrainingFailed(
                f"RANK={rank}, WORLD_SIZE={size} and LOCAL_WORLD_SIZE={here} cannot be together; "
                "leave them to torchrun, or unset RANK to learn alone"
            )
        if here == size or os.environ["MASTER_ADDR"].startswith(_THIS_MACHINE):
            for name, interface in _LOOPBACK.items():
                os.environ.setdefault(name, interface)
        state = _opened(here, device)
        atexit.register(state.destroy_process_group)
        return cls(state)

    @property
    def is_first(self) -> bool:
        """Whether this process writes the files and tells how it goes."""
        return self.rank == 0

    def share(self, items: Sequence[_T]) -> list[_T]:
        """Return what falls to this process: every `size`-th item, so like lengths to all."""
        return list(items[self.rank :: self.size])

    def add_up(self, tensors: Sequence[torch.Tensor]) -> None:
        """Put the sum over all processes into each tensor; they travel as one."""
        if self._state is None:
            return
        import torch

        whole = torch.cat([tensor.reshape(-1) for tensor in tensors])
        torch.distributed.all_reduce(whole)
        sizes = [tensor.numel() for tensor in tensors]
        parts = whole.split(sizes)  # type: ignore[no-untyped-call]
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    def agreed(self, value: _T) -> _T:
        """Return the first process's value, picklable; they wait for each other here."""
        if self._state is None:
            return value
        from torch.distributed import broadcast_object_list

        values = [value]
        broadcast_object_list(values, src=0, group=self._talk)
        return values[0]

    def leave(self) -> None:
        """End the group."""
        if self._state is not None:
            self._state.destroy_process_group()


def is_started_by_torchrun(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this process is one of several that were started to learn together."""
    known = all(environment.get(name) for name in (*_NUMBERS, *_MEETING))
    return known and environment["WORLD_SIZE"] != "1"


def is_first_process() -> bool:
    """Whether this process is alone, or the one of torchrun's that tells how it goes."""
    return not is_started_by_torchrun() or _number("RANK") == 0


def processes_here() -> int:
    """Return how many of torchrun's processes are on this machine; 1 where it started none."""
    if not is_started_by_torchrun() or not os.environ.get("LOCAL_WORLD_SIZE"):
        return 1
    return _number("LOCAL_WORLD_SIZE")


def _number(name: str) -> int:
    value = os.environ[name]
    if not value.isdecimal():
        raise TrainingFailed(f"{name}={value!r} is no number; torchrun sets it, leave it to that")
    return int(value)


def _opened(here: int, device: str, **how: object) -> Any:  # noqa: ANN401
    """Open the group, of which `here` processes are on this machine."""
    if device == "cpu":
        _divide_processor(here)
    keep_from_hub()
    from accelerate import PartialState

    return PartialState(cpu=device == "cpu", **how)


def _divide_processor(size: int) -> None:
    import torch

    threads = max((os.cpu_count() or 1) // size, 1)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    torch.set_num_threads(threads)
