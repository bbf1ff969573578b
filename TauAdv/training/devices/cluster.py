"""The processes of a training over several machines, as the environment variable TF_CONFIG tells them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from TauAdv.errors import ConfigError

__all__ = ["Cluster", "DeviceChoice", "cluster_from_environment"]

DeviceChoice = Literal["one", "mirrored", "multi_worker"]

_VARIABLE = "TF_CONFIG"
_EXAMPLE = '{"cluster": {"worker": ["node1:7777", "node2:7777"]}, "task": {"type": "worker", "index": 0}}'
_ADDRESS = re.compile(r"[^\s:/]+:\d{1,5}|\[[0-9A-Fa-f:]+\]:\d{1,5}")


@dataclass(frozen=True)
class Cluster:
    """The workers of a training, and which of them this process is.

    Attributes:
        addresses: ``host:port`` of every worker, in order; the first one is the chief.
        index: number of this process among them.
        task: job and number of this process, as TensorFlow calls it.
    """

    addresses: tuple[str, ...]
    index: int
    task: str


def cluster_from_environment(environment: Mapping[str, str] = os.environ) -> Cluster:
    """Return the cluster that TF_CONFIG describes: jobs ``worker`` and optionally ``chief``.

    Raises:
        ConfigError: if the variable is not set, or is not a description of two or more workers.
    """
    text = environment.get(_VARIABLE, "")
    if not text.strip():
        raise _error("is not set")
    try:
        content = json.loads(text)
    except ValueError as error:
        raise _error(f"is not JSON ({error}): {text!r}") from error
    jobs, task = _entry(content, "cluster"), _entry(content, "task")
    if unknown := sorted(set(jobs) - {"chief", "worker"}):
        raise _error(f"has the job '{unknown[0]}'; expected 'worker' and optionally 'chief'")
    addresses = {job: _addresses(jobs, job) for job in ("chief", "worker") if job in jobs}
    everyone = [address for job in addresses.values() for address in job]
    if len(everyone) < 2:
        raise _error(f"names {len(everyone)} worker; a single one trains with devices 'one' or 'mirrored'")
    if repeated := sorted({address for address in everyone if everyone.count(address) > 1}):
        raise _error(f"names {repeated[0]} twice; every worker needs an address of its own")
    job, index = task.get("type"), task.get("index")
    if job not in addresses:
        raise _error(f"has the task type {job!r}; expected one of {', '.join(addresses)}")
    number = int(index) if isinstance(index, int) or (isinstance(index, str) and index.isdecimal()) else -1
    if not 0 <= number < len(addresses[job]):
        raise _error(f"has the task index {index!r}; expected 0 to {len(addresses[job]) - 1}")
    before = len(addresses.get("chief", ())) if job == "worker" else 0
    return Cluster(tuple(everyone), before + number, f"{job} {number}")


def _entry(content: Any, key: str) -> dict[str, Any]:
    value = content.get(key) if isinstance(content, dict) else None
    if not isinstance(value, dict) or not value:
        raise _error(f"has no '{key}'")
    return value


def _addresses(jobs: Mapping[str, Any], job: str) -> list[str]:
    addresses = jobs[job]
    if not isinstance(addresses, list) or not addresses:
        raise _error(f"has no list of addresses of the job '{job}'")
    for address in addresses:
        if (
            not isinstance(address, str)
            or not _ADDRESS.fullmatch(address)
            or not 0 < int(address.rpartition(":")[2]) < 65536
        ):
            raise _error(f"has the address {address!r}; expected host:port")
    return addresses


def _error(problem: str) -> ConfigError:
    return ConfigError(
        f"devices 'multi_worker' reads who takes part from the environment variable {_VARIABLE}, which {problem}; "
        f"expected, in the first of two processes for example, {_VARIABLE}='{_EXAMPLE}' (see docs/training.md)"
    )
