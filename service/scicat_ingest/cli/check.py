"""`scicat-ingest check`: settings, formats, mapping files and their golden examples, with no Kafka and no SciCat."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from scicat_ingest.bootstrap import open_facility, rules_by_topic
from scicat_ingest.decode.formats import installed_formats
from scicat_ingest.preview.examples import compare_examples
from scicat_ingest.settings import Settings, load_settings
from scicat_ingest.translate.mappings import load_mapping_file, mapping_paths, shipped_path

if TYPE_CHECKING:
    import argparse

    from scicat_ingest.preview.examples import Compared

EXAMPLES = """\
examples:
  scicat-ingest check --config ingest.yaml
  scicat-ingest check --config ingest.yaml ours.yaml

A golden example is an event beside its mapping file, ours.example.json, and what `scicat-ingest map --json` is to print
for it, ours.expected.json; ours.example-2.xml goes with ours.expected-2.json. Kafka headers of an example stand in
ours.example.headers.json. An example of several records is JSON lines, or a folder with a file a record; files that it
needs lie in ours.files/, which stands for /. docs/mapping-files.md tells more. Exit code 1: an example gives something
else; 78: the configuration is wrong.
"""
_MOST_SHOWN = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's arguments."""
    parser.epilog = EXAMPLES
    parser.add_argument("--config", type=Path, metavar="FILE", help="YAML settings; default: $SCICAT_INGEST_CONFIG")
    parser.add_argument(
        "mappings", nargs="*", type=Path, metavar="MAPPING", help="mapping files; default: those of the settings"
    )


def run(options: argparse.Namespace) -> int:
    """Check everything that can be checked offline; 1 if a golden example is not met."""
    settings = load_settings(Settings, options.config)
    rules = rules_by_topic(settings)
    sys.stdout.write(f"settings   good: {len(rules)} source(s), pids {settings.mapping.pid_prefix}/…\n\n")
    sys.stdout.write(_formats(settings))
    paths = options.mappings or [
        *(shipped_path(name) for name in settings.mapping.shipped),
        *mapping_paths(settings.mapping.folder),
    ]
    if not paths:
        sys.stdout.write("\nmapping files: none (mapping.folder, mapping.shipped); only native events are taken\n")
        return 0

    async def check_all() -> bool:
        good = True
        async with open_facility(settings) as facility:
            for path in paths:
                file = load_mapping_file(path)
                sys.stdout.write(f"\n{path}: {file.name}, order {file.order:g}, digest {file.digest}\n")
                compared = await compare_examples(path, settings, facility)
                sys.stdout.write("".join(_shown(each) for each in compared) or "  no golden examples beside it\n")
                good = good and not any(each.differences for each in compared)
        return good

    return 0 if anyio.run(check_all) else 1


def _formats(settings: Settings) -> str:
    lines = [f"{'format':<16} {'installed':<10} sources"]
    for each in installed_formats():
        taken = [source.topic for source in settings.sources if each.name in {*source.formats, "json"}]
        needs = f"  (pip install 'scicat-ingest[{each.extra}]')" if each.missing else ""
        lines.append(f"{each.name:<16} {'no' if each.missing else 'yes':<10} {', '.join(taken) or '-'}{needs}")
    lines.append(f"{'CloudEvents':<16} {'yes':<10} around any of them")
    return "\n".join(lines) + "\n"


def _shown(compared: Compared) -> str:
    if not compared.differences:
        return f"  {compared.name}: as expected\n"
    shown = [f"    {difference}\n" for difference in compared.differences[:_MOST_SHOWN]]
    further = len(compared.differences) - _MOST_SHOWN
    more = f"    and {further} more\n" if further > 0 else ""
    return f"  {compared.name}: DIFFERS\n{''.join(shown)}{more}"
