"""The candidate's side of the boundary: what runs inside the sandbox.

It needs the standard library only and knows nothing of scores, workloads or the rest of Speciate. The
judge sends this module's code through the question pipe, so no file of the project is visible inside.
The same functions serve ``InlinePolicy``, so that trusted code meets the same semantics without a boundary.

Questions come on descriptor 0: one tag byte, then

- tag 255: a length (u32) and a marshalled dict, trusted since it comes from the judge;
- any other: the index of a hook, and its observation as native doubles at offset 8.

Answers go to a descriptor of their own: a status byte and a double. Where the status is not 0 the double is
the length of the UTF-8 text that follows. Nothing this side says is believed beyond its own decisions.
"""

from __future__ import annotations

import marshal
import posix as os
import sys
from _struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from functools import partial
    from types import CodeType, FunctionType, ModuleType
    from typing import Any

    Step = Callable[[bytes], Any]
    """From one packed observation to whatever the candidate answered."""
    _tuplegetter: Callable[[int, str], object]
else:
    # typing, collections, functools and os cost a starting candidate as much as Python itself does.
    from _collections import _tuplegetter
    from _functools import partial

    ModuleType, FunctionType, Step = type(sys), type(lambda: None), object

ArgumentShape = tuple[str, tuple[str, ...], str | None, str, tuple[str, ...]]
"""Record name, its fields, table attribute, row name and row fields (empty where there is no table)."""
HookShape = tuple[str, tuple[ArgumentShape, ...]]
CONTROL = 255
HEADER = Struct("=BI")
ANSWER = Struct("=Bd")
DETAIL_BYTES = 4000
FILENAME = "candidate.py"
OK, INVALID, CRASHED, OOM, PROTOCOL = range(5)
"""Statuses of an answer; the judge maps them to its own."""


class Fault(Exception):  # noqa: N818 - an outcome of the candidate, not an error of ours
    """The candidate ended its own judging; ``status`` is one of the four above."""

    def __init__(self, status: int, detail: str):
        super().__init__(detail)
        self.status = status
        self.detail = detail


class Record(tuple):  # type: ignore[type-arg]
    """What a candidate sees: a named tuple, without the import of ``collections``."""

    __slots__ = ()
    _fields: tuple[str, ...] = ()

    @classmethod
    def _make(cls, values: Sequence[Any]) -> Record:
        made = tuple.__new__(cls, values)
        if len(made) != len(cls._fields):
            raise TypeError(f"expected {len(cls._fields)} values, got {len(made)}")
        return made

    def _asdict(self) -> dict[str, Any]:
        return dict(zip(self._fields, self, strict=True))

    def _replace(self, **changed: object) -> Record:
        made = self._make([changed.pop(name, value) for name, value in self._asdict().items()])
        if changed:
            raise ValueError(f"got unexpected field names: {list(changed)}")
        return made

    def __repr__(self) -> str:
        shown = ", ".join([f"{name}={value!r}" for name, value in self._asdict().items()])
        return f"{type(self).__name__}({shown})"


def record_type(name: str, fields: tuple[str, ...]) -> type[Record]:
    """Return the record called ``name``: a tuple whose places have names."""
    getters = {field: _tuplegetter(place, field) for place, field in enumerate(fields)}
    return type(name, (Record,), {"__slots__": (), "_fields": fields, "__match_args__": fields, **getters})


def observation(hook: HookShape, rows: int) -> Struct:
    """Return the wire format of one observation of ``hook``: tag byte, padding, doubles."""
    return Struct(f"B{sum(_width(argument, rows) for argument in hook[1])}d")


def _width(argument: ArgumentShape, rows: int) -> int:
    return len(argument[1]) + rows * len(argument[4])


def compiled(source: str) -> CodeType:
    """Compile the candidate. Raises Fault(INVALID) where it is not Python."""
    try:
        return compile(source, FILENAME, "exec", dont_inherit=True)
    except SyntaxError as error:
        where = FILENAME if error.lineno is None else f"{FILENAME}, line {error.lineno}"
        raise Fault(INVALID, f"{where}: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise Fault(INVALID, f"{FILENAME} does not compile: {error}") from None


class Program:
    """A compiled candidate and the shapes of its hooks."""

    def __init__(self, source: str, hooks: Sequence[HookShape], constants: Mapping[str, float]):
        self.code = compiled(source)
        self.lines = source.splitlines()
        self.uses_random = "random" in source
        self.hooks = tuple(hooks)
        self.constants = dict(constants)

    def begin(self, rows: int) -> list[Step]:
        """Run the candidate's module afresh and return a step for each hook, in wire order.

        ``random`` is seeded for a candidate that names it, so that judging it twice gives the same answers.
        Raises Fault(INVALID) for a missing hook or a wrong number of parameters; what the module itself
        raises passes through.
        """
        if self.uses_random:
            import random

            random.seed(0)
        module = ModuleType("candidate")
        module.__dict__.update(self.constants)
        module.__file__ = FILENAME
        sys.modules["candidate"] = module  # dataclasses look their module up here
        exec(self.code, module.__dict__)
        return [_step(_found(module, hook), hook, rows) for hook in self.hooks]

    def failure(self, error: BaseException) -> Fault:
        """Return what to report for an exception that candidate code raised."""
        if isinstance(error, Fault):
            return error
        if isinstance(error, MemoryError):
            return Fault(OOM, "out of memory: an allocation would have passed the limit")
        if isinstance(error, SystemExit):
            return Fault(PROTOCOL, "the candidate exited without an answer (sys.exit)")
        frames: list[tuple[int, str]] = []
        trace = error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == FILENAME:
                frames = [*frames[-5:], (trace.tb_lineno, trace.tb_frame.f_code.co_name)]
            trace = trace.tb_next
        text = [f"{type(error).__name__}: {_printed(error)[: DETAIL_BYTES // 4]}"]
        for line, name in frames:
            code = self.lines[line - 1].strip()[:200] if 0 < line <= len(self.lines) else ""
            text.append(f"  {FILENAME}, line {line}, in {name}: {code}")
        return Fault(CRASHED, "\n".join(text))


def _printed(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException:  # noqa: BLE001 - the candidate wrote this __str__; what it raises says nothing more
        return "<its message cannot be printed>"


def _found(module: ModuleType, hook: HookShape) -> Callable[..., Any]:
    name, arguments = hook
    count = len(arguments)
    function = module.__dict__.get(name)
    if function is None:
        raise Fault(INVALID, f"expected a function {name} with {count} parameter(s); it is not defined")
    if not callable(function):
        raise Fault(INVALID, f"expected {name} to be a function, got {type(function).__name__}")
    if type(function) is FunctionType:
        code = function.__code__
        least = code.co_argcount - len(function.__defaults__ or ())
        most = count if code.co_flags & _STAR_ARGUMENTS else code.co_argcount
        required = code.co_kwonlyargcount - len(function.__kwdefaults__ or ())
        if not least <= count <= most or required:
            raise Fault(INVALID, f"expected {name} to take {count} parameter(s), it takes {code.co_argcount}")
    call: Callable[..., Any] = function
    return call


_STAR_ARGUMENTS = 0x04
"""CO_VARARGS of inspect, which is too slow to import for one constant."""


def _step(function: Callable[..., Any], hook: HookShape, rows: int) -> Step:
    """Generate the decoder of one hook: slices of one unpacked tuple turned into named tuples.

    Names come from the problem's interface, never from the candidate. Rows are unpacked by an iterator of
    their own, which keeps the whole table in C.
    """
    _, arguments = hook
    scope: dict[str, Any] = {"call": function}
    parts, start = [], 0
    for index, (record, fields, table, row, row_fields) in enumerate(arguments):
        stop = start + len(fields)
        columns = (*fields, table) if table else fields
        scope[f"new{index}"] = partial(tuple.__new__, record_type(record, columns))
        part = f"v[{start}:{stop}]"
        if table:
            scope["new_row"] = partial(tuple.__new__, record_type(row, row_fields))
            scope["row_of"] = Struct(f"{len(row_fields)}d").iter_unpack
            part += f" + (tuple(map(new_row, row_of(data[{8 + 8 * stop}:]))),)"
        parts.append(f"new{index}({part})")
        start = stop
    scope["unpack"] = Struct(f"8x{start}d").unpack_from
    body = ", ".join(parts).replace("v[", "(v := unpack(data))[", 1)
    step: Step = eval(f"lambda data: call({body})", scope)
    return step


def is_number(answer: object) -> bool:
    """Return whether ``answer`` is exactly a float, or exactly an int that a double can hold."""
    return type(answer) is float or (type(answer) is int and -_HUGE < answer < _HUGE)


_HUGE = 1 << 1023


def refusal(hook: str, answer: object) -> str:
    """Return why ``answer`` is not a number. Runs no code of the answer's own."""
    kind = type(answer)
    if kind is int:
        return f"{hook}: expected a number that fits a double, got an integer beyond 1e308"
    return f"{hook}: expected a plain int or float, got {kind.__name__[:80]}"


def serve(ask: int, answer: int) -> None:
    """Answer questions until the judge hangs up or a fault ends it."""
    read, write, pack = os.read, os.write, ANSWER.pack
    program: Program | None = None
    steps: list[Step] = []
    sizes: list[int] = []
    window = 65536
    try:
        while data := read(ask, window):
            tag = data[0]
            if tag == CONTROL:
                message = _control(ask, data)
                if "serve" in message:
                    # Another kind's own way of serving: trusted text, as this module is.
                    scope = dict(globals())
                    exec(compile(message["serve"], "worker", "exec", dont_inherit=True), scope)
                    scope["serve_calls"](ask, answer, message)
                    return
                if "source" in message:
                    program = Program(message["source"], message["hooks"], message["constants"])
                if program is not None and "rows" in message:
                    steps = program.begin(message["rows"])
                    sizes = [observation(hook, message["rows"]).size for hook in program.hooks]
                write(answer, pack(OK, 0.0))
                continue
            size = sizes[tag]
            while len(data) < size:
                data += read(ask, size - len(data))
            result = steps[tag](data)
            if type(result) is not float and not is_number(result):
                raise Fault(PROTOCOL, refusal(program.hooks[tag][0] if program else "", result))
            write(answer, pack(OK, result))
    except MemoryError:
        write(answer, _OUT_OF_MEMORY)
    except BaseException as error:  # noqa: BLE001 - the process boundary: whatever the candidate raised is reported
        fault = program.failure(error) if program else _early(error)
        write(answer, _packed(fault))


def _packed(fault: Fault) -> bytes:
    text = fault.detail.encode(errors="backslashreplace")[:DETAIL_BYTES]
    return ANSWER.pack(fault.status, float(len(text))) + text


_OUT_OF_MEMORY = _packed(Fault(OOM, "out of memory: an allocation would have passed the limit"))


def _early(error: BaseException) -> Fault:
    if isinstance(error, Fault):
        return error
    return Fault(INVALID, f"{FILENAME} does not compile: {_printed(error)}")


def _control(ask: int, data: bytes) -> dict[str, Any]:
    while len(data) < HEADER.size:
        data += os.read(ask, HEADER.size - len(data))
    size = HEADER.size + HEADER.unpack_from(data)[1]
    while len(data) < size:
        more = os.read(ask, size - len(data))
        if not more:
            os._exit(0)
        data += more
    message: dict[str, Any] = marshal.loads(data[HEADER.size :])
    return message


def kernel() -> Callable[..., int]:
    """Return a function that makes a system call by its C name. It raises OSError where that is refused."""
    import _ctypes

    library = _ctypes.dlopen("libc.so.6", os.RTLD_NOW)

    def call(name: str, *arguments: int | bytes | None) -> int:
        result: int = _ctypes.call_function(_ctypes.dlsym(library, name), arguments)
        if result < 0:
            raise OSError(f"the kernel refused {name} {arguments[0]!r}")
        return result

    return call


def confine(settings: Mapping[str, Any]) -> None:
    """Give up everything the candidate must not have, in the order in which it can be given up.

    Hard limits first, then the user id (changing it clears the parent-death signal and the dumpable flag,
    so these come after), the capabilities, and last the filter that makes all of it final.
    Raises OSError, ValueError or ImportError; the judge takes any of them as a sandbox failure.
    """
    import resource

    for name, value in settings["limits"].items():
        resource.setrlimit(getattr(resource, name), (value, value))
    uid = settings["uid"]
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    call = kernel()
    program: bytes = settings["filter"]
    # CPython keeps a bytes object's bytes at the end of its head; array, which would say where, is dear to import.
    address = id(program) + bytes.__basicsize__ - 1
    call("capset", Struct("Ii").pack(_CAPABILITY_VERSION, 0), bytes(24))
    call("prctl", _SET_DEATH_SIGNAL, 9, 0, 0, 0)
    call("prctl", _SET_DUMPABLE, 0, 0, 0, 0)
    call("prctl", _SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    if settings["landlock"]:
        _wall_off_files(call, settings["landlock"], settings["readable"])
    call("prctl", _SET_SECCOMP, 2, Struct("@HP").pack(len(program) // 8, address), 0, 0)


def _wall_off_files(call: Callable[..., int], version: int, readable: Sequence[str]) -> None:
    """Deny all of the file system but reading beneath ``readable``, for good (landlock(7))."""
    # Each version of the interface knows more rights; asking for one it does not know is an error.
    handled = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    rules = call("syscall", _LANDLOCK_CREATE, Struct("Q").pack(handled), 8, 0)
    for path in readable:
        parent = os.open(path, os.O_PATH)
        folder = os.stat(path).st_mode & 0o170000 == 0o040000
        rights = _READ_FILE | _READ_DIR if folder else _READ_FILE
        call("syscall", _LANDLOCK_ADD, rules, 1, Struct("=Qi").pack(rights, parent), 0)
        os.close(parent)
    call("syscall", _LANDLOCK_RESTRICT, rules, 0)
    os.close(rules)


_SET_DEATH_SIGNAL, _SET_DUMPABLE, _SET_SECCOMP, _SET_NO_NEW_PRIVILEGES = 1, 4, 22, 38
_CAPABILITY_VERSION = 0x20080522
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3


def _private_pipes() -> tuple[int, int]:
    """Move the two pipes away from stdin and stdout, which become an empty file and the log."""
    ask, answer = os.dup(0), os.dup(1)
    empty, never = os.pipe()
    os.dup2(empty, 0)
    os.close(empty)
    os.close(never)
    os.dup2(2, 1)
    return ask, answer


def main() -> None:
    """Confine this process, say so, and serve."""
    ask, answer = _private_pipes()
    try:
        settings = _control(ask, b"")
        if "room" in settings:
            # A room for whole programs: trusted code again, which confines what it starts and not itself.
            scope = dict(globals())
            exec(settings["room"], scope)
            scope["attend"](ask, answer, settings)
            return
        confine(settings)
        os.write(answer, ANSWER.pack(OK, 0.0))
        serve(ask, answer)
    except (OSError, ValueError, ImportError, AttributeError, MemoryError) as error:
        os.write(2, f"worker: {type(error).__name__}: {error}\n".encode())
    finally:
        # No atexit handlers, no flushing, no threads to wait for: the candidate's life ends here.
        os._exit(0)


if __name__ == "__main__":
    main()
