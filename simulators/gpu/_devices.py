"""GPUs: what a streaming multiprocessor (SM) holds, and peak rates, from the vendor's papers."""

from typing import NamedTuple

WARP = 32
"""Threads that go together."""


class Device(NamedTuple):
    """One GPU. Rates are peaks at the boost clock."""

    name: str
    architecture: int
    """Compute capability times ten: what a kernel is compiled for."""
    sms: int
    clock_hz: float
    registers: int
    """32-bit registers of an SM."""
    shared_bytes: int
    """Shared memory of an SM, the system's own share of each block included."""
    block_shared_bytes: int
    """Most shared memory that one block may ask for."""
    warps: int
    """Most warps on an SM."""
    blocks: int
    """Most blocks on an SM."""
    dram_bytes_per_s: float
    l2_bytes: int
    l2_bytes_per_s: float
    half_flops: float
    """Of the tensor cores in fp16 or bf16, dense, a second."""
    tf32_flops: float
    """Of the tensor cores in tf32, dense, a second."""
    fp32_flops: float
    """Of the plain cores, a second; a fused multiply-add counts as two."""
    warp_mma: float
    """Share of the tensor cores' peak that instructions of a single warp reach (``mma.sync``)."""

    @property
    def shared_bytes_per_s(self) -> float:
        """Of all SMs: 32 banks of 4 bytes a clock each."""
        return self.sms * self.clock_hz * 128.0

    @property
    def special_ops_per_s(self) -> float:
        """Exponentials, logarithms, roots and reciprocals of all SMs: 16 a clock each (CUDA programming guide)."""
        return self.sms * self.clock_hz * 16.0


_A100 = Device(
    name="A100-80G",
    architecture=80,
    sms=108,
    clock_hz=1.41e9,
    registers=65536,
    shared_bytes=164 << 10,
    block_shared_bytes=163 << 10,
    warps=64,
    blocks=32,
    dram_bytes_per_s=2039e9,
    l2_bytes=40 << 20,
    l2_bytes_per_s=7.2e12,
    half_flops=312e12,
    tf32_flops=156e12,
    fp32_flops=19.5e12,
    warp_mma=1.0,
)
_H100 = Device(
    name="H100",
    architecture=90,
    sms=132,
    clock_hz=1.83e9,
    registers=65536,
    shared_bytes=228 << 10,
    block_shared_bytes=227 << 10,
    warps=64,
    blocks=32,
    dram_bytes_per_s=3350e9,
    l2_bytes=50 << 20,
    l2_bytes_per_s=5.5e12,
    half_flops=989e12,
    tf32_flops=494.5e12,
    fp32_flops=66.9e12,
    warp_mma=0.63,
)
DEVICES: dict[str, Device] = {
    device.name: device for device in (_A100, _H100, _H100._replace(name="H200", dram_bytes_per_s=4800e9))
}
"""Known GPUs by name, of the SXM form.

SMs, memories and peak rates are from NVIDIA's white papers of the A100 and H100 and the H200's data sheet; the limits
of an SM from the table of compute capabilities in the CUDA programming guide. The A100's L2 rate is the white paper's
5,120 bytes a clock; of Hopper none is published, and 5.5 TB/s is an assumption about what reads reach: designs may be
compared on one device by what L2 gives them, but not the devices. ``warp_mma`` is the share measured by Luo et al.,
"Benchmarking and Dissecting the Nvidia Hopper GPU Architecture via Microbenchmarking", 2024.
"""
