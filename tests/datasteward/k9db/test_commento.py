"""K9db's Commento: a comment is its writer's, what others answered below is shown without them and goes with it.

Facts from brownsys/K9db: k9db/shards/sqlengine/gdpr_get_unittest.cc, gdpr_get_anon_unittest.cc and
gdpr_forget_anon_unittest.cc (each SelfFKTable); experiments/schema-annot/annotated/commento-annotated.sql for domains.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ForeignKey, MetaData, String
from support.k9db import Rows, key, person, table, words

from datasteward.catalog import is_subject, owned_by, seen_via, tag, with_any


def schema(*hides: str) -> MetaData:
    """Commenters and their tree of comments; `hides` is not shown of the answers of others."""
    made = MetaData()
    table(made, "commenters", person("commenterHex"), roads=[is_subject("commenterHex")])
    parent = Column("parentHex", String(80), ForeignKey("comments.commentHex"), info=tag("system.operations"))
    roads = [owned_by("commenterHex"), seen_via("parentHex", leaving=with_any(), hides=hides)]
    table(made, "comments", words("commentHex"), key("commenterHex", "commenters.commenterHex"), parent, roads=roads)
    return made


ROWS: Rows = {
    "commenters": [("0",), ("1",), ("2",)],
    "comments": [("0", "0", None), ("1", "0", "0"), ("2", "1", "1"), ("3", "2", "2"), ("4", "0", "3"), ("5", "1", "3")],
}


def test_answers_at_any_depth_are_shown(service: Any) -> None:
    """Who began gets the whole thread; who answered gets their answers and what stands below them."""
    thread = service(schema(), ROWS)
    assert thread.get("0") == {"commenters": [("0",)], "comments": ROWS["comments"]}
    assert thread.get("1")["comments"] == ROWS["comments"][2:]
    assert thread.get("2")["comments"] == ROWS["comments"][3:]


def test_answers_are_shown_without_who_wrote_them(service: Any) -> None:
    """The writer of an answer is hidden; one's own comments name oneself (K9db hides that, too, below another comment)."""
    thread = service(schema("commenterHex"), ROWS)
    assert thread.get("0")["comments"] == [
        ("0", "0", None),
        ("1", "0", "0"),
        ("2", None, "1"),
        ("3", None, "2"),
        ("4", "0", "3"),
        ("5", None, "3"),
    ]


def test_a_thread_goes_with_who_began_it(service: Any) -> None:
    """Seven rows go with who began: the person and the whole thread; with who answered, what stands below the answer."""
    thread = service(schema(), ROWS)
    assert thread.forget("0").rows == {"commenters": 1, "comments": 6}
    assert thread.rows() == {"commenters": [("1",), ("2",)]}


def test_what_stands_below_an_answer_goes_with_it(service: Any) -> None:
    """The thread above the answer stays."""
    thread = service(schema(), ROWS)
    thread.forget("2")
    assert thread.rows() == {"commenters": [("0",), ("1",)], "comments": ROWS["comments"][:3]}


def test_the_owner_of_a_site_sees_its_comments_without_their_writers(service: Any) -> None:
    """Over the domain a site's owner sees all comments on it, without writer, score and state; they go with the domain.

    Commento's annotations record no results: these follow from them. Its comments must name their domain, so a real
    foreign key takes them along when the site's owner leaves, where K9db would leave them without a domain.
    """
    made = MetaData()
    table(made, "owners", person("ownerHex"), words("name"), roads=[is_subject("ownerHex")])
    table(made, "commenters", person("commenterHex"), words("name"), roads=[is_subject("commenterHex")])
    table(made, "domains", words("domain"), key("ownerHex", "owners.ownerHex"), roads=[owned_by("ownerHex")])
    hidden = ("commenterHex", "score", "state")
    columns = [words("commentHex"), key("domain", "domains.domain"), key("commenterHex", "commenters.commenterHex")]
    roads = [owned_by("commenterHex"), seen_via("domain", hides=hidden)]
    table(made, "comments", *columns, words("score"), words("state"), roads=roads)
    rows: Rows = {
        "owners": [("o1", "Owner")],
        "commenters": [("c1", "Ines"), ("c2", "Jon")],
        "domains": [("a.example", "o1")],
        "comments": [("1", "a.example", "c1", "5", "approved"), ("2", "a.example", "c2", "0", "flagged")],
    }
    site = service(made, rows)
    assert site.get("o1")["comments"] == [("1", "a.example", None, None, None), ("2", "a.example", None, None, None)]
    assert site.get("c1") == {"commenters": [("c1", "Ines")], "comments": rows["comments"][:1]}
    site.forget("c1")
    assert site.rows()["comments"] == rows["comments"][1:]
    site.forget("o1")
    assert site.rows() == {"commenters": [("c2", "Jon")]}
