"""The JSON Schema of an agreement, with the words of the documentation where an editor shows them."""

from __future__ import annotations

import inspect
import re
from typing import Any

from pydantic import BaseModel

from ccstats.agreement.words import known_metrics
from ccstats.metrics import SERVICE_LEVELS

__all__ = ["build_schema"]

_PARAMETER = re.compile(r"^([\w, ]+?)(?: : .*)?$")
_MARKUP = re.compile(r"`+")
#: Keys whose words are a registry's: an editor can complete them.
_WORDS = {
    ("Target", "metric"): known_metrics,
    ("Target", "formula"): lambda: SERVICE_LEVELS,
    ("ServiceLevel", "definition"): lambda: SERVICE_LEVELS,
}


def build_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of a model and of all that it is made of (draft 2020-12).

    Parameters
    ----------
    model : type of pydantic.BaseModel
        Its docstring and theirs describe the keys.

    Returns
    -------
    dict

    Examples
    --------
    >>> from ccstats.agreement import Agreement
    >>> build_schema(Agreement)["properties"]["timezone"]["description"]
    'Zone whose days and hours count, such as Europe/Berlin.'
    """
    schema = model.model_json_schema(by_alias=True)
    models = {each.__name__: each for each in _models(model, {})}
    for name, part in [*schema["$defs"].items(), (model.__name__, schema)]:
        doc = inspect.getdoc(models[name]) or ""
        part["description"] = _shown(doc.split("\n\n")[0])
        told = _parameters(doc)
        for key, node in part["properties"].items():
            node.pop("title", None)
            if key in told:
                node["description"] = told[key]
            if (name, key) in _WORDS:
                words = sorted(_WORDS[name, key]())
                branch = next((each for each in node.get("anyOf", [node]) if each.get("type") == "string"), node)
                branch["enum"] = words
    return {**schema, "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "ccstats agreement"}


def _models(model: type[BaseModel], seen: dict[type[BaseModel], None]) -> list[type[BaseModel]]:
    """The model and all models in its fields, each once."""
    if model not in seen:
        seen[model] = None
        for field in model.model_fields.values():
            for each in _classes(field.annotation):
                _models(each, seen)
    return list(seen)


def _classes(annotation: Any) -> list[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return [annotation]
    return [each for part in getattr(annotation, "__args__", ()) for each in _classes(part)]


def _parameters(doc: str) -> dict[str, str]:
    """What a numpy-style docstring says of each parameter."""
    _, _, rest = doc.partition("Parameters\n----------\n")
    section = re.split(r"\n\n\w+\n-{3,}", rest)[0]
    told: dict[str, str] = {}
    names: list[str] = []
    for line in section.splitlines():
        if line.startswith(" "):
            for name in names:
                told[name] = f"{told.get(name, '')} {_shown(line)}".strip()
        elif match := _PARAMETER.match(line):
            names = [each.strip() for each in match[1].split(",")]
    return told


def _shown(text: str) -> str:
    return re.sub(r"\s+", " ", _MARKUP.sub("", text)).strip()
