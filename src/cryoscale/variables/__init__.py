"""The registry of variables, one table a domain."""

from cryoscale.variables.entry import Variable
from cryoscale.variables.registry import VARIABLES, attributes, check_units

__all__ = ["VARIABLES", "Variable", "attributes", "check_units"]
