"""Find the route of a path. A parameter is one segment: a slash inside it must be sent as %2F."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from scicat_ingest.testing.stand_in.backend import Backend
from scicat_ingest.testing.stand_in.exchange import Answer, Call
from scicat_ingest.testing.stand_in.rights import Guard, anyone

Handler = Callable[[Backend, Call], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """A method, a path with `{parameters}`, who may use it, and what it does.

    `reads_body`: without a JSON body the backend stumbles over its own code and answers 500.
    """

    method: str
    path: str
    handler: Handler
    guard: Guard = anyone
    reads_body: bool = False

    @property
    def name(self) -> str:
        """What the route is counted by: `POST /api/v3/datasets/{pid}/origdatablocks`."""
        return f"{self.method} {self.path}"

    def match(self, segments: list[str]) -> Mapping[str, str] | None:
        """Return the parameters in a path's segments, which are still percent-encoded; None if it is another path."""
        wanted = self.path.strip("/").split("/")
        if len(wanted) != len(segments):
            return None
        parameters = {}
        for pattern, segment in zip(wanted, segments, strict=True):
            if pattern.startswith("{"):
                parameters[pattern.strip("{}")] = unquote(segment)
            elif pattern.lower() != segment.lower():  # the backend's router (Express) does not tell cases apart
                return None
        return parameters


def find_route(routes: Iterable[Route], method: str, raw_path: str) -> tuple[Route, Mapping[str, str]] | None:
    """Return the first route that fits and its parameters; None is a 404."""
    segments = raw_path.strip("/").split("/")
    for route in routes:
        parameters = route.match(segments) if route.method == method else None
        if parameters is not None:
            return route, parameters
    return None
