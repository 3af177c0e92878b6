"""Scenarios that another distribution brings, through the entry points `agentgym.scenarios`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PLUGIN = '''"""Ringing: a plug-in of somebody else.

It says things twice.
"""

from __future__ import annotations

from typing import ClassVar

from scenarios.library.echo import Echo


class Ringing(Echo):
    key: ClassVar[str] = "ringing"
'''

ASKED = """
from scenarios.library import library
print(library.keys(), library.about("ringing")[0], library.get("ringing").__name__, library.get("echo").__name__)
"""


def test_an_installed_plug_in_is_found_beside_the_built_in_ones(tmp_path: Path) -> None:
    (tmp_path / "ringing_plugin.py").write_text(PLUGIN)
    meta = tmp_path / "ringing-1.0.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: ringing\nVersion: 1.0\n")
    (meta / "entry_points.txt").write_text("[agentgym.scenarios]\nringing = ringing_plugin\n")
    found = subprocess.run(
        [sys.executable, "-c", ASKED],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path.cwd())])},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "'customer_support'" in found
    assert "'ringing'" in found
    assert "Ringing: a plug-in of somebody else Ringing Echo" in found
