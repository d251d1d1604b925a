"""``python -m sbirkit.gpu``: see :mod:`.check`."""

from .check import main

if __name__ == "__main__":
    raise SystemExit(main())
