"""Small changes of the inputs that mislead a tagger: pure functions from a loss and a batch to a batch.

:mod:`columns` holds what is known of the columns of an input tensor, :mod:`taus` and :mod:`jets` take it from the feature
tables; :mod:`constraints` says which elements may move and how far; :mod:`fgsm`, :mod:`pgd`, :mod:`noise`, :mod:`systematic`
move them; :mod:`settings` makes an attack from a configuration.
"""
