"""The generated processes: Pythia 8 settings of each, at 13 TeV."""

from __future__ import annotations

__all__ = ["COMMON", "MINIMUM_BIAS", "PROCESSES", "pythia_settings"]

#: Settings of every process. Long-lived particles decay inside the tracker volume (mm).
COMMON: tuple[str, ...] = (
    "Beams:eCM = 13000.",
    "ParticleDecays:limitCylinder = on",
    "ParticleDecays:xyMax = 100.",
    "ParticleDecays:zMax = 500.",
    "Print:quiet = on",
    "Next:numberShowEvent = 0",
)

MINIMUM_BIAS = "MinimumBias"


def _drell_yan(lepton: int) -> tuple[str, ...]:
    return (
        "WeakBosonAndParton:qqbar2gmZg = on",
        "WeakBosonAndParton:qg2gmZq = on",
        "PhaseSpace:pTHatMin = 20.",
        "PhaseSpace:mHatMin = 60.",
        "22:onMode = off",
        "23:onMode = off",
        f"23:onIfAny = {lepton}",
    )


#: Name of the process (and of its output file) -> Pythia settings.
PROCESSES: dict[str, tuple[str, ...]] = {
    "DYtautau": _drell_yan(15),
    "DYmumu": _drell_yan(13),
    "DYee": _drell_yan(11),
    "TT": ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on"),
    "WJets": (
        "WeakBosonAndParton:qqbar2Wg = on",
        "WeakBosonAndParton:qg2Wq = on",
        "PhaseSpace:pTHatMin = 20.",
        "24:onMode = off",
        "24:onIfAny = 11 13 15",
    ),
    # 45 rather than 30 GeV: three times more tau candidates of pt > 20 GeV an event
    "QCD": ("HardQCD:all = on", "PhaseSpace:pTHatMin = 45."),
    MINIMUM_BIAS: ("SoftQCD:nonDiffractive = on",),
    # heavy-flavour pairs for jet tagging
    "BB": ("HardQCD:hardbbbar = on", "PhaseSpace:pTHatMin = 30."),
    "CC": ("HardQCD:hardccbar = on", "PhaseSpace:pTHatMin = 30."),
}


def pythia_settings(process: str, extra: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return all Pythia settings of a process, seed excepted; ``extra`` ones come last and win."""
    return COMMON + PROCESSES[process] + extra
