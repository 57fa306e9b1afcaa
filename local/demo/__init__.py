"""The story of the hub on invented data: ``python -m local.demo``, which is what ``make demo`` runs.

A step is a claim and a function with checks; the demo ends 0 only if every check of every step holds. What the steps
look at is read from both systems through their own APIs, with none of the hub's code in between.
"""
