"""The Grafana dashboards, as Python: `make docs` writes them to helm/scicat-ingest/files/dashboards.

A panel is a title, a description, a unit and queries; where it stands follows from its order and width.
"""

from __future__ import annotations

from docs.dashboards.engine import ENGINE
from docs.dashboards.overview import OVERVIEW

DASHBOARDS = (OVERVIEW, ENGINE)
"""All of them."""
