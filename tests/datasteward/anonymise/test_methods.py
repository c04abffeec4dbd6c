"""What each method leaves: the same on both databases, as Python computes it, and nothing more the second time."""

from __future__ import annotations

import hmac
import ipaddress
import logging
import pickle
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.provisional import domains
from sqlalchemy import create_engine, func, insert, select, true
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from support.anonymise_schema import visit

from datasteward.anonymise import RunKey, anonymised, left, prepare, still, update_of
from datasteward.errors import NotAnonymous, PolicyError
from datasteward.policy import Method

Opened = Callable[[], AbstractContextManager[Session]]
examples = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

EMPTY = Method(method="empty", why="test", source="test")
FIXED = Method(method="fixed", value="somebody", why="test", source="test")
TRUNCATED = Method(method="truncate_ip", v4=24, v6=48, why="test", source="test")
KEYED = Method(method="keyed_hash", why="test", source="test")
UNITS = ("hour", "day", "month", "year")
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
times = st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
plain = st.ip_addresses().map(str)
v6 = st.ip_addresses(v=6)
mapped = st.ip_addresses(v=4).map(lambda ip: f"::ffff:{ip}")
addresses = st.one_of(
    plain,
    mapped,
    v6.map(lambda ip: ip.exploded.upper()),
    v6.map(lambda ip: f"{ip}%eth0"),
    st.tuples(v6, st.ip_addresses(v=4)).map(lambda two: f"{two[0].exploded[:29]}:{two[1]}"),
)
garbage = st.one_of(
    texts,
    domains(),
    st.text("0123456789abcf.:/% ", max_size=20),
    st.lists(st.text("0123456789", max_size=4), min_size=3, max_size=5).map(".".join),
    st.lists(st.text("0123456789aF", max_size=5), max_size=9).map(":".join),
    addresses.map(lambda ip: f"{ip}/8"),
    addresses.map(lambda ip: f" {ip}"),
)


def coarse(to: str) -> Method:
    """A method that makes times as coarse as `to`."""
    return Method(method="coarse_time", to=to, why="test", source="test")


def after(opened: Opened, column: str, method: Method, values: list[object], key: RunKey | None = None) -> list[object]:
    """What stands in the column after it was anonymised, for each value; a second run finds nothing to do."""
    with opened() as session:
        session.execute(insert(visit), [{"id": number, column: value} for number, value in enumerate(values)] or [{}])
        update = update_of(visit, {column: method}, true(), key or RunKey.new())
        session.execute(update)
        assert session.scalar(select(func.count()).where(still(visit.c[column], method))) == 0
        found = list(session.scalars(select(visit.c[column]).order_by(visit.c.id)))
        session.execute(update_of(visit, {column: method}, true(), RunKey.new()))
        session.execute(visit.update().values({column: anonymised(visit.c[column], method, RunKey.new())}))
        assert list(session.scalars(select(visit.c[column]).order_by(visit.c.id))) == found
        return found[: len(values)]


def network(text: str, v4: int = 24, v6: int = 48) -> str:
    """What Python's ipaddress module says to be the network of an address."""
    ip = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is None:
        return str(ipaddress.IPv6Network((ip, v6), strict=False)[0])
    return str(ipaddress.IPv4Network((getattr(ip, "ipv4_mapped", ip), v4), strict=False)[0])


@examples
@given(values=st.lists(addresses, max_size=8), v4=st.integers(0, 24), v6=st.integers(0, 64))
@example(
    values=["203.0.113.9", "::ffff:203.0.113.9", "::FFFF:cb00:7109", "2001:db8:1:2::3", "fe80::1%eth0", "::", "::1"],
    v4=24,
    v6=48,
)
def test_truncated_addresses_are_those_of_the_ipaddress_module(
    opened: Opened, values: list[str], v4: int, v6: int
) -> None:
    """An address becomes the first one of its network, in canonical text."""
    method = Method(method="truncate_ip", v4=v4, v6=v6, why="test", source="test")
    assert after(opened, "address", method, list(values)) == [network(text, v4, v6) for text in values]


@settings(parent=examples, max_examples=100)
@given(values=st.lists(garbage, min_size=1, max_size=12))
@example(
    values=[
        "01.2.3.4",
        "1.2.3",
        "1",
        "1.2.3.4.5",
        "1.2.3.256",
        "1::2::3",
        ":::",
        "1:2:3:4:5:6:7",
        "00001::",
        "::1.2.3",
        "::01.2.3.4",
    ]
)
@example(
    values=[
        "1:2:3:4:5:6:7::",
        "::2:3:4:5:6:7:8",
        "1::3:4:5:6:7:8",
        "1:2:3:4:5:6:7:8::",
        ":1::",
        "1:",
        "",
        "%",
        "%eth0",
        "::1%",
        "::%a%b",
    ]
)
@example(
    values=[
        "1.2.3.4/8",
        "::1/64",
        " 1.2.3.4",
        "1.2.3.4\n",
        "١.2.3.4",
        "localhost",
        "0x1.2.3.4",
        "1.2.3.4:80",
        "[::1]",
        "::ffff:1.2.3.4:5",
    ]
)
def test_what_is_no_address_leaves_nothing(opened: Opened, values: list[str]) -> None:
    """Text that the ipaddress module does not read becomes empty, never an error and never itself."""
    expected = []
    for text in values:
        try:
            expected.append(network(text))
        except ValueError:
            expected.append(None)
    assert after(opened, "address", TRUNCATED, list(values)) == expected
    assert after(opened, "must_address", TRUNCATED, list(values)) == [text or "" for text in expected]


@examples
@given(values=st.lists(times, max_size=8), to=st.sampled_from(UNITS))
@example(values=[datetime(2026, 12, 31, 23, 59, 59, 999_999, UTC), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)], to="hour")
def test_coarse_times_are_those_of_python(opened: Opened, values: list[datetime], to: str) -> None:
    """A time becomes the beginning of its hour, day, month or year in UTC."""
    parts = {"hour": {}, "day": {"hour": 0}, "month": {"hour": 0, "day": 1}, "year": {"hour": 0, "day": 1, "month": 1}}
    expected = [at.replace(minute=0, second=0, microsecond=0, **parts[to]) for at in values]
    assert after(opened, "at", coarse(to), list(values)) == expected


@examples
@given(values=st.lists(texts, max_size=8), key=st.binary(min_size=32, max_size=64))
def test_the_pseudonym_is_the_hmac_of_the_value(opened: Opened, values: list[str], key: bytes) -> None:
    """keyed_hash is HMAC-SHA-256 under the run's key, as hmac.new computes it, behind its prefix."""
    expected = [f"hmac:{hmac.new(key, text.encode(), 'sha256').hexdigest()}" for text in values]
    assert after(opened, "name", KEYED, list(values), RunKey(key)) == expected


@examples
@given(
    one=texts,
    other=texts,
    method=st.sampled_from([EMPTY, FIXED]),
    first=st.none() | st.just("x"),
)
def test_rows_that_differed_in_the_removed_value_are_alike(
    opened: Opened, one: str, other: str, method: Method, first: str | None
) -> None:
    """After empty and fixed nobody can tell which value stood where, nor whether one did."""
    assert len(set(after(opened, "name", method, [one, other, first]))) == 1


def test_two_runs_share_no_pseudonym(opened: Opened) -> None:
    """The same value reads the same within a run and differently in the next."""
    first, again = after(opened, "name", KEYED, ["ada", "ada"])
    later = after(opened, "name", KEYED, ["ada"])
    assert first == again
    assert later != [first]


@pytest.mark.parametrize("method", [EMPTY, TRUNCATED, KEYED])
def test_what_is_empty_stays_empty(opened: Opened, method: Method) -> None:
    """Where nothing stood, nothing is invented."""
    assert after(opened, "address", method, [None]) == [None]
    assert after(opened, "at", coarse("day"), [None]) == [None]


def test_what_only_looks_like_a_pseudonym_is_anonymised(opened: Opened) -> None:
    """A prefix does not save a name from its pseudonym."""
    values = ["hmac:ada", "hmac:" + "a" * 63, "hmac:" + "A" * 64, "hmac:" + "a" * 64 + "\n", "\nhmac:" + "a" * 64]
    assert all(new != old for new, old in zip(after(opened, "name", KEYED, values), values, strict=True))


def test_several_columns_change_in_one_statement(opened: Opened) -> None:
    """Rows with nothing left are not touched, and a column that is done keeps its pseudonym while another is emptied."""
    methods = {"name": KEYED, "notes": EMPTY, "sealed": EMPTY, "picture": EMPTY, "person_id": EMPTY, "must_name": FIXED}
    with opened() as session:
        session.execute(insert(visit), {"id": 1, "name": "ada", "notes": {"a": 1}, "picture": "k", "must_name": "x"})
        session.execute(update_of(visit, methods, visit.c.id == 1, RunKey.new()))
        before = session.execute(select(visit)).one()
        session.execute(visit.update().values(notes={"a": 2}))
        again = session.execute(update_of(visit, methods, visit.c.id == 1, RunKey.new()))
        assert again.rowcount == 1
        assert session.execute(select(visit)).one() == before
        assert before.name.startswith("hmac:")
        assert before.must_name == "somebody"
        assert (before.notes, before.picture) == (None, None)
        assert session.scalar(select(func.count()).where(left(visit, methods))) == 0
        assert session.execute(update_of(visit, methods, true(), RunKey.new())).rowcount == 0


@pytest.mark.parametrize(
    ("column", "method", "says"),
    [
        ("sealed", FIXED, "can only be emptied"),
        ("sealed", KEYED, "can only be emptied"),
        ("picture", KEYED, "can only be emptied"),
        ("person_id", KEYED, "can only be emptied"),
        ("must_name", EMPTY, "must be filled"),
        ("id", EMPTY, "delete the records"),
        ("code", FIXED, "must differ from row to row"),
        ("number", FIXED, "write another"),
        ("short", Method(method="fixed", value="x" * 21, why="test", source="test"), "write another"),
        ("short", KEYED, "69 characters"),
        ("number", KEYED, "69 characters"),
        ("kind", KEYED, "69 characters"),
        ("number", TRUNCATED, "no network address"),
        ("address", Method(method="truncate_ip", v4=24, why="test", source="test"), "v4 .at most 32. and v6"),
        ("address", Method(method="truncate_ip", v4=24, v6=65, why="test", source="test"), "at most 64"),
        ("name", Method(method="coarse_time", to="day", why="test", source="test"), "UtcDateTime"),
        ("at", Method(method="coarse_time", why="test", source="test"), "hour, day, month, year"),
        ("name", Method(method="hash", why="test", source="test"), "keyed_hash"),
    ],
)
def test_a_method_that_does_not_fit_is_refused(column: str, method: Method, says: str) -> None:
    """The refusal names the column and says what to do."""
    for made in (lambda: anonymised(visit.c[column], method, RunKey.new()), lambda: still(visit.c[column], method)):
        with pytest.raises(PolicyError, match=says) as raised:
            made()
        assert f"visit.{column}" in str(raised.value)


def test_the_key_stands_in_no_log_and_no_error(opened: Opened, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the log of statements nor the text of an error holds the key or its two masked forms."""
    key = RunKey(b"a key that nobody may ever read!")
    secrets = [key.inner[:32], key.outer[:32], b"a key that nobody"]
    caplog.set_level(logging.DEBUG)
    with opened() as session:
        session.execute(insert(visit), {"id": 1, "name": "ada"})
        session.execute(update_of(visit, {"name": KEYED}, true(), key))
        with pytest.raises(DBAPIError) as raised:
            session.execute(update_of(visit, {"name": KEYED}, visit.c.id == func.no_such_function(), key))
    written = caplog.text + str(raised.value) + repr(raised.value) + repr(key) + str(key)
    for secret in secrets:
        assert repr(secret)[2:-1] not in written
        assert secret.hex() not in written
    with pytest.raises(TypeError, match="never stored"):
        pickle.dumps(key)


def test_an_engine_that_shows_parameters_is_refused() -> None:
    """Without hide_parameters the key could reach a log, so nothing is anonymised."""
    with Session(create_engine("sqlite://")) as session, pytest.raises(NotAnonymous, match="hide_parameters"):
        prepare(session)
