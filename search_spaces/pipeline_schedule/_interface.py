"""What a schedule observes and answers; the fields are the simulator's, in its order."""

from speciate.evaluators import Answer, Argument, Hook, PolicyInterface, Quantity, Record

STEP = Record(
    name="Step",
    quantities=(
        Quantity(name="forward", about="1 for a forward pass, else 0"),
        Quantity(
            name="backward", about="1 for a backward pass for the inputs, for which the stage before waits, else 0"
        ),
        Quantity(name="weight", about="1 for a backward pass for the weights, for which nobody waits, else 0"),
        Quantity(name="time_s", unit="s", about="that it takes"),
        Quantity(name="memory", about="of the micro-batch's activation here"),
        Quantity(name="ready_s", unit="s", about="since it could have started, but for memory"),
        Quantity(name="path_s", unit="s", about="from its start to the end of the longest chain of passes behind it"),
        Quantity(name="micro", about="number of the micro-batch, from 0"),
        Quantity(name="chunk", about="number of the stage among those of this device, from 0"),
    ),
)
DEVICE = Record(
    name="Device",
    quantities=(
        Quantity(name="index", about="from 0; the first stage of the model is on device 0"),
        Quantity(name="free", about="memory for activations that is not held"),
        Quantity(name="held", about="memory that is"),
        Quantity(name="flying", about="forward passes started here whose backward pass has not ended"),
        Quantity(name="begun", about="forward passes started here so far"),
        Quantity(name="weights", about="weights' passes that are owed: their backward pass has ended"),
        Quantity(name="left_s", unit="s", about="of all passes that have not started here"),
        Quantity(
            name="coming_s",
            unit="s",
            about="until the next pass becomes ready here, of those that wait for one under way; 0 without any",
        ),
        Quantity(name="coming_backward", about="1 if that one is a backward pass, else 0"),
    ),
)
PIPELINE = Record(
    name="Pipeline",
    quantities=(
        Quantity(name="devices"),
        Quantity(name="micros", about="micro-batches of the iteration"),
        Quantity(name="chunks", about="stages on each device"),
        Quantity(name="transfer_s", unit="s", about="from one device to another"),
        Quantity(name="forward_s", unit="s", about="mean over devices and micro-batches, all chunks together"),
        Quantity(name="backward_s", unit="s", about="likewise"),
        Quantity(name="weight_s", unit="s", about="likewise"),
        Quantity(name="kept", about="share of an activation that is held from the backward to the weights' pass"),
    ),
)
INTERFACE = PolicyInterface(
    hooks=(
        Hook(
            name="rank",
            arguments=(
                Argument(name="step", record=STEP),
                Argument(name="device", record=DEVICE),
                Argument(name="pipeline", record=PIPELINE),
            ),
            answer=Answer(kind="number"),
            about="Called for every pass that could start on a device that is free and for which there is memory. The "
            "lowest rank starts; but where all are above 0 the device waits until another pass becomes ready on it. If "
            "all devices wait and nothing is under way, the lowest of all starts. Ties go to backward, then forward, "
            "then weights.",
        ),
    )
)
