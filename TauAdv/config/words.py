"""Words of a command line that show nothing: mostly variables of the shell that are not set."""

from __future__ import annotations

from collections.abc import Sequence

from TauAdv.config.scalars import is_blank, unusable_character
from TauAdv.errors import ConfigError

__all__ = ["names_between_commas", "require_words"]


def require_words(words: Sequence[str]) -> None:
    """Check that no word of a command line is blank or holds what no setting may have.

    ``--sel ""`` would keep everything, and ``--output ""`` mean the working folder.

    Raises:
        ConfigError: names the option.
    """
    for position, word in enumerate(words):
        option, separator, value = word.partition("=") if word.startswith("--") else (word, "", word)
        if not separator:
            option = words[position - 1] if position and words[position - 1].startswith("-") else ""
        if is_blank(value) and word != "--" and (separator or not word.startswith("--")):
            where = f"{option}: " if option else ""
            msg = (
                f"{where}an empty text was given (a variable of the shell that is not set?); to keep everything, or to take "
                "the default, leave the option out"
            )
            raise ConfigError(msg)
        if found := unusable_character(word):
            msg = f"{word!a}: expected a command line without {found}"
            raise ConfigError(msg)


def names_between_commas(text: str | None, option: str) -> list[str] | None:
    """Return the names of the comma list of an option; ``None`` if it is not given.

    Raises:
        ConfigError: if there is nothing between two commas.
    """
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    if any(is_blank(name) for name in names):
        msg = f"{option}: expected names between the commas, received {text!r}; leave the option out for the default"
        raise ConfigError(msg)
    return names
