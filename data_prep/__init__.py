"""Raw files in, a Catalogue out: one command per data set (``python -m data_prep NAME``)."""
