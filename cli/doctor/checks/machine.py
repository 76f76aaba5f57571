"""What this machine is, and which kernels compute on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from homespun.cli.doctor.checks.finding import Finding, Patient, Problem, megabytes
from homespun.models.recommend import kept
from homespun.models.recommend.machine import (
    MachineFacts,
    free_memory_mb,
    int8_instructions,
    is_on_battery,
    load_per_core,
    machine_facts,
    strain,
)
from homespun.server.options import CompletionOptions
from homespun.settings import resolve


def check_machine(patient: Patient) -> Finding:
    """Ask ONNX Runtime for an int8 product, and the system for the rest."""
    from homespun.models.convert.quantize import int8_products_are_exact
    from homespun.models.runtime import onnxruntime

    options = resolve(CompletionOptions, "completion", workspace=patient.workspace).value
    machine = machine_facts(threads=options.threads)
    instructions = int8_instructions()
    bits = 8 if int8_products_are_exact() else 7
    runtime = onnxruntime()
    facts: dict[str, object] = {
        **machine.to_json(),
        "free_memory_mb": free_memory_mb(),
        "on_battery": is_on_battery(),
        "load_per_core": round(load_per_core(), 2),
        "int8_weight_bits": bits,
        "int8_instructions": list(instructions),
        "onnxruntime": runtime.__version__,
        "providers": list(runtime.get_available_providers()),
        "timing": _timing(machine),
    }
    threads = f"{machine.threads} threads" if machine.threads else "a thread a physical core"
    best = f" ({instructions[0]})" if instructions else ""
    free = free_memory_mb()
    memory = f", {megabytes(free * 1e6)} of {megabytes(machine.memory_mb * 1e6)} free" * bool(free)
    return Finding(
        line=f"{machine.processor}, {machine.cores} cores, {threads}, "
        f"int8 in {bits} bits{best}{memory}",
        facts=facts,
        problems=tuple(_problems()),
    )


def _problems() -> Iterator[Problem]:
    if now := strain():
        yield Problem(
            f"{now} (load {load_per_core():.1f} a core), so answers take longer than they could",
            "wait until that is over; homespun models recommend names what suits the machine now",
            is_broken=False,
        )


def _timing(machine: MachineFacts) -> dict[str, object] | None:
    """Return what `homespun models recommend` has kept of this machine, None where nothing."""
    speeds, _ = kept.kept(machine)
    return asdict(speeds) if speeds is not None else None
