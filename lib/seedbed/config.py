"""Configs: frozen pydantic models, read strictly, with errors that a person can act on."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterator, Mapping, Set
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from seedbed.errors import InvalidConfig, did_you_mean

Settings = Mapping[str, Any]
"""Settings as a sweep file holds them: nested mappings of plain values."""


class Config(BaseModel):
    """The base of every family's config: frozen, nothing extra, no NaN, a sentence under each field."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        ser_json_inf_nan="strings",
    )

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Refuse what would give one config another identity in every process."""
        for name, field in cls.model_fields.items():
            if _holds_a_set(field.annotation):
                raise InvalidConfig(
                    f"{cls.__module__}: {cls.__name__}.{name}: found a set, which has another order in every process "
                    "and so another trial; expected a tuple or a list, which a validator may sort"
                )


class ConfigError(InvalidConfig):
    """A setting that was refused: `path` is where it stands in the settings, `complaint` what is wrong."""

    def __init__(self, path: tuple[str, ...], complaint: str) -> None:
        self.path = path
        self.complaint = complaint
        super().__init__(f"{'.'.join(path)}: {complaint}" if path else complaint)


class NoSuchSetting(ConfigError):
    """A setting that does not exist in the kind of trial that the other settings make."""


def read_config(config_type: Any, settings: Settings) -> Config:
    """Validate settings against a config model, or a union of them, strictly.

    Raises ConfigError for the first setting that is wrong.
    """
    try:
        config = _adapter(config_type).validate_json(json.dumps(settings, allow_nan=False), strict=True)
    except ValidationError as error:
        raise _explain(error.errors(include_url=False)[0], settings, config_type) from None
    except (ValueError, TypeError) as error:
        raise ConfigError((), f"not plain settings: {error}") from None
    return typing.cast(Config, config)


def differing(config: BaseModel) -> dict[str, Any]:
    """The settings that differ from the model's defaults, as plain JSON values.

    A field without a default always counts. This is what enters a trial's
    identity, so a new field whose default is the old behaviour orphans nothing.
    """
    plain = config.model_dump(mode="json")
    kept = {}
    for name, field in type(config).model_fields.items():
        value = getattr(config, name)
        if not field.is_required() and value == field.get_default(call_default_factory=True):
            continue
        kept[name] = differing(value) if isinstance(value, BaseModel) else plain[name]
    return kept


def defaults(model: type[BaseModel]) -> dict[str, Any]:
    """Each field's default as a plain JSON value; '(required)' where there is none."""
    return {
        name: "(required)"
        if field.is_required()
        else TypeAdapter(Any).dump_python(field.get_default(call_default_factory=True), mode="json")
        for name, field in model.model_fields.items()
    }


def variants(config_type: Any) -> list[type[BaseModel]]:
    """The models that a config type is made of: itself, or the members of a (nested) union."""
    return list(dict.fromkeys(_walk(config_type)))


def knows(config_type: Any, path: str) -> bool:
    """Whether a dotted path can be a setting of some variant: its first name is a field."""
    return path.split(".")[0] in field_names(config_type)


def field_names(config_type: Any) -> list[str]:
    """The names of all fields of all variants, each once."""
    return list(dict.fromkeys(name for model in variants(config_type) for name in model.model_fields))


def fixed_values(model: type[BaseModel], name: str) -> tuple[Any, ...]:
    """What a field may be, if there is one of that name and it is a Literal."""
    field = model.model_fields.get(name)
    return (
        typing.get_args(field.annotation) if field and typing.get_origin(field.annotation) is Literal else ()
    )


def _holds_a_set(annotation: Any) -> bool:
    kind = typing.get_origin(annotation) or annotation
    is_set = isinstance(kind, type) and issubclass(kind, Set)
    return is_set or any(_holds_a_set(part) for part in typing.get_args(annotation))


@cache
def _adapter(config_type: Any) -> TypeAdapter[Any]:
    return TypeAdapter(config_type)


def _walk(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif typing.get_origin(annotation) in (typing.Union, types.UnionType):
        for member in typing.get_args(annotation):
            yield from _walk(member)
    elif typing.get_origin(annotation) is typing.Annotated:
        yield from _walk(typing.get_args(annotation)[0])


def _explain(error: ErrorDetails, settings: Settings, config_type: Any) -> ConfigError:
    path = path_in(error["loc"], settings)
    found = error["input"]
    match error["type"]:
        case "extra_forbidden":
            return NoSuchSetting(path, _unknown(path[-1], *_around(path, settings, config_type)))
        case "missing":
            return ConfigError(path, "is required and not set")
        case "union_tag_not_found" | "union_tag_invalid" if path and path[0] in settings:
            return ConfigError(path, _wrong_inner_tag(error))
        case "union_tag_not_found" | "union_tag_invalid":
            return _wrong_tag(settings, config_type)
        case "float_type" | "int_type" if isinstance(found, str):
            return ConfigError(path, f"expected a number, found the text {found!r}{_exponent_hint(found)}")
        case "model_type" | "model_attributes_type" | "dict_type":
            inner = _told_apart(path, settings, config_type, found)
            return ConfigError(path, f"found {found!r}, expected settings by name{inner}")
        case "value_error":
            return ConfigError(path, str(error["ctx"]["error"]))
        case "literal_error":
            allowed = error["ctx"]["expected"]
            names = [name.strip(" '") for name in allowed.replace(" or ", ",").split(",")]
            return ConfigError(path, f"found {found!r}, expected {allowed}; {did_you_mean(found, names)}")
        case _:
            return ConfigError(path, f"{error['msg'].lower()}, found {found!r}")


def path_in(location: tuple[int | str, ...], settings: Any) -> tuple[str, ...]:
    """Where an error stands in the settings; pydantic's location also holds the members of unions."""
    path: list[str] = []
    for index, part in enumerate(location):
        inside = isinstance(settings, Mapping) and part in settings
        if inside or (isinstance(settings, list) and isinstance(part, int)):
            settings = settings[part]
            path.append(str(part))
        elif index == len(location) - 1 and isinstance(settings, Mapping):
            path.append(str(part))
    return tuple(path)


def _around(path: tuple[str, ...], settings: Settings, config_type: Any) -> tuple[Settings, Any]:
    """The settings among which a path's last name stands, and the type that they were read as."""
    for name in path[:-1]:
        config_type = _variant_for(variants(config_type), settings).model_fields[name].annotation
        settings = settings[name]
    return settings, config_type


def _told_apart(path: tuple[str, ...], settings: Settings, config_type: Any, found: Any) -> str:
    """How the members of a setting's union are told apart: ` such as {kind: …}`; nothing where it is none."""
    around, kind = _around(path, settings, config_type)
    annotation = _variant_for(variants(kind), around).model_fields[path[-1]].annotation
    models = variants(annotation)
    for name in field_names(annotation) if len(models) > 1 else []:
        fixed = [fixed_values(model, name) for model in models]
        allowed = [value for values in fixed for value in values]
        if not all(fixed) or len(allowed) > len(set(allowed)):
            continue
        if found in allowed:
            return f" such as {{{name}: {found}}}"
        return f" such as {{{name}: {allowed[0]}}}; {did_you_mean(found, allowed)}"
    return ""


def _unknown(name: str, settings: Settings, config_type: Any) -> str:
    models = variants(config_type)
    here = _variant_for(models, settings)
    elsewhere = [model for model in models if name in model.model_fields]
    if elsewhere and name not in here.model_fields:
        only = " or ".join(_in_words(model) for model in elsewhere)
        return f"has no effect in {_in_words(here)}; it exists only in {only}"
    return f"no such setting; {did_you_mean(name, here.model_fields)}"


def _variant_for(models: list[type[BaseModel]], settings: Settings) -> type[BaseModel]:
    """The variant whose fixed fields (Literal) agree best with the settings."""

    def agreement(model: type[BaseModel]) -> int:
        fixed = {
            name: typing.get_args(field.annotation)
            for name, field in model.model_fields.items()
            if typing.get_origin(field.annotation) is Literal
        }
        given = [name for name in fixed if name in settings]
        wrong = [name for name in given if settings[name] not in fixed[name]]
        unset = [
            name for name, field in model.model_fields.items() if field.is_required() and name not in settings
        ]
        foreign = [name for name in settings if name not in model.model_fields]
        return len(given) - 100 * len(wrong) - 10 * len(unset) - len(foreign)

    return max(models, key=agreement)


def _in_words(model: type[BaseModel]) -> str:
    """A variant's docstring, its first line, as it reads inside a sentence."""
    line = (model.__doc__ or model.__name__).strip().splitlines()[0].rstrip(".")
    return line[0].lower() + line[1:]


def _wrong_inner_tag(error: ErrorDetails) -> str:
    """What is wrong with the field that tells the members of a setting's union apart."""
    tag = error["ctx"]["discriminator"].strip("'")
    if error["type"] == "union_tag_not_found":
        return f"{tag} is required and not set"
    names = [name.strip(" '") for name in error["ctx"]["expected_tags"].split(",")]
    return f"{tag}: found {error['ctx']['tag']!r}; {did_you_mean(error['ctx']['tag'], names)}"


def _wrong_tag(settings: Settings, config_type: Any) -> ConfigError:
    """Which of the fields that tell a union's members apart is missing or wrong."""
    models = variants(config_type)
    for name in field_names(config_type):
        allowed = {value: model for model in models for value in fixed_values(model, name)}
        if name in settings and settings[name] not in allowed and allowed:
            return ConfigError((name,), f"found {settings[name]!r}; {did_you_mean(settings[name], allowed)}")
        if name not in settings and allowed and all(_is_required(model, name) for model in models):
            return ConfigError((name,), f"is required and not set; known: {', '.join(map(str, allowed))}")
        if name in settings and allowed:  # one that is not set leaves open which model is meant
            models = [model for model in models if settings[name] in fixed_values(model, name)]
    return ConfigError((), f"no kind of trial has these settings: {dict(settings)}")


def _is_required(model: type[BaseModel], name: str) -> bool:
    return name in model.model_fields and model.model_fields[name].is_required()


def _exponent_hint(text: str) -> str:
    try:
        value = float(text)
    except ValueError:
        return ""
    return f" (YAML reads it as text: write {value!r})" if "e" in text.lower() else " (remove the quotes)"
