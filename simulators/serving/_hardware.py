"""Accelerators: peak rates from the vendors' data sheets."""

from typing import NamedTuple


class Gpu(NamedTuple):
    """One accelerator. Rates are peaks; what is reached of them is an ``Efficiency``."""

    name: str
    flops: float
    """Dense bf16 floating-point operations a second."""
    bytes_per_s: float
    """Device memory bandwidth, bytes a second."""
    memory_bytes: float
    link_bytes_per_s: float
    """To its neighbours in the node, one way, bytes a second (NVLink, else PCIe)."""
    network_bytes_per_s: float
    """Between nodes, bytes a second for each GPU; 0 where unknown."""


def _gpu(name: str, teraflops: float, gb_per_s: float, gb: float, *, link: float, network: float = 0.0) -> Gpu:
    return Gpu(name, teraflops * 1e12, gb_per_s * 1e9, gb * 1e9, link * 1e9, network * 1e9)


GPUS: dict[str, Gpu] = {
    gpu.name: gpu
    for gpu in (
        _gpu("A10", 125, 600, 24, link=32),
        _gpu("A10G", 70, 600, 24, link=32),
        _gpu("A40", 149.7, 696, 48, link=32),
        _gpu("A100-80G", 312, 2039, 80, link=300, network=25),
        _gpu("H100", 989, 3350, 80, link=450, network=50),
        _gpu("H200", 989, 4800, 141, link=450, network=50),
        _gpu("B200", 2250, 7700, 180, link=900, network=100),
        _gpu("L4", 121, 300, 24, link=32),
        _gpu("L40S", 362, 864, 48.3, link=32, network=50),
        _gpu("RTX4090", 165.2, 1008, 25.25, link=32),
        _gpu("RTXPRO6000", 503.8, 1792, 102, link=64),
    )
}
"""Known accelerators by name. A10 and A10G figures are the vendor's and were not measured here."""
