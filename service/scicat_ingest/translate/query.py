"""JMESPath, bounded."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jmespath
from jinja2.exceptions import FilterArgumentError
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions, signature

_MOST_CHARACTERS = 1_000_000
_LONGEST = 10_000
"""Characters of an expression."""


class _Bounded(Functions):
    """JMESPath's functions; none makes much more than it is given."""

    @signature({"types": ["string"]}, {"types": ["array-string"]})
    def _func_join(self, separator: str, texts: list[str]) -> str:
        if sum(map(len, texts)) + len(separator) * len(texts) > _MOST_CHARACTERS:
            raise FilterArgumentError(f"json_query: join would give more than {_MOST_CHARACTERS} characters")
        return separator.join(texts)


_OPTIONS = jmespath.Options(custom_functions=_Bounded())


def ask(value: Any, expression: str) -> Any:
    """Give what a JMESPath expression finds. Raises FilterArgumentError."""
    compiled = compile_query(expression)
    try:
        return compiled.search(value, options=_OPTIONS)
    except JMESPathError as error:
        raise FilterArgumentError(f"json_query({expression!r:.200}): {_line(error)}") from None
    except (TypeError, AttributeError, RecursionError) as error:
        raise FilterArgumentError(f"json_query({expression!r:.200}): {type(error).__name__}") from None


@lru_cache(maxsize=1000)
def compile_query(expression: str) -> Any:
    """Compile an expression; the same one is compiled once. Raises FilterArgumentError."""
    if not isinstance(expression, str) or len(expression) > _LONGEST:
        raise FilterArgumentError(f"json_query: expected an expression of at most {_LONGEST} characters")
    try:
        return jmespath.compile(expression)
    except (JMESPathError, RecursionError) as error:
        raise FilterArgumentError(f"json_query({expression!r:.200}): {_line(error)}") from None


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0]
