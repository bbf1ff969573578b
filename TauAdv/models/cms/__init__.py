"""CMS networks as frozen TensorFlow graphs: read, execute, import into TauAdv, and write back.

A network of the DeepTau family is three graphs: ``inner`` and ``outer`` take the cells of their grid one by one, ``core``
takes the flat features and both grids of merged cells.
"""
