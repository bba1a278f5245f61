"""The report in a real browser: it renders, asks the network for nothing, and logs no error."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from assent.report import write
from tests.report.make_events import make_run

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *(
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--enable-logging=stderr",
        "--v=0",
    ),
)


@pytest.mark.slow
def test_a_browser_shows_the_report_without_an_error_or_a_request(tmp_path: Path) -> None:
    browser = shutil.which("chromium")
    if browser is None:
        assert os.environ.get("CI") != "true", "chromium is missing; .ci/run installs it"
        pytest.skip("chromium is not installed: apt-get install chromium")
    write(make_run(), tmp_path / "report.html")
    picture = tmp_path / "report.png"
    command = [
        browser,
        *FLAGS,
        f"--user-data-dir={tmp_path / 'profile'}",
        "--window-size=1040,1600",
        f"--screenshot={picture}",
    ]
    shown = subprocess.run(
        [*command, (tmp_path / "report.html").as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    assert picture.stat().st_size > 50_000, "the page is as good as blank"
    console = [line for line in shown.stderr.splitlines() if "CONSOLE" in line]
    assert console == []
