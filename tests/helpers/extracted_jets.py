"""Small folders of extracted jets."""

from pathlib import Path

from jet_lines import as_line, random_jets, write_lines

from TauAdv.jets.extract import ExtractionSettings, extract_jets


def extracted(folder: Path, number: int, seed: int = 0, part_lines: int = 150, repeat: int = 1, n_tracks: int = 6) -> Path:
    """Return a folder of random jets, ordered by flavour, in files of ``part_lines`` jets; ``repeat``: all jets so often."""
    lines = [as_line(jet) for jet in random_jets(number, seed)] * repeat
    source = write_lines(folder.with_name(f"{folder.name}.json.gz"), lines)
    extract_jets(source, folder, ExtractionSettings(part_lines=part_lines, n_tracks=n_tracks))
    return folder
