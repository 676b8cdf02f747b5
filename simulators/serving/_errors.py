"""What can go wrong in a simulation, apart from arguments out of range (ValueError)."""


class SimulationError(Exception):
    """Base of the serving simulator's own exceptions."""


class EventLimitError(SimulationError):
    """The run passed its event limit before every request was finished."""


class DecisionError(SimulationError):
    """A router answered something that is not a decision (NaN, no whole number, no such replica)."""


class ConservationError(SimulationError):
    """A result breaks a law every run must keep. Always a fault of the simulator, never of a router."""


class CalibrationError(SimulationError):
    """Profile data do not determine the model, or lead to values no device can have."""
