"""Whether a checkpoint fits into memory, told from its headers before anything is loaded."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import torch

from generation.engine.sources import CheckpointError, weight_files

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")
_BYTES = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I16": 2}
"""Of one parameter, by the name of its type in safetensors; all others take one."""
_NAMES = {"": "F32", "float32": "F32", "bfloat16": "BF16", "float16": "F16"}
_LONGEST_HEADER = 100_000_000
"""As the format has it."""
_SPARE = 1.1
_CONVERTING = 2
"""What a file holds and the model made of it are in memory together."""


def stored(folder: Path) -> dict[str, int]:
    """Return how many parameters a folder of safetensors holds of each type; only headers are read."""
    numbers: dict[str, int] = {}
    for path in weight_files(folder):
        for name, tensor in _header(path).items():
            if name != "__metadata__":
                number = math.prod(tensor["shape"])
                numbers[tensor["dtype"]] = numbers.get(tensor["dtype"], 0) + number
    return numbers


def refuse_too_big(
    name: str, numbers: Mapping[str, int], device: torch.device, *, dtype: str = "", ever: bool = False
) -> None:
    """Raise when a checkpoint does not fit into memory as it would be loaded.

    Parameters
    ----------
    name
        What the message calls it.
    numbers
        How many parameters it has of each type, as `stored` returns them.
    device
        Where it goes: to a CPU as 32-bit floats, to a GPU as it is stored, by way of the CPU's memory.
    dtype
        The type that it is loaded in, when that is not the device's own choice.
    ever
        Whether to compare with all the memory that there is, not with what is free now.

    Raises
    ------
    CheckpointError
        With what it needs and what there is.
    """
    parameters = sum(numbers.values())
    if dtype or device.type == "cpu":
        size, kind = parameters * _BYTES[_NAMES[dtype]], f"as {dtype or '32-bit floats'}"
    else:
        size = sum(number * _BYTES.get(kind, 1) for kind, number in numbers.items())
        kind = f"as {'+'.join(sorted(numbers))}"
    what = f"{name} has {parameters:,} parameters; {kind}, with a tenth to work in, it"
    _compare(what, size * _SPARE, _total() if ever else _free(), "memory", ever=ever)
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        _compare(what, size * _SPARE, total if ever else free, "memory of the GPU", ever=ever)


def refuse_conversion(path: Path) -> None:
    """Raise when a GGUF file cannot be expanded in the memory that is free now."""
    import gguf  # noqa: PLC0415 - slow to import, and only conversion needs it

    parameters = sum(int(tensor.n_elements) for tensor in gguf.GGUFReader(path).tensors)
    what = f"{path.name} has {parameters:,} parameters; expanding it to 32-bit floats"
    _compare(what, parameters * 4 * _CONVERTING, _free(), "memory", ever=False)


def _header(path: Path) -> dict[str, Any]:
    """Return what a safetensors file holds: its length in eight bytes, then JSON.

    The library maps the whole file first, which the system refuses for files much bigger than memory.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        text = file.read(length) if length <= _LONGEST_HEADER else b""
    try:
        header: dict[str, Any] = json.loads(text)
    except ValueError:
        message = f"{path} is no file of safetensors: fetch or convert it again."
        raise CheckpointError(message) from None
    return header


def _compare(what: str, needed: float, room: int, where: str, *, ever: bool) -> None:
    if needed > room:
        there = "is all there is" if ever else "is free"
        message = (
            f"{what} needs {needed / 1e9:.1f} GB of {where}, and {room / 1e9:.1f} GB {there}: "
            "take a smaller checkpoint or a machine with more memory."
        )
        raise CheckpointError(message)


def _free() -> int:
    """Return the bytes that this process can still take, a container's limit included."""
    rooms = [limit - used for limit, used in _limits()]
    return max(0, int(min([psutil.virtual_memory().available, *rooms])))


def _total() -> int:
    return int(min([psutil.virtual_memory().total, *(limit for limit, _ in _limits())]))


def _limits() -> Iterator[tuple[int, int]]:
    """Yield limit and use, in bytes, of every control group above this process that has a limit.

    What is used leaves out files in the cache, which give way.
    """
    own = _OWN_CGROUP.read_text() if _OWN_CGROUP.is_file() else ""
    folder = _CGROUPS / own.rpartition("::")[2].strip().lstrip("/")
    for group in (folder, *folder.parents):
        if not group.is_relative_to(_CGROUPS):
            return
        try:
            limit = int((group / "memory.max").read_text())
            used = int((group / "memory.current").read_text())
            lines = (group / "memory.stat").read_text().splitlines()
        except (OSError, ValueError):
            # No such file outside Linux and at the root, and the word "max" where there is no limit.
            continue
        cached = sum(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
        yield limit, used - cached
