"""Runs export jobs, one after the other, in a thread of the control process.

A job waits in the state; whoever adds one calls `wake`. Progress goes to the screens each second and to the state; a
job that was cancelled stops at its next step. One that ran when the program ended waits again at the next start and
begins anew: an export is written into a folder of its own and appears there whole or not at all. Files:
`<data>/exports/<id>/`.
"""

import asyncio
import logging
import shutil
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from sqlalchemy import func, select

from manara.access.who import Who
from manara.base.clock import to_datetime
from manara.base.errors import ManaraError, Unavailable
from manara.network.tables import Camera
from manara.recorder import actions
from manara.recorder.export import ExportCamera, ExportCancelled, ExportRequest, export
from manara.recorder.tables import ExportJob
from manara.web.services import Services

log = logging.getLogger(__name__)

WORKER = Who.system("export")
LOOK_EVERY_S = 2.0
TELL_EVERY_S = 1.0


class Exporting:
    """The one worker."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._folder = services.settings.data.directory / "exports"
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._stopping = threading.Event()
        self._cancelled: set[str] = set()
        self._limiter = CapacityLimiter(1)

    def wake(self) -> None:
        """A job was added; from any thread."""
        self._loop.call_soon_threadsafe(self._wake.set)

    def cancel(self, export_id: str) -> None:
        """Stop the job if it is the one that runs; from any thread. The state says already that it is cancelled."""
        self._cancelled.add(export_id)

    def stop(self) -> None:
        """Let go of the running job at its next step; it begins anew at the next start."""
        self._stopping.set()

    def folder_of(self, export_id: str) -> Path:
        """Where the files of a job are."""
        return self._folder / export_id

    async def run(self) -> None:
        """Run jobs for ever."""
        await self._until_done(self._requeue)
        while True:
            self._wake.clear()
            job = await self._until_done(self._take)
            if job is not None:
                await self._one(job)
                continue
            try:
                await asyncio.wait_for(self._wake.wait(), LOOK_EVERY_S)
            except TimeoutError:
                continue

    async def _until_done(self, work: Any) -> Any:
        """Ask the state, again while it is busy."""
        while True:
            try:
                return await run_sync(work)
            except Unavailable as error:
                log.warning("exports wait for the state", extra={"code": error.code})
                await asyncio.sleep(1.0)

    async def _one(self, job: dict[str, Any]) -> None:
        try:
            files, error = await run_sync(self._export, job, limiter=self._limiter)
        except ExportCancelled:
            self._cancelled.discard(job["id"])
            return
        if not await self._until_done(lambda: self._finish(job["id"], files, error)):
            await run_sync(shutil.rmtree, self.folder_of(job["id"]), True)  # cancelled while the last file was closed

    def _export(self, job: dict[str, Any]) -> tuple[list[dict[str, Any]], str]:
        """In a thread: the files, or why it failed."""
        services, id = self._services, str(job["id"])
        told_s = 0.0
        gone = False

        def progress(percent: float) -> None:
            nonlocal told_s, gone
            now_s = time.monotonic()
            if now_s - told_s >= TELL_EVERY_S:
                told_s = now_s
                self._loop.call_soon_threadsafe(self._show, job | {"progress_pct": round(percent, 1)})
                try:
                    gone = not actions.note_progress(services.database, WORKER, self._at(), id, percent)
                except Unavailable as error:
                    log.info("progress of an export was not kept", extra={"code": error.code, "export_id": id})

        def cancelled() -> bool:
            return gone or id in self._cancelled or self._stopping.is_set()

        destination = self.folder_of(id)
        shutil.rmtree(destination, ignore_errors=True)  # of a run that ended between the files and the state
        request = ExportRequest(
            export_id=id,
            cameras=self._cameras(job["camera_ids"]),
            start_us=job["start_us"],
            end_us=job["end_us"],
            reason=job["reason"],
            account_id=job["account_id"],
            account_name=job["name"],
            made_us=services.clock.wall_us(),
            deployment=services.settings.deployment.name_en,
        )
        try:
            made = export(services.archive, request, destination, progress=progress, cancelled=cancelled)
        except ExportCancelled:
            raise
        except ManaraError as error:
            return [], error.message
        except (OSError, sqlite3.Error) as error:
            log.error("an export failed", extra={"export_id": id, "reason": str(error)})
            return [], f"The files could not be written: {error}"
        except Exception as error:
            log.exception("an export failed", extra={"export_id": id})
            return [], f"The program failed ({type(error).__name__}); the log has the story."
        return [{"name": file.name, "bytes": file.bytes, "sha256": file.sha256} for file in made], ""

    def _show(self, value: dict[str, Any]) -> None:
        if value["id"] not in self._cancelled:
            self._services.hub.put("export", value["id"], value)

    def _at(self) -> Any:
        return to_datetime(self._services.clock.wall_us())

    def _requeue(self) -> None:
        count = actions.requeue_exports(self._services.database, WORKER, self._at())
        if count:
            log.info("exports wait again", extra={"count": count})

    def _take(self) -> dict[str, Any] | None:
        with self._services.database.read() as session:
            waiting = session.scalar(select(func.count()).select_from(ExportJob).where(ExportJob.state == "queued"))
        return actions.take_export(self._services.database, WORKER, self._at()) if waiting else None

    def _finish(self, export_id: str, files: list[dict[str, Any]], error: str) -> bool:
        database = self._services.database
        return actions.finish_export(database, WORKER, self._at(), export_id, files=files, error=error)

    def _cameras(self, camera_ids: list[str]) -> tuple[ExportCamera, ...]:
        with self._services.database.read() as session:
            rows = {row.id: row for row in session.scalars(select(Camera).where(Camera.id.in_(camera_ids)))}
        return tuple(
            ExportCamera(id, row.code, row.name_ar, row.name_en) if (row := rows.get(id)) else ExportCamera(id)
            for id in camera_ids
        )
