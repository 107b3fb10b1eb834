"""The routes, a file for each group of the HTTP contract. A route reads, asks a room's action, and answers; it decides
nothing.
"""
