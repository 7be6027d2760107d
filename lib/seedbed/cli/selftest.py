"""The command that tests the installation it is run from."""

from __future__ import annotations


def selftest() -> None:
    """Train each family that is installed for a few steps, stop, go on, and compare; print what it runs on."""
    import torch

    from seedbed import provenance
    from seedbed.family import family_names, load_family
    from seedbed.selftest import selftest as test

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    print(
        f"revision {provenance.code_revision()}", *(["in", provenance.image()] if provenance.image() else [])
    )
    print(", ".join(f"{name} {version}" for name, version in provenance.packages().items()))
    print(f"device {device.type} ({provenance.device_name(device)}), {torch.cuda.device_count()} GPUs")
    for name in family_names():
        for line in test(load_family(name), device.type):
            print(line)
