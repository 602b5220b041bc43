"""Who holds a claim: a process, named so that its death can be told from its silence."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path


def new_owner() -> str:
    """Return a name for a claim's owner: host, process, and a nonce that tells processes of one id apart."""
    return f"{socket.gethostname()[:64]}:{os.getpid()}:{_born(os.getpid()) or secrets.token_hex(4)}"


def owner_is_gone(owner: str) -> bool:
    """Whether the owner was a process of this machine that no longer runs. False when that cannot be told."""
    host, _, process = owner.partition(":")
    pid, _, nonce = process.partition(":")
    if host != socket.gethostname()[:64] or not pid.isdigit() or not Path("/proc/self/stat").exists():
        return False
    return _born(int(pid)) != nonce


def _born(pid: int) -> str:
    """Return when a process started, in the kernel's ticks, as text; empty when it does not run."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    state, *rest = stat.rpartition(")")[2].split()
    return "" if state in "ZX" else rest[18]
