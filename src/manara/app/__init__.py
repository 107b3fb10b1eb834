"""The only composition root: builds a role, starts it, stops it. One file a role; `supervisor.py` keeps them alive."""
