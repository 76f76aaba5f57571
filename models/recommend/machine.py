"""What a machine is: the facts that a timing belongs to, and what is true only now.

Memory is asked of Linux and, for the whole, of POSIX; 0 means that the system does not say. Whether
a battery feeds the machine is asked of Linux alone.
"""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from homespun.cores import logical_cores, within_cores

ON_BATTERY = "the machine runs on battery"
UNDER_LOAD = "the machine is under load"
_LOAD_BEGINS, _LOAD_ENDS = 2.0, 1.25  # by the minute's average, per core
_CPU_INFO = Path("/proc/cpuinfo")
_MEMORY_INFO = Path("/proc/meminfo")
_POWER = Path("/sys/class/power_supply")
# What int8 kernels look for, the widest first; before VNNI, x86 sums u8 x s8 in 16 bits.
_INT8_INSTRUCTIONS = ("amx_int8", "avx512_vnni", "avx_vnni", "avx2", "i8mm", "asimddp")


@dataclass(frozen=True, slots=True)
class MachineFacts:
    """What a timing stands for; where one of these is another, the machine is timed anew."""

    processor: str
    cores: int  # logical
    memory_mb: int  # all of it; 0 where the system does not say
    threads: int  # of the model; 0 = one per physical core
    version: str  # of homespun, and with it of its engine and catalogue

    def to_json(self) -> dict[str, object]:
        """Return the JSON object of `homespun models recommend --json`."""
        return asdict(self)


def machine_facts(*, threads: int) -> MachineFacts:
    """Return the facts of this machine for a model that gets so many threads."""
    return MachineFacts(
        processor=_processor(_CPU_INFO),
        cores=logical_cores(),
        memory_mb=_memory_mb("MemTotal", _MEMORY_INFO) or _physical_memory_mb(),
        threads=within_cores(threads),
        version=version("homespun"),
    )


def free_memory_mb(memory_info: Path = _MEMORY_INFO) -> int:
    """Return the memory that new programs can have without swapping; 0 where nobody says."""
    return _memory_mb("MemAvailable", memory_info)


def int8_instructions(cpu_info: Path = _CPU_INFO) -> tuple[str, ...]:
    """Return which instructions for int8 products the processor has, by Linux' names, widest first.

    Empty where the system does not say. What ONNX Runtime makes of them only a product tells
    (`models/convert/quantize.py`).
    """
    for line in _text(cpu_info).splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):  # of x86 and of ARM
            flags = set(value.split())
            return tuple(each for each in _INT8_INSTRUCTIONS if each in flags)
    return ()


def is_on_battery(power: Path = _POWER) -> bool:
    """Say whether a battery of the machine itself, not of a mouse, is being discharged."""
    return any(
        _text(supply / "type") == "Battery"
        and _text(supply / "scope") != "Device"
        and _text(supply / "status") == "Discharging"
        for supply in (sorted(power.iterdir()) if power.is_dir() else ())
    )


def load_per_core() -> float:
    """Return how many others want each core, by the last minute; 0 where the system is silent."""
    try:
        return os.getloadavg()[0] / logical_cores()
    except (AttributeError, OSError):  # Windows; a system that does not say
        return 0.0


def strain(*, was: str = "") -> str:
    """Say why this machine is to be spared now, "" where it is not; `was` is what was said before.

    What counts as load is others' beside the model, which takes a core each at most while it works;
    it ends only well below where it began, so that nothing goes back and forth.
    """
    if is_on_battery():
        return ON_BATTERY
    return UNDER_LOAD if load_per_core() > (_LOAD_ENDS if was else _LOAD_BEGINS) else ""


def _processor(cpu_info: Path) -> str:
    for line in _text(cpu_info).splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.processor() or platform.machine()


def _memory_mb(name: str, memory_info: Path) -> int:
    """Return a line of `/proc/meminfo`, which counts in KiB."""
    for line in _text(memory_info).splitlines():
        key, _, value = line.partition(":")
        if key == name and value.split()[:1] and value.split()[0].isdigit():
            return int(value.split()[0]) * 1024 // 1_000_000
    return 0


def _physical_memory_mb() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1_000_000
    except (AttributeError, ValueError, OSError):  # Windows; a system without these names
        return 0


def _text(path: Path) -> str:
    """Return a small file of the kernel; "" where it is not there or cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
