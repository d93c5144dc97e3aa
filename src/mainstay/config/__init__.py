"""YAML to typed tasks, with the file and line of every value."""

from mainstay.config.explain import Explained, explain
from mainstay.config.load import load, task
from mainstay.config.reference import reference
from mainstay.config.schema import schema
from mainstay.config.targets import Kinds
from mainstay.config.version import version
from mainstay.config.warnings import warnings

__all__ = ["Explained", "Kinds", "explain", "load", "reference", "schema", "task", "version", "warnings"]
