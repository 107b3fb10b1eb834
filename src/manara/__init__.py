"""Manara: the open public-safety operations platform of a province."""

__version__ = "0.1.0"
