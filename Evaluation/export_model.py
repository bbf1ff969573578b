#!/usr/bin/env python3
"""Export the class head of a model as CMS graphs, ONNX or SavedModel, compared with the model's own scores."""

from TauAdv.cli import script

main = script("export")

if __name__ == "__main__":
    main()
