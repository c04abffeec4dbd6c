"""Two more of the applications that K9db annotates: ghchat, whose messages a group sees, and HotCRP's blind reviews.

Facts from brownsys/K9db: experiments/schema-annot/annotated/ghchat-annotated.sql and hotcrp-annotated.sql; columns that no
annotation speaks of are left out. They record no rows and no results: the rows are ours, the results follow from the
annotations.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import MetaData
from support.k9db import Rows, key, loose, number, person, table, words

from datasteward.catalog import anonymise, is_subject, owned_by, seen_by, seen_through, seen_via

GHCHAT = MetaData()
table(GHCHAT, "user_info", person("id"), words("name"), roads=[is_subject("id")])
table(
    GHCHAT,
    "group_info",
    number("id"),
    words("name"),
    key("creator_id", "user_info.id"),
    roads=[owned_by("creator_id"), seen_through("group_user_relation")],
)
table(
    GHCHAT,
    "group_user_relation",
    number("id"),
    key("to_group_id", "group_info.id"),
    key("user_id", "user_info.id"),
    roads=[owned_by("user_id")],
)
table(
    GHCHAT,
    "group_msg",
    number("id"),
    key("from_user", "user_info.id"),
    loose("to_group_id", "group_info.id"),
    words("message"),
    roads=[owned_by("from_user"), seen_via("to_group_id")],
)
table(
    GHCHAT,
    "private_msg",
    number("id"),
    loose("from_user", "user_info.id"),
    loose("to_user", "user_info.id"),
    words("message"),
    roads=[
        owned_by("from_user", leaving=anonymise("from_user")),
        owned_by("to_user", leaving=anonymise("to_user")),
    ],
)
TALK: Rows = {
    "user_info": [("a", "Ada"), ("b", "Ben"), ("c", "Cleo")],
    "group_info": [(1, "readers", "a")],
    "group_user_relation": [(1, 1, "a"), (2, 1, "b")],
    "group_msg": [(1, "a", 1, "welcome"), (2, "b", 1, "hello")],
    "private_msg": [(1, "a", "b", "psst"), (2, "c", "b", "hi")],
}


def test_members_see_what_is_said_in_their_group(service: Any) -> None:
    """A member gets the group and all of its messages; who is in no group gets none."""
    talk = service(GHCHAT, TALK)
    assert talk.get("b") == {
        **TALK,
        "user_info": [("b", "Ben")],
        "group_user_relation": [(2, 1, "b")],
    }
    assert talk.get("c") == {"user_info": [("c", "Cleo")], "private_msg": [(2, "c", "b", "hi")]}


def test_a_member_takes_their_own_messages_along_and_the_creator_the_group(service: Any) -> None:
    """Ben's words in the group go with Ben, and with Ada the group; private messages stay with whoever is left."""
    talk = service(GHCHAT, TALK)
    talk.forget("b")
    assert talk.rows() == {
        "user_info": [("a", "Ada"), ("c", "Cleo")],
        "group_info": [(1, "readers", "a")],
        "group_user_relation": [(1, 1, "a")],
        "group_msg": [(1, "a", 1, "welcome")],
        "private_msg": [(1, "a", None, "psst"), (2, "c", None, "hi")],
    }
    talk.forget("a")
    assert talk.rows() == {"user_info": [("c", "Cleo")], "private_msg": [(2, "c", None, "hi")]}


def test_what_others_said_in_a_group_outlives_the_group(service: Any) -> None:
    """With the creator the group goes and its memberships; Ben keeps the words that are Ben's."""
    talk = service(GHCHAT, TALK)
    talk.forget("a")
    assert talk.rows() == {
        "user_info": [("b", "Ben"), ("c", "Cleo")],
        "group_msg": [(2, "b", None, "hello")],
        "private_msg": [(1, None, "b", "psst"), (2, "c", "b", "hi")],
    }


HOTCRP = MetaData()
table(HOTCRP, "ContactInfo", person("contactId"), words("email"), roads=[is_subject("contactId")])
table(
    HOTCRP,
    "Paper",
    number("paperId"),
    words("title"),
    key("leadContactId", "ContactInfo.contactId"),
    loose("shepherdContactId", "ContactInfo.contactId"),
    roads=[owned_by("leadContactId"), seen_by("shepherdContactId")],
)
table(
    HOTCRP,
    "PaperReview",
    number("reviewId"),
    loose("paperId", "Paper.paperId"),
    key("contactId", "ContactInfo.contactId"),
    loose("requestedBy", "ContactInfo.contactId"),
    words("tfields"),
    roads=[
        owned_by("contactId"),
        seen_via("paperId", hides=("reviewId", "contactId", "requestedBy")),
        seen_by("requestedBy"),
    ],
)
table(
    HOTCRP,
    "PaperReviewRefused",
    number("id"),
    words("email"),
    key("contactId", "ContactInfo.contactId"),
    loose("requestedBy", "ContactInfo.contactId"),
    words("reason"),
    roads=[
        owned_by("contactId"),
        seen_by("requestedBy", hides=("email", "contactId"), leaving=anonymise("requestedBy")),
    ],
)
REVIEWS: Rows = {
    "ContactInfo": [
        ("author", "a@x.example"),
        ("chair", "c@x.example"),
        ("one", "r1@x.example"),
        ("two", "r2@x.example"),
    ],
    "Paper": [(1, "On roads", "author", "chair")],
    "PaperReview": [(1, 1, "one", "chair", "Accept."), (2, 1, "two", "one", "Reject.")],
    "PaperReviewRefused": [(1, "r2@x.example", "two", "chair", "No time.")],
}


def test_an_author_gets_reviews_without_reviewers(service: Any) -> None:
    """Authors are shown what was written and not who wrote or asked for it; a reviewer gets their own review whole."""
    conference = service(HOTCRP, REVIEWS)
    assert conference.get("author") == {
        "ContactInfo": [("author", "a@x.example")],
        "Paper": REVIEWS["Paper"],
        "PaperReview": [(None, 1, None, None, "Accept."), (None, 1, None, None, "Reject.")],
    }
    assert conference.get("two") == {
        "ContactInfo": [("two", "r2@x.example")],
        "PaperReview": REVIEWS["PaperReview"][1:],
        "PaperReviewRefused": REVIEWS["PaperReviewRefused"],
    }


def test_who_asked_for_a_review_sees_it_and_not_who_refused(service: Any) -> None:
    """The chair sees the review that the chair asked for, and as shepherd what authors see; of a refusal not who refused."""
    told = service(HOTCRP, REVIEWS).get("chair")
    assert told["PaperReview"] == [(1, 1, "one", "chair", "Accept."), (None, 1, None, None, "Reject.")]
    assert told["PaperReviewRefused"] == [(1, None, None, "chair", "No time.")]


def test_reviews_are_the_reviewers_and_outlive_paper_and_chair(service: Any) -> None:
    """The paper goes with its author and the reviews stay with who wrote them; the chair is taken out of the refusal."""
    conference = service(HOTCRP, REVIEWS)
    conference.forget("author")
    conference.forget("chair")
    assert conference.rows() == {
        "ContactInfo": REVIEWS["ContactInfo"][2:],
        "PaperReview": [(1, None, "one", None, "Accept."), (2, None, "two", "one", "Reject.")],
        "PaperReviewRefused": [(1, "r2@x.example", "two", None, "No time.")],
    }
