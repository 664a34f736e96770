"""A run as it lies on the disk: what training writes there, and what evaluation opens again.

A run directory holds `resolved.toml` (all settings), `metrics.jsonl` (one line per step),
`checkpoints/step-N/` (safetensors and JSON), `checkpoints/best.json`, `evaluation.json` and `.lock` (which
the process that trains holds).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facezoo._lazy import lazy_names

if TYPE_CHECKING:
    from facezoo.runs.network import Network, open_network
    from facezoo.runs.places import latest_checkpoint
    from facezoo.runs.run import Run
    from facezoo.runs.verified import best_checkpoint, read_metadata, read_part
    from facezoo.runs.written import read_metrics

__all__ = [
    "Network",
    "Run",
    "best_checkpoint",
    "latest_checkpoint",
    "open_network",
    "read_metadata",
    "read_metrics",
    "read_part",
]

# Checkpoints can be found and described without torch, which a network needs.
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Network": "facezoo.runs.network",
        "Run": "facezoo.runs.run",
        "best_checkpoint": "facezoo.runs.verified",
        "latest_checkpoint": "facezoo.runs.places",
        "open_network": "facezoo.runs.network",
        "read_metadata": "facezoo.runs.verified",
        "read_metrics": "facezoo.runs.written",
        "read_part": "facezoo.runs.verified",
    },
)
