"""The catalog as JSON-LD in the Data Privacy Vocabulary of W3C's community group, version 2.1: https://w3id.org/dpv.

A process for each purpose, with the categories, the legal basis, the recipients and the measures; each category, table,
column, prefix of objects and field of the log as data of its own; how long rows are kept as storage conditions.
policies/vocabulary.yaml says which terms fit.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Table

from datasteward.catalog.catalog import Catalog
from datasteward.catalog.describe import LOG, OBJECTS, Description, describe, outside
from datasteward.policy.model import Category, Processor, Purpose, RetentionRule
from datasteward.policy.policyset import PolicySet, covers, lineage

CONTEXT = {
    "dpv": "https://w3id.org/dpv#",
    "pd": "https://w3id.org/dpv/pd#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "dct": "http://purl.org/dc/terms/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
BASES = {
    "consent": "eu-gdpr:A6-1-a",
    "contract": "eu-gdpr:A6-1-b",
    "legal_obligation": "eu-gdpr:A6-1-c",
    "legitimate_interests": "eu-gdpr:A6-1-f",
}
"""GDPR Art. 6(1) in the extension for it."""
ORIGINS = {
    "provided": "dpv:ProvidedPersonalData",
    "observed": "dpv:ObservedPersonalData",
    "derived": "dpv:DerivedPersonalData",
}
IDENTIFYING = {
    "identified": "dpv:IdentifyingPersonalData",
    "pseudonymous": "dpv:PseudonymisedData",
    "anonymous": "dpv:AnonymisedData",
}
AT_REST = "dpv:EncryptionAtRest"

Node = dict[str, Any]


def document(catalog: Catalog, policies: PolicySet, *, base: str) -> str:
    """The document as text; `base` is the address under which our own things are named, ending in `#` or `/`."""
    nodes = [
        _controller(policies),
        *(_process(catalog, policies, purpose) for purpose in policies.purposes.values()),
        *(_purpose(policies, purpose) for purpose in policies.purposes.values()),
        *(_recipient(each) for each in policies.processors.values() if not each.embedded),
        *(_measure(key, each.words) for key, each in policies.controller.security_measures.items()),
        *(_category(policies, each) for each in policies.taxonomy.categories.values()),
        *(_rule(rule) for rule in policies.retention.values()),
        *(_table(catalog, policies, table) for table in catalog.tables),
        *(_data(describe(catalog, policies, column)) for column in catalog.tagged_columns()),
        *({"@id": f"our:table/{name}", "@type": "dpv:Data", "dct:title": name} for name in (OBJECTS, LOG)),
        *(_data(each) for each in outside(catalog, policies)),
    ]
    whole = {
        "@context": {**CONTEXT, "our": base},
        "@id": "our:data-map",
        "dct:identifier": policies.hash,
        "@graph": nodes,
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _controller(policies: PolicySet) -> Node:
    who = policies.controller
    return {
        "@id": "our:controller",
        "@type": "dpv:DataController",
        "dpv:hasName": who.name,
        "dpv:hasAddress": who.address,
        "dpv:hasContact": who.contact,
    }


def _process(catalog: Catalog, policies: PolicySet, purpose: Purpose) -> Node:
    columns = [(c, catalog.tag(c).category) for c in catalog.tagged_columns()]
    used = sorted({key for _, key in columns if policies.category(key).personal and covers(purpose.categories, key)})
    receive = [p.id for p in policies.processors.values() if purpose.id in p.purposes and not p.embedded]
    measures = [f"our:measure/{key}" for key in policies.controller.security_measures]
    encrypted = any(policies.encrypted(key) for key in used)
    return {
        "@id": f"our:process/{purpose.id}",
        "@type": "dpv:Process",
        "dct:title": purpose.name,
        "dpv:hasDataController": _ref("our:controller"),
        "dpv:hasDataSubject": _ref("dpv:User"),
        "dpv:hasPurpose": _ref(f"our:purpose/{purpose.id}"),
        "dpv:hasLegalBasis": _ref(BASES[purpose.legal_basis]),
        "dpv:hasPersonalData": [_ref(f"our:category/{key}") for key in used],
        "dpv:hasRecipient": [_ref(f"our:recipient/{key}") for key in receive],
        "dpv:hasStorageCondition": [_ref(f"our:retention/{key}") for key in _rules(policies, used)],
        "dpv:hasTechnicalOrganisationalMeasure": [_ref(key) for key in measures],
        **({"dpv:hasTechnicalMeasure": _ref(AT_REST)} if encrypted else {}),
    }


def _purpose(policies: PolicySet, purpose: Purpose) -> Node:
    term = policies.vocabulary.purposes.get(purpose.id)
    return {
        "@id": f"our:purpose/{purpose.id}",
        "@type": "dpv:Purpose",
        "skos:prefLabel": purpose.name,
        "skos:definition": f"We use it for {purpose.words}.",
        "dct:source": purpose.source,
        **({"skos:broader": _ref(term)} if term else {}),
    }


def _recipient(processor: Processor) -> Node:
    return {
        "@id": f"our:recipient/{processor.id}",
        "@type": "dpv:Recipient",
        "dpv:hasName": processor.name,
        "dpv:hasContact": processor.contact,
        "dct:description": f"{processor.role} Receives {processor.receives}",
        "dct:spatial": processor.region,
        "dpv:hasPersonalData": [_ref(f"our:category/{key}") for key in processor.categories],
    }


def _measure(key: str, words: str) -> Node:
    kind = "dpv:TechnicalOrganisationalMeasure"
    return {"@id": f"our:measure/{key}", "@type": kind, "skos:prefLabel": words}


def _category(policies: PolicySet, category: Category) -> Node:
    terms = policies.vocabulary.categories
    term = next((terms[step] for step in lineage(category.key) if step in terms), None)
    above = category.key.rpartition(".")[0]
    broader = [*([f"our:category/{above}"] if above else []), *([term] if term else [])]
    return {
        "@id": f"our:category/{category.key}",
        "@type": "dpv:PersonalData" if category.personal else "dpv:NonPersonalData",
        "skos:prefLabel": category.name,
        "skos:definition": category.description,
        "dct:source": category.source,
        **({"skos:broader": [_ref(each) for each in broader]} if broader else {}),
    }


def _rule(rule: RetentionRule) -> Node:
    lasting: Node = {"@type": "dpv:UntilEventDuration"}
    if rule.period is not None:
        lasting = {"@type": "dpv:TemporalDuration", "rdf:value": {"@type": "xsd:duration", "@value": str(rule.period)}}
    return {
        "@id": f"our:retention/{rule.id}",
        "@type": "dpv:StorageDuration",
        "skos:prefLabel": f"{rule.name}: {rule.words}",
        "dct:source": f"{rule.legal_basis}; {rule.source}",
        "dpv:hasDuration": lasting,
    }


def _table(catalog: Catalog, policies: PolicySet, table: Table) -> Node:
    told = catalog.record(table)
    rules = policies.rules_for(told.category, table=str(table.name))
    return {
        "@id": f"our:table/{table.name}",
        "@type": "dpv:Data",
        "dct:title": str(table.name),
        "dct:subject": _ref(f"our:category/{told.category}"),
        "dpv:hasStorageCondition": [_ref(f"our:retention/{rule.id}") for rule in rules],
    }


def _data(told: Description) -> Node:
    kinds = [ORIGINS.get(told.origin or ""), IDENTIFYING.get(told.identifiability or "")] if told.personal else []
    return {
        "@id": f"our:column/{told.table}.{told.column}",
        "@type": ["dpv:PersonalData" if told.personal else "dpv:NonPersonalData", *(kind for kind in kinds if kind)],
        "dct:title": told.column,
        "dct:isPartOf": _ref(f"our:table/{told.table}"),
        "dct:subject": _ref(f"our:category/{told.category}"),
        **({"dpv:hasTechnicalMeasure": _ref(AT_REST)} if told.encrypted else {}),
    }


def _rules(policies: PolicySet, categories: list[str]) -> Iterator[str]:
    found = (rule.id for key in categories for rule in policies.rules_for(key))
    return iter(dict.fromkeys(found))


def _ref(iri: str) -> dict[str, str]:
    return {"@id": iri}
