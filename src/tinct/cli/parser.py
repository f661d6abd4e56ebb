"""Click's parser and help, made from what `options` declares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from tinct.options import Command, Option, declared

__all__ = ["command"]

Kind = TypeVar("Kind", bound=Command)


class Value(click.ParamType[Any]):
    """What an option takes, refused in its own words."""

    def __init__(self, option: Option) -> None:
        assert option.kind is not None
        self.option, self.name = option, option.kind.metavar

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        if not isinstance(value, str):
            return value  # the default
        try:
            return self.option.read(value)
        except ValueError as error:
            raise click.UsageError(str(error), ctx) from None


def command(name: str, asked: type[Kind], run: Callable[[Kind], int]) -> click.Command:
    """Make the command that parses, and hands on what was asked for."""
    return click.Command(
        name,
        params=[_parameter(option) for option in declared(asked)],
        callback=lambda **values: run(asked(**values)),
        help=asked.__doc__,
        epilog=asked.epilog,
    )


def _parameter(option: Option) -> click.Parameter:
    if not option.spellings:
        assert option.kind is not None
        return click.Argument(
            [option.attribute],
            metavar=option.kind.metavar,
            nargs=-1 if option.many else 1,
            required=option.required,
        )
    words = option.meaning.replace("`", "")
    words = f"{words if option.words[0] == '`' else words[0].upper() + words[1:]}."
    if option.usual:
        words += f"  [default: {option.usual.replace('`', '')}]"
    default: dict[str, Any] = {} if option.required else {"default": option.default}
    return click.Option(
        [*option.spellings, option.attribute],
        type=None if option.kind is None else Value(option),
        metavar=None if option.kind is None else option.kind.metavar,
        is_flag=option.kind is None,
        required=option.required,
        **default,
        help=words,
    )
