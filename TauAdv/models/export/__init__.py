"""The class head of a tagger in formats of other software: CMS graphs, ONNX, SavedModel; each compared with our scores."""
