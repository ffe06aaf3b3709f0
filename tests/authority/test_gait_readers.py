"""Gait files of real people against two independent readers: OpenSim and c3d."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ischio.io.gait import cycles, read_gait
from ischio.io.gait_trial import ANGLES
from ischio.types import Side

EXPORTED_DEG = 1e-4  # the table was exported with four decimals
SINGLE_DEG = 1e-5  # C3D holds single precision
TEXT_DEG = 1e-9  # both parse the same text

pytestmark = pytest.mark.real_data


@pytest.fixture
def gait(shared_data: Path) -> Path:
    """Folder of open gait recordings."""
    return shared_data / "gait_open"


def test_a_treadmill_recording_reads_as_its_exported_table(gait: Path) -> None:
    pytest.importorskip("ezc3d")
    trial = read_gait(gait / "treadmill_SI02_events.c3d")
    columns = {
        f"{side.value}_{name}_deg": f"{side.value[0].upper()}HipAngles_{axis}"
        for side in Side
        for name, axis in zip(ANGLES, "XYZ", strict=True)
    }
    table = read_gait(
        gait / "treadmill_SI02_angles.csv",
        pelvic_zero="isb",
        columns=columns,
        events=gait / "treadmill_SI02_events.csv",
    )
    for side in Side:
        assert np.abs(trial.angles_deg[side] - table.angles_deg[side]).max() < EXPORTED_DEG
        assert np.abs(trial.strikes_s[side] - table.strikes_s[side]).max() < 1e-3
        assert len(trial.strikes_s[side]) == 11
        found = cycles(trial, side)
        assert len(found.all_deg) == 10
        assert found.starts_at == "foot strike"
        assert 1.0 < found.duration_s < 1.3  # walking
    assert np.abs(trial.time_s - table.time_s).max() < 1e-6


def test_a_treadmill_recording_reads_as_the_second_reader_has_it(gait: Path) -> None:
    c3d = pytest.importorskip("c3d")
    pytest.importorskip("ezc3d")
    path = gait / "treadmill_SI02_events.c3d"
    with path.open("rb") as handle:
        reader = c3d.Reader(handle)
        labels = [label.strip() for label in reader.point_labels]
        rows = [labels.index(f"{side.value[0].upper()}HipAngles") for side in Side]
        theirs = np.array([points[rows, :3] for _, points, _ in reader.read_frames(copy=True)])
        first = reader.first_frame
    trial = read_gait(path)
    for number, side in enumerate(Side):
        assert np.abs(trial.angles_deg[side] - theirs[:, number]).max() < SINGLE_DEG
    assert trial.time_s[0] == pytest.approx((first - 1) / 100.0)  # they count frames from 1


def test_a_running_motion_reads_as_opensim_has_it(gait: Path) -> None:
    opensim = pytest.importorskip("opensim")
    path = gait / "bmc_running_ik.mot"
    opensim.Logger.setLevelString("Off")
    table = opensim.TimeSeriesTable(str(path))
    assert table.getTableMetaDataString("inDegrees") == "yes"
    trial = read_gait(path, pelvic_zero="isb")
    assert np.abs(trial.time_s - np.array(table.getIndependentColumn())).max() < TEXT_DEG
    for side in Side:
        for column, name in enumerate(("flexion", "adduction", "rotation")):
            theirs = table.getDependentColumn(f"hip_{name}_{side.value[0]}").to_numpy()
            assert np.abs(trial.angles_deg[side][:, column] - theirs).max() < TEXT_DEG
        tilt = table.getDependentColumn("pelvis_tilt").to_numpy()
        assert np.abs(trial.pelvis_deg[side][:, 0] + tilt).max() < TEXT_DEG


def test_a_running_trial_has_a_cycle_of_each_leg(gait: Path) -> None:
    trial = read_gait(gait / "bmc_running_ik.mot", pelvic_zero="isb")
    for side in Side:
        found = cycles(trial, side)
        assert 0.6 < found.duration_s < 0.8  # running
        assert found.angles_deg[:, 0].max() > 40
