import pytest

from TauAdv.errors import InputError
from TauAdv.features.describe import describe, describe_functions, refresh, refreshed
from TauAdv.features.expressions import FUNCTIONS


def test_the_page_is_current(repository, tmp_path):
    """If this fails: python -c "from TauAdv.features.describe import refresh; refresh('docs/features.md')"."""
    page = (repository / "docs" / "features.md").read_text()
    copy = tmp_path / "features.md"
    copy.write_text(page)
    refresh(copy)
    assert copy.read_text() == page


def test_every_feature_has_a_row(table):
    text = describe(table)
    for block in table.blocks.values():
        section = text.split(f"### {block.name}\n")[1].split("### ")[0]
        rows = [line for line in section.splitlines() if line.startswith("| ")][2:]
        assert [row.split(" | ")[1] for row in rows] == [f"`{feature.name}`" for feature in block.features]
        assert {row.count(" | ") for row in rows} == {9}
    assert all(f"`{name}`" in describe_functions() for name in FUNCTIONS)


def test_parts_of_a_page_are_replaced():
    page = "before\n<!-- x: begin -->\nold\n<!-- x: end -->\nafter\n"
    assert refreshed(page, {"x": "new\n"}) == "before\n<!-- x: begin -->\nnew\n<!-- x: end -->\nafter\n"
    with pytest.raises(InputError, match="no place for 'y': expected a line <!-- y: begin -->"):
        refreshed(page, {"y": "text"})
