"""An edited class of the user's own is another code, in a notebook as well."""

import linecache

from sbirkit.models import Softmax
from sbirkit.training.manifest import code_digest

TEXT = """
class Mine(Softmax):
    def losses(self, batch, *, step):
        return {{"softmax": {number} * batch}}
"""


def typed(number: float, cell: str) -> type:
    """A class as a notebook leaves it: its functions have a source, the class itself has none."""
    text = TEXT.format(number=number)
    linecache.cache[cell] = (len(text), None, text.splitlines(keepends=True), cell)
    space = {"Softmax": Softmax, "__name__": "a_notebook_that_is_no_module"}
    exec(compile(text, cell, "exec"), space)
    return space["Mine"]


def test_an_edited_term_is_other_code():
    one, same, other = typed(1.0, "<cell 1>"), typed(1.0, "<cell 2>"), typed(2.0, "<cell 3>")
    assert code_digest(one) == code_digest(same)
    assert code_digest(one) != code_digest(other)
    assert code_digest(one) != code_digest(Softmax)
