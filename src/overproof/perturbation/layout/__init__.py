"""The family `layout`: the same code and words, set differently.

settings   the operators and their table
lines      where lines break and wrap, and the same on a half-written body
"""
