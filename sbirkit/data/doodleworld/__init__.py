"""Doodle World."""
