"""What every test shares: no network, the real files where they are, versions in the header."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"
LOOPBACK = {"127.0.0.1", "::1", "localhost"}

settings.register_profile(
    "parkwise",
    deadline=None,
    max_examples=40,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("parkwise")


def pytest_report_header() -> str:
    """Print the versions that decide what geometry does."""
    import pyogrio
    import pyproj
    import shapely

    gdal = ".".join(map(str, pyogrio.__gdal_version__))
    real = "beside the project" if SHARED_DATA.is_dir() else "absent (their tests are skipped)"
    return f"GDAL {gdal}, GEOS {shapely.geos_version_string}, PROJ {pyproj.proj_version_str}; real files: {real}"


@pytest.fixture(scope="session")
def root() -> Path:
    """Folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the real files; the test is skipped where there is none."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real files are not there (expected in ../shared/data beside the project)")
    return SHARED_DATA


@pytest.fixture(autouse=True)
def closed_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that leaves this machine."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        leaves = self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in LOOPBACK
        if leaves:
            raise AssertionError(f"a test reached for the network: {address!r}")
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
