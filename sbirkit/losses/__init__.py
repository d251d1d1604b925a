"""The losses of the four methods: one equation, one function, one file. They import nothing else of sbirkit."""

__all__: list[str] = []
