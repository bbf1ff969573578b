"""Settings: loading YAML files and ``key=value`` pairs, and all that is wrong with them at once."""

from TauAdv.config.settings import Settings, dump_settings, load_settings, read_yaml, validate_settings

__all__ = ["Settings", "dump_settings", "load_settings", "read_yaml", "validate_settings"]
