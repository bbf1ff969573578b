"""Small changes of the inputs that mislead a tagger: pure functions from a loss and a batch to a batch.

An attack is one file with one class: its settings, and what it does to a batch (:mod:`target`). :mod:`registry` lists these
files, and those of other packages; :mod:`options` is what they have in common; :mod:`settings` makes a function of one.

:mod:`columns` holds what is known of the columns of an input tensor, :mod:`taus` and :mod:`jets` take it from the feature
tables; :mod:`constraints` says which elements may move and how far.
"""
