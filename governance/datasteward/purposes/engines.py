"""An engine's view for one purpose: the same pool and events, with a copy of its dialect that compiles by the rules."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.engine import Dialect

from datasteward.audit.log import POLICY
from datasteward.purposes.compiling import PurposeCompiler, PurposeContext, PurposePreparer
from datasteward.purposes.rules import Rules


def view(engine: Engine, rules: Rules, policy: str) -> Engine:
    """The engine as the purpose sees it; its audit entries name the policy set of this hash.

    The engine must have been connected once: what its dialect learns then is copied.
    """
    strict, free = _limited(engine.dialect, rules), _limited(engine.dialect, replace(rules, text=True))
    strict.with_text = free.with_text = free
    made = engine.execution_options(**{POLICY: policy})
    made.dialect = strict
    return made


def _limited(dialect: Dialect, rules: Rules) -> Any:
    limited: Any = copy(dialect)
    limited.rules = rules
    limited.statement_compiler = _mixed(PurposeCompiler, dialect.statement_compiler)
    limited.execution_ctx_cls = _mixed(PurposeContext, dialect.execution_ctx_cls)
    limited.identifier_preparer = preparer = copy(dialect.identifier_preparer)
    preparer.__class__ = _mixed(PurposePreparer, type(preparer))
    preparer.rules = rules  # type: ignore[attr-defined]
    return limited


def _mixed(mixin: type[Any], base: type[Any]) -> type[Any]:
    return type(f"{mixin.__name__}For{base.__name__}", (mixin, base), {})
