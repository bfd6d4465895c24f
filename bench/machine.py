"""The machine and the versions that the table was measured with."""

import os
import platform
from importlib.metadata import version

import psutil

VERSIONS = ("pipecat-ai", "aiortc", "av", "google-genai", "numpy", "onnxruntime")


def describe() -> list[str]:
    """The machine, the versions and the load, a line each."""
    lines = [
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs,"
        f" {psutil.virtual_memory().total / 2**30:.0f} GiB; Python {platform.python_version()}",
        ", ".join(f"{name} {version(name)}" for name in VERSIONS),
    ]
    load, cpus = os.getloadavg()[0], os.cpu_count() or 1
    lines.append(f"Load average of the last minute before the run: {load:.2f}.")
    if busy(load, cpus):
        lines.append(
            f"WARNING: others are using this machine ({load:.2f} on {cpus} CPUs). Latency and late frames are theirs"
            " as much as ours; believe only the ratios, and run it again when it is quiet."
        )
    return lines


def busy(load: float, cpus: int) -> bool:
    """Whether other load on the machine would show in the figures."""
    return load > 0.25 * cpus
