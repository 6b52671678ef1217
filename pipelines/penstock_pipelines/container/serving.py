"""The command `serve`: a SageMaker endpoint's container.

The model is loaded first; from then on `GET /ping` answers 200. `POST /invocations` takes rows as CSV or JSON (see
`rows`) and answers in the type that Accept asks for. Requests that arrive while the model is busy are scored together
in one call, because a call costs far more than a row.

Errors say what is wrong: 400 for a body that cannot be read, 406 and 415 for types that are not spoken, 500 when the
model itself fails.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pandas as pd
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from penstock_pipelines.container import failure, model, paths, rows
from penstock_pipelines.container.processing import log

DEFAULT_PORT = 8080
LARGEST_BATCH = 4096
ROWS_AT_ONCE = 100_000


class Batcher:
    """Scores requests: all that wait when the model becomes free go into one call."""

    def __init__(self, module: model.ModelModule, fitted: Any) -> None:
        self._module = module
        self._fitted = fitted
        self._queue: asyncio.Queue[tuple[pd.DataFrame, asyncio.Future[list[float]]]] = asyncio.Queue()

    async def score(self, frame: pd.DataFrame) -> list[float]:
        """Scores of one request's rows."""
        future: asyncio.Future[list[float]] = asyncio.get_running_loop().create_future()
        await self._queue.put((frame, future))
        return await future

    async def work(self) -> None:
        """Score what waits, for ever."""
        while True:
            waiting = [await self._queue.get()]
            while not self._queue.empty() and sum(len(frame) for frame, _ in waiting) < LARGEST_BATCH:
                waiting.append(self._queue.get_nowait())
            try:
                await self._score_together(waiting)
            except Exception:  # noqa: BLE001 - one bad request must not fail those that came with it
                for single in waiting:
                    try:
                        await self._score_together([single])
                    except Exception as error:  # noqa: BLE001 - handed to the request that caused it
                        if not single[1].done():
                            single[1].set_exception(error)

    async def _score_together(self, waiting: list[tuple[pd.DataFrame, asyncio.Future[list[float]]]]) -> None:
        frames = [frame for frame, _ in waiting]
        together = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
        scores = await asyncio.to_thread(self._module.predict, self._fitted, together)
        start = 0
        for frame, future in waiting:
            if not future.done():
                future.set_result([float(score) for score in scores[start : start + len(frame)]])
            start += len(frame)


def application(module: model.ModelModule, fitted: Any) -> Starlette:
    """The ASGI application that serves a loaded model."""
    inputs = module.inputs(fitted)
    batcher = Batcher(module, fitted)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        worker = asyncio.create_task(batcher.work())
        yield
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker

    async def ping(_: Request) -> Response:
        return Response(status_code=200)

    async def invocations(request: Request) -> Response:
        content_type = request.headers.get("content-type", rows.CSV).partition(";")[0].strip().lower()
        if content_type not in (rows.CSV, rows.JSON):
            return _error(415, f"Content type {content_type!r} is not spoken; send {rows.CSV} or {rows.JSON}.")
        accept = _accepted(request.headers.get("accept", ""), content_type)
        if accept is None:
            return _error(406, f"Answers are {rows.CSV} or {rows.JSON}, not {request.headers['accept']!r}.")
        try:
            frame = rows.read(await request.body(), content_type, inputs)
            if len(frame) > ROWS_AT_ONCE:
                raise rows.BadRequestError(f"{len(frame)} rows are more than the {ROWS_AT_ONCE} of one request.")
        except rows.BadRequestError as error:
            return _error(400, str(error))
        try:
            scores = await batcher.score(frame)
        except Exception as error:  # noqa: BLE001 - told to the caller; the process goes on serving
            log(f"ERROR: {failure.reason(error)}")
            return _error(500, failure.reason(error))
        return Response(rows.write_scores(scores, accept), media_type=accept)

    async def execution_parameters(_: Request) -> Response:
        return JSONResponse({"MaxConcurrentTransforms": 2, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 6})

    return Starlette(
        routes=[
            Route("/ping", ping),
            Route("/invocations", invocations, methods=["POST"]),
            Route("/execution-parameters", execution_parameters),
        ],
        lifespan=lifespan,
    )


def main() -> None:
    """Entry of the command `serve`."""
    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT") or DEFAULT_PORT)
    host = os.environ.get("PENSTOCK_BIND_TO_HOST") or "0.0.0.0"  # noqa: S104 - a container is reached from outside
    with failure.reported():
        module = model.find()
        fitted = module.load(paths.model())
        log(f"model loaded from {paths.model()}, {len(module.inputs(fitted))} inputs; listening on port {port}")
        uvicorn.run(application(module, fitted), host=host, port=port, log_level="warning", access_log=False)


def _accepted(accept: str, content_type: str) -> str | None:
    wanted = [part.partition(";")[0].strip().lower() for part in accept.split(",") if part.strip()]
    if not wanted or "*/*" in wanted:
        return content_type
    return next((kind for kind in wanted if kind in (rows.CSV, rows.JSON)), None)


def _error(status: int, message: str) -> Response:
    return JSONResponse({"error": message}, status_code=status)


if __name__ == "__main__":
    main()
