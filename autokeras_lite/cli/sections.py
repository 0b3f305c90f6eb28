"""A command with many options, whose help shows them under headings."""

from collections.abc import Mapping
from typing import Any

import click


class SectionedCommand(click.Command):
    """Shows its options as they are declared, with a heading before each option that `sections` names."""

    def __init__(self, name: str | None, *, sections: Mapping[str, str], **settings: Any) -> None:
        super().__init__(name, **settings)
        self.sections = sections

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options section by section."""
        heading, rows = "Options", list[tuple[str, str]]()
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if parameter.name in self.sections:
                _write(formatter, heading, rows)
                heading, rows = self.sections[parameter.name], []
            rows += [] if record is None else [record]
        _write(formatter, heading, rows)


def _write(formatter: click.HelpFormatter, heading: str, rows: list[tuple[str, str]]) -> None:
    if rows:
        with formatter.section(heading):
            formatter.write_dl(rows)
