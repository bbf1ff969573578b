"""Simulated b, c and light jets with the quantities and the file format of the Jet Flavor dataset (mm, GeV, radians).

Generator events (:mod:`truth`) pass through :mod:`response` (clustered energy, tracks of :mod:`perigee`); :mod:`clusters`
finds and labels jets, :mod:`vertices` and :mod:`variables` compute their quantities, :mod:`lines` writes them.
"""
