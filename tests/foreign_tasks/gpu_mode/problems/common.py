import torch


def seeded(seed):
    """Return a generator on the device that tasks are made for."""
    generator = torch.Generator(device="cuda")
    generator.manual_seed(seed)
    return generator
