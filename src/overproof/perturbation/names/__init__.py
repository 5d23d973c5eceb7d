"""The family `names`: the entry point under another name, renamed everywhere at once.

slips        typos and letter case, and what a rename is
meanings     names that mean the same, nothing, or something else
vocabulary   words and names to draw from
"""
