"""Hyper-parameters as a value: frozen, and a wrong name or kind is an error that helps."""

import types
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self, Union, get_args, get_origin, get_type_hints

from sbirkit.data.names import suggest


def weight(default: float) -> Any:
    """A field that weighs the loss term of the same name; at 0 the term is not computed."""
    return field(default=default, metadata={"weight": True})


@dataclass(frozen=True, kw_only=True)
class Config:
    """Base of all hyper-parameters: plain values with annotations, which are checked.

    >>> @dataclass(frozen=True, kw_only=True)
    ... class Mine(Config):
    ...     triplet: float = weight(1.0)
    ...     mining: Literal["all", "hard"] = "all"
    >>> Mine(minning="hard")
    Traceback (most recent call last):
    TypeError: Mine: there is no 'minning' (did you mean 'mining'?); it has triplet, mining
    >>> Mine(mining="soft")
    Traceback (most recent call last):
    ValueError: Mine: mining wants 'all' or 'hard', got 'soft'
    """

    def __new__(cls, *args: Any, **options: Any) -> Self:
        names = [f.name for f in fields(cls)]
        for name in options:
            if name not in names:
                raise TypeError(
                    f"{cls.__name__}: there is no {name!r}{suggest(name, names)}; it has {', '.join(names)}"
                )
        return super().__new__(cls)

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for f in fields(self):
            value = getattr(self, f.name)
            if not _fits(value, hints[f.name]):
                wanted = _spoken(hints[f.name])
                raise ValueError(f"{type(self).__name__}: {f.name} wants {wanted}, got {value!r}")
            if f.metadata.get("weight") and not 0 <= value < float("inf"):
                raise ValueError(f"{type(self).__name__}: weight {f.name} wants 0 or more, got {value!r}")

    def weights(self) -> dict[str, float]:
        """Every loss term's weight."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.metadata.get("weight")}


def _choices(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _fits(value: Any, hint: Any) -> bool:
    for one in _choices(hint):
        kind = get_origin(one) or one
        if kind is Literal:
            if value in get_args(one):
                return True
        elif kind in (int, float):
            if isinstance(value, (int, kind)) and not isinstance(value, bool):
                return True
        elif kind is Any or isinstance(value, kind):
            return True
    return False


def _spoken(hint: Any) -> str:
    said: list[str] = []
    for one in _choices(hint):
        literal = get_origin(one) is Literal
        said += map(repr, get_args(one)) if literal else [getattr(one, "__name__", str(one))]
    return " or ".join(said)
