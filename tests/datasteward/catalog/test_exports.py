"""The data map for other tools: every column is in both files, and they are what their formats say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ruamel.yaml import YAML
from sqlalchemy import JSON, Column, LargeBinary, MetaData, String, Table

from datasteward.catalog import Catalog, dpv, fides, nobody, record, tag
from datasteward.catalog.describe import Description, describe
from datasteward.policy import PolicySet
from datasteward.types import Sealed
from gptimages import installation

BASE = "https://images.example/data-map#"


@pytest.fixture(scope="module")
def service() -> Catalog:
    """The catalog of the service."""
    return installation.catalog()


def test_a_column_is_described_by_its_tag_the_taxonomy_and_its_type(people: MetaData, shipped: PolicySet) -> None:
    """What the tag says wins over the taxonomy; whether it is encrypted is what the type does."""
    told = tag("user.name", identifiability="anonymous", export=False, why_not="a reason")
    columns: tuple[Column[Any], ...] = (
        Column("a", Sealed(), info=told),
        Column("b", LargeBinary, info=tag("user.contact.email")),
    )
    table = Table("note", people, *columns, info=record("user.account", nobody("a test")))
    a, b = (describe(Catalog(people), shipped, column) for column in table.columns)
    assert a == Description("note", "a", "user.name", True, "anonymous", "provided", True, False, "a reason")
    assert (b.identifiability, b.encrypted, b.export) == ("identified", False, True)


def test_every_column_is_in_the_fides_manifest(service: Catalog, shipped: PolicySet) -> None:
    """And every prefix and log field, with its category, which Fides has or the manifest brings along."""
    read = YAML(typ="safe").load(fides.manifest(service, shipped, key="gptimages", name="GPT Images"))
    (dataset,) = read["dataset"]
    found = {(c["name"], f["name"]): f for c in dataset["collections"] for f in c["fields"]}
    tags = {(c.table.name, c.name): service.tag(c) for c in service.tagged_columns()}
    tags |= {("objects", prefix): told for prefix, told in service.prefixes.items()}
    tags |= {("log", field): told for field, told in service.log_fields.items()}
    assert {place: f["data_categories"] for place, f in found.items()} == {p: [t.category] for p, t in tags.items()}
    own = {each["fides_key"]: each["parent_key"] for each in read["data_category"]}
    assert "user.legal.consent" in own
    assert "user.contact.email" not in own
    assert dataset["meta"]["policy_hash"] == shipped.hash
    assert dataset["meta"]["retention"]["usage_event"] == "13 months after each"


def test_the_fides_manifest_says_how_tables_hang_together(service: Catalog, shipped: PolicySet) -> None:
    """Keys, what they refer to, and by what a person is found; an id without a foreign key refers to the person, too."""
    read = YAML(typ="safe").load(fides.manifest(service, shipped, key="gptimages", name="GPT Images"))
    collections = [c for c in read["dataset"][0]["collections"] if "fides_meta" not in c]
    meta = {f"{c['name']}.{f['name']}": f["fides_meta"] for c in collections for f in c["fields"]}
    assert meta["account.id"] == {"data_type": "string", "primary_key": True, "identity": "external_id"}
    for name in ("identity.account_id", "transaction.subject_id"):
        there = [{"dataset": "gptimages", "field": "account.id", "direction": "from"}]
        assert meta[name] == {"data_type": "string", "references": there}
    assert meta["api_token.scopes"]["data_type"] == "object"


def test_key_paths_are_fields_in_a_field(people: MetaData, shipped: PolicySet) -> None:
    """A JSON column comes with what its paths are tagged as."""
    paths = {"browser.name": tag("user.device.user_agent"), "ip": tag("user.device.ip_address")}
    facts = Column("facts", JSON, info=tag("user.device", paths=paths))
    Table(
        "note",
        people,
        Column("id", String, primary_key=True, info=tag("user.unique_id")),
        facts,
        info=record("user.device", nobody("a test")),
    )
    read = YAML(typ="safe").load(fides.manifest(Catalog(people), shipped, key="k", name="n"))
    (collection,) = (c for c in read["dataset"][0]["collections"] if c["name"] == "note")
    (field,) = (f for f in collection["fields"] if f["name"] == "facts")
    assert {f["name"]: f["data_categories"] for f in field["fields"]} == {
        "browser.name": ["user.device.user_agent"],
        "ip": ["user.device.ip_address"],
    }


def iris(node: Any, context: dict[str, str]) -> Iterator[str]:
    """Every property, type and reference of a JSON-LD node, each expanded by the context's prefixes."""
    for key, value in node.items() if isinstance(node, dict) else ():
        if key in ("@id", "@type"):
            yield from (expanded(one, context) for one in ([value] if isinstance(value, str) else value))
        elif key not in ("@value", "@graph"):
            yield expanded(key, context)
        if key != "@context":
            yield from (iri for one in (value if isinstance(value, list) else [value]) for iri in iris(one, context))


def expanded(iri: str, context: dict[str, str]) -> str:
    """The IRI that a prefixed name stands for."""
    prefix, _, rest = iri.partition(":")
    return f"{context[prefix]}{rest}" if prefix in context else iri


def test_the_vocabulary_file_has_absolute_names_and_no_loose_end(service: Catalog, shipped: PolicySet) -> None:
    """Every name is an absolute IRI once its prefix is put in, and every thing of ours that is named is there."""
    read = json.loads(dpv.document(service, shipped, base=BASE))
    context = read.pop("@context")
    names = set(iris({key: value for key, value in read.items() if key != "@graph"}, context))
    names |= {iri for node in read["@graph"] for iri in iris(node, context)}
    assert all(iri.startswith(("https://", "http://")) for iri in names), names
    there = {expanded(node["@id"], context) for node in read["@graph"]} | {f"{BASE}data-map"}
    assert {iri for iri in names if iri.startswith(BASE)} == there


def test_every_column_is_in_the_vocabulary_file(service: Catalog, shipped: PolicySet) -> None:
    """As data of its category, and as encrypted where it is."""
    nodes = {node["@id"]: node for node in json.loads(dpv.document(service, shipped, base=BASE))["@graph"]}
    for column in service.tagged_columns():
        node = nodes[f"our:column/{column.table.name}.{column.name}"]
        assert node["dct:subject"] == {"@id": f"our:category/{service.tag(column).category}"}
    for name in (*(f"objects.{each}" for each in service.prefixes), *(f"log.{each}" for each in service.log_fields)):
        assert f"our:column/{name}" in nodes
    assert nodes["our:column/account.email"]["dpv:hasTechnicalMeasure"] == {"@id": "dpv:EncryptionAtRest"}
    assert nodes["our:column/account.email"]["@type"] == [
        "dpv:PersonalData",
        "dpv:ProvidedPersonalData",
        "dpv:IdentifyingPersonalData",
    ]


def test_the_vocabulary_file_has_a_process_for_each_purpose(service: Catalog, shipped: PolicySet) -> None:
    """With its basis in the GDPR, its data, who receives it, how long it is kept and how it is protected."""
    nodes = {node["@id"]: node for node in json.loads(dpv.document(service, shipped, base=BASE))["@graph"]}
    assert {f"our:process/{key}" for key in shipped.purposes} <= nodes.keys()
    made = nodes["our:process/improve"]
    assert made["dpv:hasLegalBasis"] == {"@id": "eu-gdpr:A6-1-a"}
    assert {"@id": "our:category/user.behavior.engagement"} in made["dpv:hasPersonalData"]
    assert {"@id": "our:retention/engagement-events"} in made["dpv:hasStorageCondition"]
    assert nodes["our:retention/usage-events"]["dpv:hasDuration"]["rdf:value"] == {
        "@type": "xsd:duration",
        "@value": "P13M",
    }
    recipients = [each["@id"] for each in nodes["our:process/billing"]["dpv:hasRecipient"]]
    assert recipients
    assert not any(shipped.processors[each.removeprefix("our:recipient/")].embedded for each in recipients)


def test_the_same_models_and_policies_give_the_same_bytes(service: Catalog, shipped: PolicySet) -> None:
    """So that two exports can be compared."""
    again = installation.catalog()
    assert dpv.document(service, shipped, base=BASE) == dpv.document(again, shipped, base=BASE)
    one, other = (fides.manifest(each, shipped, key="k", name="n") for each in (service, again))
    assert one == other
