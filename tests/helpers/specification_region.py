"""The control region of the specification, as the shipped configuration has it."""

from pathlib import Path

from TauAdv.domain.contributions.control_region import load_control_region

FILE = Path(__file__).parents[2] / "TauAdv/configs/control_region.yaml"
REGION = load_control_region(FILE)
CONTRIBUTIONS = list(REGION.contributions)
