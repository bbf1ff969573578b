"""Errors of SQLite are known by their codes, whatever their texts say."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from TauAdv.runs.errors import StoreBusyError, StoreError, explained


def answer(path, action):
    with pytest.raises((sqlite3.Error, SQLAlchemyError)) as caught:
        action()
    return explained(path, caught.value)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "mlflow.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE runs (name TEXT)")
        database.executemany("INSERT INTO runs VALUES (?)", [("x" * 500,)] * 200)
    database.close()
    return path


@pytest.fixture
def connect():
    """Return a function that opens a database; all are closed at the end."""
    opened = []

    def make(name, **options):
        opened.append(sqlite3.connect(name, isolation_level=None, timeout=0, **options))
        return opened[-1]

    yield make
    for database in opened:
        database.close()


def through_sqlalchemy(path, statement):
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 0})
    try:
        with engine.begin() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()


def test_locked(path, connect):
    holder, other = connect(path), connect(path)
    holder.execute("BEGIN EXCLUSIVE")
    found = answer(path, lambda: other.execute("SELECT * FROM runs"))
    assert isinstance(found, StoreBusyError)
    assert "is locked by another process" in str(found)
    found = answer(path, lambda: through_sqlalchemy(path, "DELETE FROM runs"))
    assert isinstance(found, StoreBusyError)


def test_read_only(path, connect):
    other = connect(f"file:{path}?mode=ro", uri=True)
    assert "is read-only" in str(answer(path, lambda: other.execute("DELETE FROM runs")))


def test_no_place(path, connect):
    nowhere = path.parent / "nowhere" / "mlflow.db"
    assert "cannot be opened" in str(answer(nowhere, lambda: connect(nowhere)))


def test_no_room_for_the_journal(path, connect):
    path.with_name("mlflow.db-journal").mkdir()
    other = connect(path)
    assert "No space left on device" in str(answer(path, lambda: other.execute("INSERT INTO runs VALUES ('a')")))


def test_full(path, connect):
    other = connect(path)
    pages = other.execute("PRAGMA page_count").fetchone()[0]
    other.execute(f"PRAGMA max_page_count = {pages}")
    found = answer(path, lambda: other.execute("INSERT INTO runs VALUES (?)", ("x" * 100_000,)))
    assert "No space left on device" in str(found)


def test_damaged(path, connect):
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    other = connect(path)
    assert "is damaged or cut short" in str(answer(path, lambda: other.execute("SELECT * FROM runs").fetchall()))
    path.write_bytes(b"no database" * 1000)
    other = connect(path)
    assert "no SQLite database" in str(answer(path, lambda: other.execute("SELECT * FROM runs")))


def test_a_table_is_missing(path, connect):
    other = connect(path)
    for found in (
        answer(path, lambda: other.execute("SELECT * FROM metrics")),
        answer(path, lambda: through_sqlalchemy(path, "SELECT * FROM metrics")),
    ):
        assert "a table is missing (metrics)" in str(found)


@pytest.mark.parametrize("words", ["the run 'full' is locked, malformed", "no such table: x"])
def test_words_alone_mean_nothing(words):
    """A text may be of a name of the user's."""
    for error in (sqlite3.OperationalError(words), OperationalError("SELECT", {}, Exception(words))):
        found = explained(Path("mlflow.db"), error)
        assert type(found) is StoreError
        assert str(found).startswith(f"mlflow.db: cannot be used by MLflow: {words}")
