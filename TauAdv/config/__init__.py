"""Settings: loading YAML files and ``key=value`` pairs, and all that is wrong with them at once."""

from TauAdv.config.overrides import Overrides, merged
from TauAdv.config.settings import Settings, dump_settings, load_settings, validate_settings
from TauAdv.config.yaml_files import parse_yaml, read_yaml
from TauAdv.config.yaml_text import yaml_block, yaml_text, yaml_value

__all__ = [
    "Overrides",
    "Settings",
    "dump_settings",
    "load_settings",
    "merged",
    "parse_yaml",
    "read_yaml",
    "validate_settings",
    "yaml_block",
    "yaml_text",
    "yaml_value",
]
