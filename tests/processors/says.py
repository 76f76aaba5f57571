"""What the processor that runs this says it has, and what the product makes of it: JSON.

python says.py                              what it has
python says.py --cpuinfo IMPLEMENTER PART   arm64: the same as Linux writes it in /proc/cpuinfo
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import sys

X86 = ("SSE42", "AVX", "AVX2", "FMA3", "AVX512F", "AVX512VNNI")
ARM = ("asimd", "asimddp", "sve", "i8mm", "bf16")
# The kernel's names of the bits that it tells each program at its start: <asm/hwcap.h>.
HWCAP = (
    *("fp", "asimd", "evtstrm", "aes", "pmull", "sha1", "sha2", "crc32", "atomics", "fphp"),
    *("asimdhp", "cpuid", "asimdrdm", "jscvt", "fcma", "lrcpc", "dcpop", "sha3", "sm3", "sm4"),
    *("asimddp", "sha512", "sve", "asimdfhm", "dit", "uscat", "ilrcpc", "flagm", "ssbs", "sb"),
    *("paca", "pacg"),
)
HWCAP2 = (
    *("dcpodp", "sve2", "sveaes", "svepmull", "svebitperm", "svesha3", "svesm4", "flagm2"),
    *("frint", "svei8mm", "svef32mm", "svef64mm", "svebf16", "i8mm", "bf16"),
)
AT_HWCAP, AT_HWCAP2 = 16, 26


def main() -> None:
    """Print one of the two."""
    if sys.argv[1:2] == ["--cpuinfo"]:
        print(cpuinfo(*sys.argv[2:]), end="")
    else:
        print(json.dumps(says()))


def says() -> dict[str, object]:
    """Return flags, the BLAS kernel and the width of the weights."""
    import numpy as np

    from homespun.models.convert.quantize import int8_products_are_exact

    is_x86 = platform.machine() == "x86_64"
    has = x86_features() if is_x86 else set(arm_features())
    return {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "flags": {name.lower(): name in has for name in (X86 if is_x86 else ARM)},
        "numpy": np.__version__,
        "openblas": openblas_core(),
        "exact": int8_products_are_exact(),
    }


def x86_features() -> set[str]:
    """Ask numpy, which asks the processor; /proc/cpuinfo is the host's."""
    from numpy._core._multiarray_umath import __cpu_features__

    return {name for name, is_there in __cpu_features__.items() if is_there}


def arm_features() -> list[str]:
    """Return what the kernel told this process, in the order of the bits."""
    libc = ctypes.CDLL(None)
    libc.getauxval.restype, libc.getauxval.argtypes = ctypes.c_ulong, [ctypes.c_ulong]
    return [
        name
        for entry, names in ((AT_HWCAP, HWCAP), (AT_HWCAP2, HWCAP2))
        for bit, name in enumerate(names)
        if libc.getauxval(entry) >> bit & 1
    ]


def openblas_core() -> str:
    """Return which of its kernels numpy's OpenBLAS has chosen."""
    import glob

    import numpy as np

    (library,) = glob.glob(os.path.join(np.__path__[0], "..", "numpy.libs", "*openblas*"))
    ask = ctypes.CDLL(library).scipy_openblas_get_corename64_
    ask.restype = ctypes.c_char_p
    return ask().decode()


def cpuinfo(implementer: str, part: str) -> str:
    """Return two cores."""
    return "".join(
        f"processor\t: {core}\nBogoMIPS\t: 50.00\nFeatures\t: {' '.join(arm_features())}\n"
        f"CPU implementer\t: {implementer}\nCPU architecture: 8\nCPU variant\t: 0x1\n"
        f"CPU part\t: {part}\nCPU revision\t: 0\n\n"
        for core in range(2)
    )


if __name__ == "__main__":
    main()
