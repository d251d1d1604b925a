"""The inhabitants."""
