"""Builds faults.c and loads it before everything else; without a C compiler there are no faults of single operations."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["COUNT", "FULL", "FULL_ONCE", "KILL", "arm", "available", "counted", "restart_with_faults"]

COUNT, KILL, FULL_ONCE, FULL = range(4)
_VARIABLE = "TAUADV_FAULTS"


def available() -> bool:
    """Whether this process has the faults."""
    return _VARIABLE in os.environ


def restart_with_faults() -> None:
    """Start this program again with faults.c in it, unless it is already, or there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if available() or compiler is None:
        return
    library = Path(tempfile.mkdtemp(prefix="tauadv_faults_")) / "faults.so"
    source = Path(__file__).with_name("faults.c")
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    os.environ[_VARIABLE] = os.environ["LD_PRELOAD"] = str(library)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(os.environ[_VARIABLE])
    library.fault_arm.argtypes = [ctypes.c_char_p, ctypes.c_long, ctypes.c_int]
    library.fault_counted.restype = ctypes.c_long
    return library


def arm(folder: Path, at: int, kind: int) -> None:
    """Let the ``at``-th file operation under ``folder`` fail, or kill the process."""
    _library().fault_arm(str(folder).encode(), at, kind)


def counted() -> int:
    """Return the file operations under the folder so far."""
    return int(_library().fault_counted())
