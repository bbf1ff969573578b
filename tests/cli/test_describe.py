"""docs/commands.md is what the parsers say."""

from TauAdv.cli.describe import describe_commands


def test_page_of_commands_is_up_to_date(repository):
    """If this fails: python -c "from TauAdv.cli.describe import refresh; refresh('docs/commands.md')"."""
    assert (repository / "docs/commands.md").read_text(encoding="utf-8") == describe_commands()
