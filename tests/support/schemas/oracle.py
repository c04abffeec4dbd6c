"""What must become of rows, worked out row by row from the words of the roads, without SQL and without the code under test."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass, replace
from typing import Any

from support.schemas.building import emptied
from support.schemas.filling import Row, Service, identity, referred
from support.schemas.shapes import Key, Shape, association_key, named

from datasteward.catalog import Road

Place = tuple[str, tuple[Any, ...]]
"""A row: its table and its primary key."""
State = dict[Place, dict[str, Any]]
"""The rows that there are."""


@dataclass(frozen=True)
class Outcome:
    """What is left, which rows went, in which something was emptied, and the keys of the objects that must go.

    A row in which something was emptied may have gone as well.
    """

    left: State
    gone: Set[Place]
    emptied: Set[Place]
    objects: Set[str]

    def then(self, more: Outcome) -> Outcome:
        """Both, one after the other."""
        return Outcome(more.left, self.gone | more.gone, self.emptied | more.emptied, self.objects | more.objects)


class Oracle:
    """Answers about one state of a service."""

    def __init__(self, service: Service, state: State | None = None) -> None:
        self.service, self.schema, self.held = service, service.schema, service.held
        self.state = placed(service) if state is None else state

    def shape(self, place: Place) -> Shape:
        """The table of the row."""
        return named(self.schema, place[0])

    def owners(self, place: Place) -> set[str]:
        """Everybody to whom an owning road leads."""
        return {who for road in self.shape(place).owners for who in self.led_to(place, road)}

    def led_to(self, place: Place, road: Road) -> set[str]:
        """Everybody to whom this road leads from the row: an owning one to the owners of the row it leads to, another to
        those who appear in that row as well. None leads on by a foreign key to the table where one comes from.
        """
        if road.kind in ("subject", "by"):
            return {self.state[place][road.columns[0]]} - {None}
        return {
            who
            for step in self._steps(place, road)
            for onward in self.shape(step).roads
            if onward.owns or not road.owns
            if onward.kind != "via" or self._leads_to(step, onward) != place[0]
            for who in self.led_to(step, onward)
        }

    def _leads_to(self, place: Place, road: Road) -> str | None:
        key = self.shape(place).key_over(road.columns)
        return None if key is None else key.to

    def _steps(self, place: Place, road: Road) -> Iterator[Place]:
        if road.kind == "via":
            key = self.shape(place).key_over(road.columns)
            yield from self._upwards(place, key) if key is not None else ()
        if road.kind == "through":
            key = association_key(self.schema, self.shape(place), road)
            yield from (other for other in self.of(road.table) if self.target(other, key) == place)

    def _upwards(self, place: Place, key: Key) -> set[Place]:
        """The row that this one refers to by the key; in the same table also those that that one refers to, and so on."""
        found, ahead = set[Place](), self.target(place, key)
        while ahead is not None and ahead not in found:
            found.add(ahead)
            ahead = self.target(ahead, key) if key.to == place[0] else None
        return found

    def of(self, table: str) -> list[Place]:
        """The rows of the table."""
        return [place for place in self.state if place[0] == table]

    def target(self, place: Place, key: Key) -> Place | None:
        """The row to which a row refers by the key, if any."""
        found = referred(key, self.state[place])
        return None if found is None or (key.to, found) not in self.state else (key.to, found)

    def must_refer(self, place: Place) -> set[Place]:
        """The rows that this one cannot outlive."""
        shape = self.shape(place)
        found = {self.target(place, key) for key in shape.keys if not shape.empties(key)}
        return {target for target in found if target is not None}

    def with_hanging(self, going: set[Place]) -> set[Place]:
        """The rows, and all that must refer to one of them, at any depth."""
        found = set(going)
        while more := {place for place in self.state if place not in found and self.must_refer(place) & found}:
            found |= more
        return found

    def letting_go(self, gone: set[Place]) -> Iterator[tuple[Place, tuple[str, ...]]]:
        """The rows that stay and refer to one that goes, with the columns that they empty for it."""
        for place in self.state.keys() - gone:
            shape = self.shape(place)
            for key in shape.keys:
                if shape.empties(key) and self.target(place, key) in gone:
                    yield place, shape.empties(key)

    def outcome(self, going: set[Place], changes: list[tuple[Place, tuple[str, ...]]]) -> Outcome:
        """Columns are emptied (a row that thereby refers to nothing hangs on nothing); then rows go with what hangs on
        them, and what may let go of them does.
        """
        after = Oracle(self.service, {place: dict(row) for place, row in self.state.items()})
        changed, objects = set[Place](), set[Any]()
        for place, columns in changes:
            if any(after.state[place][column] is not None for column in columns):
                changed.add(place)
                objects |= {after.state[place][column] for column in columns if column == "object"}
                after.state[place].update(dict.fromkeys(columns))
        gone = after.with_hanging(going)
        objects |= {after.state[place].get("object") for place in gone}
        left = {place: dict(row) for place, row in after.state.items() if place not in gone}
        for place, columns in after.letting_go(gone):
            left[place].update(dict.fromkeys(columns))
        return Outcome(left, frozenset(gone), frozenset(changed), frozenset(objects - {None}))


def placed(service: Service) -> State:
    """The rows of a service by their places."""
    return {
        (shape.name, identity(shape, row)): dict(row) for shape in service.schema for row in service.rows[shape.name]
    }


def retained(service: Service) -> Outcome:
    """After retention: what is due has gone or is emptied, but for what belongs to people under a hold.

    A due row stays when its going would take along, or change, a row of a person under a hold. Rows go before others are
    emptied, but for those whose clock is another row's: that row may go.
    """
    oracle = Oracle(service)

    def held(place: Place) -> bool:
        return bool(oracle.owners(place) & oracle.held)

    def touches_held(place: Place) -> bool:
        gone = oracle.with_hanging({place})
        return any(held(other) for other in gone | {other for other, _ in oracle.letting_go(gone)})

    due = [place for place in oracle.state if _due(oracle, place)]
    going = {place for place in due if oracle.shape(place).action == "delete" and not touches_held(place)}
    changes = [(place, emptied(oracle.shape(place))) for place in due if not held(place)]
    found = oracle.outcome(going, [change for change in changes if change[1]])
    return replace(found, emptied={p for p in found.emptied if p not in found.gone or not oracle.shape(p).clock})


def _due(oracle: Oracle, place: Place) -> bool:
    shape, age = oracle.shape(place), _age(oracle, place)
    return shape.action is not None and age is not None and age > shape.days


def _age(oracle: Oracle, place: Place) -> int | None:
    """Days since the clock of the row started: its own, else that of the row to which its first owning road leads."""
    shape = oracle.shape(place)
    if shape.clock:
        age: int | None = oracle.state[place]["at"]
        return age
    first = next(iter(shape.owners), None)
    key = None if first is None or first.kind not in ("via", "by") else shape.key_over(first.columns)
    target = None if key is None else oracle.target(place, key)
    return None if target is None else _age(oracle, target)


def erased(service: Service, subject: str, state: State | None = None) -> Outcome:
    """After the erasure of one person: each row as its roads say; what law keeps has let go of its objects alone.

    A row that others own too goes when they lose it with what hung on something that went.
    """
    oracle = Oracle(service, state)
    going, shared = set[Place](), set[Place]()
    changes: list[tuple[Place, tuple[str, ...]]] = []
    for place in oracle.state:
        shape = oracle.shape(place)
        if shape.kept:
            if shape.has_object and subject in oracle.owners(place):
                changes.append((place, ("object",)))
            continue
        for road in shape.roads:
            if subject in oracle.led_to(place, road):
                last = road.leaving.what in ("last_owner", "anonymise") and road.owns
                if road.leaving.what == "delete" or (last and oracle.owners(place) == {subject}):
                    going.add(place)
                elif last:
                    shared.add(place)
                if road.leaving.what == "anonymise":
                    changes.append((place, road.leaving.columns))
    found = oracle.outcome(going, changes)
    while lost := {p for p in shared & found.left.keys() if Oracle(service, found.left).owners(p) <= {subject}}:
        found = found.then(Oracle(service, found.left).outcome(lost, []))
    return found


def handed_over(service: Service, subject: str) -> dict[Place, Row]:
    """The rows of a person's archive: theirs and those they appear in, without what every road to them hides."""
    oracle, found = Oracle(service), dict[Place, Row]()
    for place, row in oracle.state.items():
        leading = [road for road in oracle.shape(place).roads if subject in oracle.led_to(place, road)]
        if leading:
            hidden = set.intersection(*(set(road.hides) for road in leading))
            found[place] = {name: None if name in hidden else value for name, value in row.items()}
    return found
