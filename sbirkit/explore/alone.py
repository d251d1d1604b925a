"""A state in its own view on a page by itself, without a kernel: for pictures, timings and tests."""

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .state import State

HERE = Path(__file__).parent
PAGE = """<body style="margin:0; background:Canvas"><style>:root {{ color-scheme: light dark }} {css}</style>
<div id="here"></div><script type="module">{script}
const unpack = (v) => new DataView(Uint8Array.from(atob(v), (c) => c.charCodeAt(0)).buffer);
const {{ cloud, shown }} = JSON.parse({state}, (_, v) => v?.bytes ? unpack(v.bytes) : v);
let now = shown[0], heard = () => {{}};
window.sent = [];
const model = {{ get: (name) => name === "cloud" ? cloud : now, off() {{}}, send: (asked) => sent.push(asked),
  on: (_, f) => {{ heard = f; }} }};
window.show = (other) => {{ now = shown[other] ?? other; heard(); }};
window.end = render({{ model, el: document.getElementById("here") }});
</script>"""


def parts(script: str) -> tuple[str, str]:
    """A view's code and its styles: what all views share comes first."""
    code = "".join((HERE / f"{name}.js").read_text("utf-8") for name in ("common", script))
    return code, (HERE / "explore.css").read_text("utf-8")


def page(state: "State", shown: Sequence[Mapping[str, Any]] = ()) -> str:
    """The view of a state as HTML that needs nothing else; ``show(i)`` there turns to another of ``shown``,
    ``show(one)`` to what else :meth:`State.shown` gave; ``sent`` lists what the view asked.

    Args:
        shown: what :meth:`State.shown` gave at several moments; by default what it gives now.
    """
    code, css = parts(state.script)
    said = json.dumps({"cloud": state.cloud(), "shown": [*shown] or [state.shown()]}, default=_packed)
    script = code.replace("export default { render };", "")
    return PAGE.format(css=css, script=script, state=json.dumps(said).replace("<", "\\u003c"))


def _packed(view: Any) -> dict[str, str]:
    return {"bytes": base64.b64encode(view).decode()}
