"""The command ``tinct`` and its commands, each imported when there is work for it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import click

from tinct.cli.cluster_options import Cluster, Steps
from tinct.cli.failures import ended
from tinct.cli.palette_options import Palette
from tinct.cli.parser import command
from tinct.cli.serve_options import Serve
from tinct.defaults import OK
from tinct.options import Command, Compress

__all__ = ["main"]


COMMANDS: dict[str, type[Command]] = {
    "cluster": Cluster,
    "compress": Compress,
    "palette": Palette,
    "serve": Serve,
    "steps": Steps,
}


class Commands(click.Group):
    """Build a command when it is asked for; guess what someone meant who left it out."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None

        def run(asked: Command) -> int:
            from importlib import import_module

            return int(import_module(f"tinct.cli.{cmd_name}").run(asked))

        return command(cmd_name, COMMANDS[cmd_name], run)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS and os.path.exists(args[0]):
            raise click.UsageError(
                f"{args[0]} is no command; did you mean: tinct compress {args[0]}", ctx
            )
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tinct", message="%(prog)s %(version)s")
def tinct() -> None:
    """Image compression by K-means clustering: few colors, chosen well."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command on these arguments or the process's own; the exit code.

    >>> main(["compress", "bird.png", "--colors", "1000"])  # and one line on stderr
    2
    """
    try:
        code = tinct.main(
            args=None if argv is None else list(argv), prog_name="tinct", standalone_mode=False
        )
        return int(code or OK)
    except BaseException as error:
        return ended(error)
