"""Measures, protocols and indexes: from embeddings to numbers that have one meaning."""
