"""What one person costs, as a user pays it: own process, wall time, peak memory. Printed, not judged.

Run with ``pytest tests/benchmarks -s`` on a machine that does nothing else. What is aimed at: a
person in 10 s and 1.5 GB on the second run, in 25 s on the first, ``ischio --help`` in 0.3 s.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from ischio.atlas import reconstruction
from ischio.geometry.surface_gap import surface_gap
from ischio.landmarks import find_pelvis
from ischio.types import Side

N_HELP = 5


@dataclass(frozen=True)
class Cost:
    """Of one process."""

    wall_s: float
    cpu_s: float
    peak_mb: float

    def __str__(self) -> str:
        return f"{self.wall_s:6.2f} s wall  {self.cpu_s:6.2f} s processor  {self.peak_mb:6.0f} MB at most"


# A process counts the memory of the one it was forked from: a small one stands between.
_BETWEEN = """
import json, os, subprocess, sys, time
start = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
wall = time.perf_counter() - start
code = os.waitstatus_to_exitcode(status)
print(json.dumps([code, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss]))
"""


def cost_of(*tokens: str, folder: Path) -> Cost:
    """Cost of a command that has to succeed."""
    command = [sys.executable, "-S", "-c", _BETWEEN, sys.executable, "-m", "ischio", *tokens]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    code, wall_s, cpu_s, peak = json.loads(ran.stdout)
    assert code == 0, ran.stderr
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return Cost(wall_s, cpu_s, peak * unit / 1e6)


def tell(capsys: pytest.CaptureFixture[str], what: str, cost: object) -> None:
    with capsys.disabled():
        print(f"\n  {what:<44} {cost}", end="")


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="the system does not tell what a process took")
class TestCommands:
    def test_help(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        costs = [cost_of("--help", folder=tmp_path) for _ in range(N_HELP)]
        tell(capsys, f"ischio --help, best of {N_HELP}", min(costs, key=lambda cost: cost.wall_s))

    def test_a_person(self, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Both hips of a woman, 160,000 faces with the sacrum; without her, the demo."""
        bones = root.parent / "shared" / "data" / "bones" / "vsd_z013"
        command = ("assess", str(bones)) if bones.is_dir() else ("demo",)
        what = "ischio assess, both hips of vsd_z013" if bones.is_dir() else "ischio demo"
        tell(capsys, what, cost_of(*command, "--out", "out", "--quiet", folder=tmp_path))


def test_steps_of_one_hip(capsys: pytest.CaptureFixture[str]) -> None:
    """Where the time goes, in this process."""

    def timed(what: str, start: float) -> None:
        tell(capsys, what, f"{time.perf_counter() - start:6.2f} s wall")

    start = time.perf_counter()
    bones = reconstruction(18)
    timed("reconstruct a person", start)
    start = time.perf_counter()
    pelvis, _ = find_pelvis(
        bones, axes="LPS", sides=(Side.LEFT,), posture="model", progress=lambda _words, _share: None
    )
    timed("find the landmarks of a femur and a pelvis", start)
    assert pelvis.left is not None
    regions = [pelvis.left.region_triangles(name) for name in ("lesser_trochanter", "ischium")]
    start = time.perf_counter()
    found = surface_gap(*regions)
    timed(f"gap between {len(regions[0])} and {len(regions[1])} triangles", start)
    assert found.gap_mm > 0
