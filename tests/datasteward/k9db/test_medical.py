"""K9db's medical chat: messages belong to the patient; what becomes of the doctor's name differs between its versions.

Facts from brownsys/K9db: examples/medical_chat.sql, medical_chat_delf.sql, medical_chat_delf_anonymize.sql;
tests/data/delf_medical_retain and tests/data/delf_medical_anonymize (schema.sql, inserts.sql, queries.txt).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, MetaData
from support.k9db import Rows, key, loose, number, person, table, words

from datasteward.catalog import Road, anonymise, is_subject, keep, owned_by, seen_by


def schema(doctor: Column[Any], *roads: Road) -> MetaData:
    """Doctors, patients, and their chat with these roads."""
    made = MetaData()
    table(made, "doctors", person("id"), words("name"), roads=[is_subject("id")])
    table(made, "patients", person("id"), words("name"), roads=[is_subject("id")])
    table(made, "chat", number("id"), key("patient_id", "patients.id"), doctor, words("message"), roads=roads)
    return made


# medical_chat.sql: each side is shown without the other's id, and a doctor who leaves is taken out of the messages.
MASKED = schema(
    loose("doctor_id", "doctors.id"),
    owned_by("patient_id", hides=("doctor_id",)),
    seen_by("doctor_id", hides=("patient_id",), leaving=anonymise("doctor_id")),
)
CHAT = [
    (1, "1", "10", "Msg (1)"),
    (2, "1", "10", "Msg (2)"),
    (3, "2", "10", "Msg (3)"),
    (4, "1", "20", "Msg (4)"),
    (5, "2", "20", "Msg (5)"),
]
MASKED_ROWS: Rows = {
    "doctors": [("10", "Carl"), ("20", "Dracula")],
    "patients": [("1", "Alice"), ("2", "Bob")],
    "chat": CHAT,
}

# medical_chat_delf.sql, delf_medical_retain: the messages keep saying who the doctor was.
RETAINED = schema(
    person("doctor_id"),
    owned_by("patient_id"),
    seen_by("doctor_id", leaving=keep("The patient's record says who treated them.")),
)
# delf_medical_anonymize: the doctor who leaves is taken out.
ANONYMISED = schema(
    loose("doctor_id", "doctors.id"), owned_by("patient_id"), seen_by("doctor_id", leaving=anonymise("doctor_id"))
)
DELF_ROWS: Rows = {
    "doctors": [("1", "Alice"), ("2", "Bob")],
    "patients": [("10", "Carl"), ("20", "Dracula")],
    "chat": [
        (1, "10", "1", "HELLO"),
        (2, "10", "2", "Good bye"),
        (3, "20", "1", "HELLO"),
        (4, "20", "2", "HELLO 2"),
        (5, "20", "1", "HELLO 3"),
    ],
}


def test_neither_side_is_shown_who_the_other_is(service: Any) -> None:
    """A doctor gets the messages without the patients, a patient theirs without the doctors."""
    clinic = service(MASKED, MASKED_ROWS)
    assert clinic.get("10") == {
        "doctors": [("10", "Carl")],
        "chat": [(1, None, "10", "Msg (1)"), (2, None, "10", "Msg (2)"), (3, None, "10", "Msg (3)")],
    }
    assert clinic.get("1") == {
        "patients": [("1", "Alice")],
        "chat": [(1, "1", None, "Msg (1)"), (2, "1", None, "Msg (2)"), (4, "1", None, "Msg (4)")],
    }


def test_a_doctor_who_leaves_is_taken_out_and_a_patient_takes_the_chat_along(service: Any) -> None:
    """After the doctor the messages stay without that doctor; after the patient theirs are gone."""
    clinic = service(MASKED, MASKED_ROWS)
    clinic.forget("10")
    assert clinic.rows()["doctors"] == [("20", "Dracula")]
    assert clinic.rows()["chat"] == [
        (1, "1", None, "Msg (1)"),
        (2, "1", None, "Msg (2)"),
        (3, "2", None, "Msg (3)"),
        *CHAT[3:],
    ]
    clinic.forget("1")
    assert clinic.rows() == {
        "doctors": [("20", "Dracula")],
        "patients": [("2", "Bob")],
        "chat": [(3, "2", None, "Msg (3)"), CHAT[4]],
    }


def test_both_sides_get_the_messages_that_are_retained(service: Any) -> None:
    """Without masks each side gets whole messages; after a patient the doctor gets those of the others."""
    clinic = service(RETAINED, DELF_ROWS)
    assert clinic.get("10") == {"patients": [("10", "Carl")], "chat": DELF_ROWS["chat"][:2]}
    both = [(2, "10", "2", "Good bye"), (4, "20", "2", "HELLO 2")]
    assert clinic.get("2") == {"doctors": [("2", "Bob")], "chat": both}
    assert clinic.forget("10").rows == {"chat": 2, "patients": 1}
    assert clinic.get("2") == {"doctors": [("2", "Bob")], "chat": both[1:]}


def test_messages_that_are_retained_say_who_the_doctor_was(service: Any) -> None:
    """A doctor whose traces are retained goes; the messages stay as they were, and the certificate counts them."""
    clinic = service(RETAINED, DELF_ROWS)
    certificate = clinic.forget("2")
    assert certificate.rows == {"doctors": 1}
    assert certificate.kept["chat"] == 2
    assert clinic.rows() == {**DELF_ROWS, "doctors": [("1", "Alice")]}


def test_messages_that_are_anonymised_lose_the_doctor(service: Any) -> None:
    """A doctor who leaves is taken out of their messages alone (K9db's older version wrote −1 there)."""
    clinic = service(ANONYMISED, DELF_ROWS)
    clinic.forget("2")
    assert clinic.rows() == {
        "doctors": [("1", "Alice")],
        "patients": DELF_ROWS["patients"],
        "chat": [
            (1, "10", "1", "HELLO"),
            (2, "10", None, "Good bye"),
            (3, "20", "1", "HELLO"),
            (4, "20", None, "HELLO 2"),
            (5, "20", "1", "HELLO 3"),
        ],
    }
