import pytest

from cryoscale.variables import VARIABLES, Variable, attributes
from cryoscale.variables.registry import registry_of


def test_a_name_stands_for_one_variable():
    rain = Variable("rain", "mm d-1", "daily rain", ("time",))
    with pytest.raises(ValueError, match="registered twice: rain"):
        registry_of([rain], [rain])


def test_every_flag_is_one_word():
    flagged = [variable for variable in VARIABLES.values() if variable.flags]
    assert flagged
    for variable in flagged:
        attrs = attributes(variable.name)
        assert len(attrs["flag_values"]) == len(attrs["flag_meanings"].split())
