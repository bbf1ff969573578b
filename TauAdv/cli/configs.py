"""List the shipped configurations, print one, or copy one to a file of your own.

tauadv configs
tauadv configs jet_nominal
tauadv configs jet_nominal --copy my_training.yaml
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from TauAdv.cli.options import path
from TauAdv.cli.shared_options import add_overwrite
from TauAdv.errors import ConfigError, OutputExistsError


def add_options(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="configuration to print")
    parser.add_argument("--copy", type=path, metavar="FILE", help="write it to this file instead")
    add_overwrite(parser, "replace that file")


def run(options: Namespace) -> None:
    """List, print or copy."""
    from TauAdv.config.shipped import shipped_config, shipped_configs

    if options.name is None:
        if options.copy:
            msg = "--copy needs the name of a configuration; tauadv configs lists them"
            raise ConfigError(msg)
        for name, title in shipped_configs().items():
            print(f"{name:26s} {title}")
        return
    text = shipped_config(options.name).read_text(encoding="utf-8")
    if options.copy is None:
        print(text, end="")
        return
    from TauAdv.io.atomic import require_writable, write_text

    require_writable(options.copy)
    if options.copy.exists() and not options.overwrite:
        msg = f"{options.copy}: is there already; choose another file, or add --overwrite"
        raise OutputExistsError(msg)
    write_text(options.copy, text)
    print(options.copy)
