"""The family `text`: slips of hand and attention in what a description says.

characters, words, grammar, sentences   the operators, by what they work on
notation                                 worked examples and numbers, written otherwise
prose                                    words, gaps and sentences that may be touched
tagging, lexicon                         parts of speech, forms and synonyms, from package data
examples                                 a description's worked examples, read and compared
"""
