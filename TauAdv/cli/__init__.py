"""The command line: ``tauadv COMMAND``, one file a command. The scripts of a checkout call the same commands.

A command is a module: its docstring is the text of ``--help``, ``add_options`` adds its options to a parser, and ``run``
does what they say. It imports the library in ``run``, so that ``--help`` and mistakes are answered at once.
"""

from TauAdv.cli.main import main, script

__all__ = ["main", "script"]
