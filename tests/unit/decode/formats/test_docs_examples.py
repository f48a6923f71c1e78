"""The examples of docs/formats.md are what the decoders give."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.unit.decode.formats.samples import (
    BLUESKY,
    ESS,
    ICAT,
    RUN,
    S3_RECORD,
    document,
    needs_schema,
    part,
    schema_samples,
)

from scicat_ingest.decode.runs import join

PAGE = Path(__file__).parents[4] / "docs" / "formats.md"


def test_every_example_of_the_page_is_true() -> None:
    """They are what people write their mapping files by."""
    blocks = re.findall(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    shown = [json.loads(block) for block in blocks]
    framed, answer = next(iter(schema_samples()))
    avro = needs_schema(framed).read(answer)
    assert shown == [
        join([part(value) for value in ESS[:3]]).content,
        join([part(value, key=RUN.encode()) for value in BLUESKY[:6]]).content,
        avro.content,  # type: ignore[union-attr]
        document(ICAT[0]).content,
        document(json.dumps({"Records": [S3_RECORD]}).encode(), "s3").content,
    ]
