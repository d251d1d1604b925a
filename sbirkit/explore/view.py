"""The thin view: one widget that shows what its state says and hands back what the user does."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

try:
    import anywidget
    import traitlets
except ModuleNotFoundError as error:  # pragma: no cover
    raise ModuleNotFoundError("live explorers need anywidget: pip install 'sbirkit[notebooks]'") from error

from .alone import parts

if TYPE_CHECKING:
    from .state import State


class View(anywidget.AnyWidget):
    """``shown`` and ``cloud`` go to the browser; messages ``{"do": ...}`` come back."""

    shown = traitlets.Dict().tag(sync=True)
    cloud = traitlets.Dict().tag(sync=True)

    def __init__(self, state: "State") -> None:
        self.state, self._sent, self._replies = state, state.cloud(), 0
        super().__init__(shown=state.shown(), cloud=self._sent)
        self.on_msg(lambda _, asked, __: state.receive(asked))
        state.watch(self.refresh)

    def refresh(self) -> None:
        """Send what changed, in one go; the count of replies differs even where nothing else does, since the
        browser waits for one before it asks again.
        """
        self._replies += 1
        with self.hold_sync():
            if (cloud := self.state.cloud()) is not self._sent:
                self.cloud = self._sent = cloud
            self.shown = self.state.shown() | {"reply": self._replies}

    def bundle(self) -> dict[str, Any]:
        """What a notebook stores to display it."""
        made = self._repr_mimebundle_()
        return dict(made[0] if isinstance(made, tuple) else made or {})


@lru_cache
def _kind(script: str) -> type[View]:
    """The class for one script, which comes with all that it needs."""
    esm, css = parts(script)
    return type(f"View_{script}", (View,), {"_esm": esm, "_css": css})


def make(state: "State") -> View:
    """A view of a state."""
    return _kind(state.script)(state)
