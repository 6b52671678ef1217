"""Runs an unmodified Pulumi program: `python -P launcher.py`, in the program's own interpreter.

It needs nothing but the `pulumi` package there. It imports that first, then reads one line of JSON from its standard input:
`{"settings": {...}, "program": path, "configuration": {...}, "secret_keys": [...]}`. The standard input stays open as
long as the engine lives: when it ends, so does this process.
"""

import asyncio
import atexit
import contextlib
import ctypes
import inspect
import json
import logging
import os
import runpy
import signal
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

_FAILED = 1
_RAISED = 32


def die_with_parent() -> None:
    """Ask Linux to kill this process when its parent's thread goes; elsewhere the end of the input does it."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _watch_input() -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    os._exit(_FAILED)


def _users_frames(error: BaseException, folder: str) -> str:
    """The traceback from the program's first frame on, without the frames of Pulumi and of this launcher."""
    import pulumi

    library = str(Path(pulumi.__file__).parent)
    own = str(Path(__file__).resolve())
    skipped = (library, own, "<frozen runpy>")

    def trimmed(each: BaseException) -> traceback.TracebackException:
        told = traceback.TracebackException.from_exception(each)
        pending = [told]
        while pending:
            one = pending.pop()
            frames = [
                frame
                for frame in one.stack
                if not frame.filename.startswith(skipped)
                and "concurrent/futures" not in frame.filename
                and "/asyncio/" not in frame.filename
            ]
            if any(frame.filename.startswith(folder) for frame in frames):
                while frames and not frames[0].filename.startswith(folder):
                    frames.pop(0)
            one.stack = traceback.StackSummary.from_list(frames)
            pending += [item for item in (one.__cause__, one.__context__) if item is not None]
        return told

    return "".join(trimmed(error).format()).rstrip()


class EngineWithoutDebug:
    """Pulumi's engine service, but for debug messages: the SDK sends four for every resource, and each is a call that the
    program's only event loop waits for. They were most of the calls of a deployment, and nobody sees them.
    """

    def __init__(self, engine: Any, debug: int) -> None:
        self._engine = engine
        self._debug = debug

    def Log(self, request: Any, *arguments: Any, **options: Any) -> Any:  # noqa: N802 - the service's own name
        if request.severity != self._debug:
            return self._engine.Log(request, *arguments, **options)
        return None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


def _asked_beyond(arguments: dict[str, Any]) -> str:
    """What a resource's constructor asks of the engine that it does not have; empty when there is nothing."""
    options = arguments.get("opts")
    if arguments.get("remote"):
        return "a remote component"
    named = (
        ("import_", "the option `import`"),
        ("hooks", "a resource hook"),
        ("replace_with", "the option `replace_with`"),
        ("replacement_trigger", "the option `replacement_trigger`"),
        ("env_var_mappings", "the option `env_var_mappings`"),
    )
    return next((what for name, what in named if _is_given(getattr(options, name, None))), "")


def _is_given(option: Any) -> bool:
    """Whether an option says anything; merged options have a binding of hooks that binds none."""
    return any(vars(option).values()) if hasattr(option, "__dict__") else option not in (None, [], {})


def refuse_while_building(engine: Any, error_severity: Any) -> None:
    """Tell the engine of what it does not have as soon as a constructor asks for it.

    A program builds its resources before the SDK registers the first: so nothing has been done yet. The engine refuses it
    at the registration as well, which is also what remains should the SDK no longer have this function.
    """
    from pulumi import resource
    from pulumi.runtime.proto import engine_pb2

    original = getattr(resource, "register_resource", None)
    if original is None:
        return
    signature = inspect.signature(original)

    def register_resource(*arguments: Any, **named: Any) -> Any:
        given = dict(signature.bind(*arguments, **named).arguments)
        what = _asked_beyond(given)
        if what:
            message = f"{given.get('ty')} {given.get('name')!r}: {what} is not supported by Penstock's local engine"
            engine.Log(engine_pb2.LogRequest(severity=error_severity, message=message))
        return original(*arguments, **named)

    setattr(resource, "register_resource", register_resource)  # noqa: B010 - mypy: not an explicit export


def main() -> int:
    die_with_parent()
    import pulumi
    from pulumi import runtime
    from pulumi.runtime.proto import engine_pb2

    line = sys.stdin.buffer.readline()
    if not line:
        return _FAILED
    order = json.loads(line)
    threading.Thread(target=_watch_input, daemon=True).start()
    program = Path(order["program"])
    folder = program if program.is_dir() else program.parent
    # The file, not the folder: Python would run a folder's cached byte code, which misses an edit of the same second.
    script = program / "__main__.py" if program.is_dir() else program
    runtime.set_all_config(order["configuration"], order["secret_keys"])
    settings = runtime.Settings(**order["settings"])
    settings.engine = EngineWithoutDebug(settings.engine, engine_pb2.DEBUG)
    runtime.configure(settings)
    refuse_while_building(settings.engine, engine_pb2.ERROR)
    os.chdir(folder)
    sys.argv = [str(program)]
    sys.path.insert(0, str(folder))
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    pool = ThreadPoolExecutor(max_workers=max(order["settings"]["parallel"], 1) * 4)
    loop.set_default_executor(pool)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)

    def run() -> None:
        runpy.run_path(str(script), run_name="__main__")

    code = 0
    try:
        loop.run_until_complete(runtime.run_in_stack(run))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        code = _FAILED
    except (KeyboardInterrupt, SystemExit) as error:
        code = _FAILED if error.args != (0,) else 0
        if code:
            pulumi.log.error(f"the program ended itself ({type(error).__name__}: {error})")
    except BaseException as error:  # noqa: BLE001 - whatever the program raises is told to the engine
        pulumi.log.error("the program raised:\n" + _users_frames(error, str(folder)))
        code = _RAISED
    pool.shutdown(wait=True)
    return code


if __name__ == "__main__":
    status = main()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
