"""The family `code`: what a half-written body may look like and still do the same.

structure                              the operators and their table
halves                                 where a body is cut in two, and how a tree is rewritten
inserts, loops, conditions, rewrites   what is put in or written otherwise
variables, naming                      other names, and plausible ones
values                                 what a variable surely holds
"""
