"""What one person costs, as a user pays it: own process, wall time, peak memory. Printed, not judged.

Run with ``pytest tests/benchmarks -s`` on a machine that does nothing else. What is aimed at: a
person in 10 s and 1.5 GB on the second run, in 25 s on the first, ``ischio --help`` in 0.3 s.
"""

from __future__ import annotations

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


def cost_of(*tokens: str, folder: Path) -> Cost:
    """Cost of a command that has to succeed."""
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "ischio", *tokens],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        assert process.stderr is not None
        said = process.stderr.read().decode()
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, said
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e6)


def tell(capsys: pytest.CaptureFixture[str], what: str, cost: object) -> None:
    with capsys.disabled():
        print(f"\n  {what:<44} {cost}", end="")


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="the system does not tell what a process took")
class TestCommands:
    def test_help(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        costs = [cost_of("--help", folder=tmp_path) for _ in range(N_HELP)]
        tell(capsys, f"ischio --help, best of {N_HELP}", min(costs, key=lambda cost: cost.wall_s))

    def test_the_demo(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        tell(capsys, "ischio demo", cost_of("demo", "--quiet", folder=tmp_path))

    @pytest.mark.real_data
    def test_a_person(self, shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Both hips of a woman, 150,000 faces; the demo before it has warmed what can be warm."""
        bones = str(shared_data / "bones" / "vsd_z013")
        cost = cost_of("assess", bones, "--out", "out", "--quiet", folder=tmp_path)
        tell(capsys, "ischio assess, both hips of vsd_z013", cost)


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
