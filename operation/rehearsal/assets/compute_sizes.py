"""The machines that Azure lets: those that samples and teams ask for."""

from __future__ import annotations

from typing import Any

SIZES = {  # names by family, each with its cores; the memory is that of the family, in GB for each core
    ("D{}_v2", 7 / 2): {1: 1, 2: 2, 3: 4, 4: 8, 5: 16},
    ("DS{}_v2", 7 / 2): {1: 1, 2: 2, 3: 4, 4: 8, 5: 16},
    ("D1{}_v2", 7): {1: 2, 2: 4, 3: 8, 4: 16},
    ("DS1{}_v2", 7): {1: 2, 2: 4, 3: 8, 4: 16},
    ("D{}_v3", 4): {cores: cores for cores in (2, 4, 8, 16, 32)},
    ("D{}s_v3", 4): {cores: cores for cores in (2, 4, 8, 16, 32)},
    ("E{}s_v3", 8): {cores: cores for cores in (2, 4, 8, 16, 32)},
    ("F{}s_v2", 2): {cores: cores for cores in (2, 4, 8, 16, 32)},
    ("D{}", 7 / 2): {1: 1, 2: 2, 3: 4, 4: 8},
    ("NC{}", 9): {6: 6, 12: 12, 24: 24},
    ("NC{}s_v3", 18): {6: 6, 12: 12, 24: 24},
}


def machine_sizes() -> list[dict[str, Any]]:
    """Return every size as the service describes it: cores, memory in GB, GPUs."""
    return [
        _size(f"Standard_{name.format(number)}", cores, cores * memory, cores // 6 if name[0] == "N" else 0)
        for (name, memory), numbers in SIZES.items()
        for number, cores in numbers.items()
    ]


def _size(name: str, cores: int, memory: float, gpus: int) -> dict[str, Any]:
    return {
        "name": name,
        "family": name.rpartition("_")[0],
        "vCPUs": cores,
        "gpus": gpus,
        "osVhdSizeMB": 1_047_552,
        "maxResourceVolumeMB": int(memory * 2_048),
        "memoryGB": memory,
        "lowPriorityCapable": True,
        "premiumIO": True,
        "supportedComputeTypes": ["AmlCompute", "ComputeInstance"],
    }
