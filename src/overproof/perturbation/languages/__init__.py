"""Problems in languages other than Python, through tree-sitter.

grammars   the table: one wheel per grammar, comments, identifiers, conventions
trees      what is the same program
comments   where a function is described
renaming   the entry point under another name
spacing    layout
"""
