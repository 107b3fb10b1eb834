"""Alarms a person can live with: what another room found is told once, to the right console, and none is lost.

Signal → policy (delay, dead-band, grouping, suppression, flood) → life → alarm, its entries, the account → screens
"""
