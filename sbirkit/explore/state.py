"""What all explorers share: a state that is plain Python, tells those who watch it, and shows itself."""

import functools
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

from sbirkit.data.sheets import Sheet

F = TypeVar("F", bound=Callable[..., Any])
MISTAKES = (ValueError, TypeError, KeyError, IndexError)  # of the user


def told(error: Exception) -> str:
    """A mistake in its own words; any other error, a method's say, with its type in front."""
    said = str(error.args[0]) if error.args else ""
    return said if said and isinstance(error, MISTAKES) else f"{type(error).__name__}: {error}".rstrip(": ")


def action(method: F) -> F:
    """Mark a method that a view may call; whoever watches hears of it afterwards."""

    @functools.wraps(method)
    def wrapped(self: "State", *args: Any, **options: Any) -> Any:
        self.message = ""
        done = method(self, *args, **options)
        self.changed()
        return done

    wrapped.is_action = True  # type: ignore[attr-defined]
    return wrapped  # type: ignore[return-value]


class State(ABC):
    """Everything an explorer shows, and what may be done to it. No widget in sight.

    Attributes:
        message: what there is to say about the last action, in words; empty if nothing.
    """

    script: ClassVar[str]  # the view's file, without ``.js``
    message: str = ""

    def __init__(self) -> None:
        self._watching: list[weakref.WeakMethod[Callable[[], None]]] = []
        self._view: Any = None

    @abstractmethod
    def shown(self) -> dict[str, Any]:
        """What a view needs, as JSON: numbers, strings, lists. Strings are data, never markup."""

    @abstractmethod
    def twin(self) -> Sheet:
        """The same on paper, with a description."""

    def cloud(self) -> dict[str, Any]:
        """What is too large to send with every change; sent again only when the dictionary is another one."""
        return {}

    def watch(self, listener: Callable[[], None]) -> None:
        """Call a bound method after every change, as long as its object lives."""
        self._watching.append(weakref.WeakMethod(listener))

    def changed(self) -> None:
        """Tell all that watch."""
        self._watching = [ref for ref in self._watching if ref() is not None]
        for ref in self._watching:
            if (listener := ref()) is not None:
                listener()

    def receive(self, asked: Any) -> None:
        """Do what a view asks: ``{"do": name, ...}``. Whatever goes wrong becomes a message: a view waits."""
        try:
            if not isinstance(asked, Mapping) or not isinstance(name := asked.get("do"), str):
                raise ValueError(f"want a message such as {{'do': 'clear'}}, got {str(asked)[:80]}")
            if not getattr(getattr(type(self), name, None), "is_action", False):
                raise ValueError(f"{type(self).__name__} has no action {name!r}")
            getattr(self, name)(**{str(key): value for key, value in asked.items() if key != "do"})
        except Exception as error:  # methods raise whatever they like
            self.message = told(error)
            self.changed()

    def view(self) -> Any:
        """The live view, one for each state, which may be displayed in many places."""
        if self._view is None:
            from .view import make

            self._view = make(self)
        return self._view

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """Live where a kernel answers, on paper elsewhere: both in one output."""
        twin = self.twin()
        return {**self.view().bundle(), "text/html": twin._repr_html_(), "text/plain": twin.alt}
