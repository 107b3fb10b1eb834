"""The schema's history; `scripts/make_migration.py` writes the next step."""
