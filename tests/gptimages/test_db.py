"""The service's database: what an error of it tells, and what it must not tell."""

from __future__ import annotations

import traceback

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gptimages.db import Database

SECRET = "ines@people.example"


def test_no_error_of_the_database_tells_what_was_to_be_stored(database_url: str) -> None:
    """On both databases neither the exception nor its traceback holds a parameter of the statement that failed."""
    database = Database(database_url)
    with pytest.raises(DBAPIError) as failed, database.write() as session:
        session.execute(text("INSERT INTO no_such_table (mail) VALUES (:mail)"), {"mail": SECRET})
    told = str(failed.value) + "".join(traceback.format_exception(failed.value))
    assert "no_such_table" in told
    assert SECRET not in told
    database.close()
