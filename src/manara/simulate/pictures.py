"""What the virtual cameras show: their scene under the present light, or a spoiled picture of it.

Keeps for every mount which clip it should play and lets it go over at a key frame. Spoiled clips are made by a process
of its own the first time they are asked for (`spoil.py`); one process works at a time, the orders wait for it in turn.
Called by `role.py` (light) and through `desk.py` by `trouble.py` (faults).
"""

import asyncio
import logging
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from manara.base.errors import InvalidInput
from manara.simulate.clips import Clip, ClipReader, is_whole
from manara.simulate.mount import ClipMount
from manara.simulate.scenes import GOP, clip_path, empty_clip
from manara.simulate.spoil import SPOILED_KINDS, forget_old, spoiled_path

log = logging.getLogger(__name__)
_POLL_S = 0.2
_MAKE_S = 600.0  # longer than this and something is wrong; 3 s of processor time at low priority
LOOP_GOPS = 2  # of the fault `loop`
Key = tuple[str, str]  # scene, form


class Pictures:
    """Mounts by scene and form, and what spoils them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mounts: dict[ClipMount, Key] = {}
        self._clips: dict[Key, Clip] = {}
        self._light = ""
        self._kinds: dict[str, str] = {}  # camera → what spoils its pictures
        self._made: dict[tuple[str, str, str, str], Clip] = {}  # scene, light, kind, form
        self._wanted: asyncio.Queue[tuple[str, frozenset[Key]]] = asyncio.Queue()

    def add(self, mount: ClipMount, scene: str, form: str) -> None:
        """A stream that plays a scene."""
        self._mounts[mount] = (scene, form)

    def light(self, clips: dict[Key, Clip], light: str) -> None:
        """Go over to the scenes as they are under this light; what is spoiled is spoiled anew."""
        first = not self._light
        self._clips, self._light = clips, light
        self._made.clear()
        for mount, key in self._mounts.items():
            if mount.camera.code not in self._kinds and not first:
                mount.follow(clips[key])
        for code, kind in list(self._kinds.items()):
            self.spoil(code, kind)

    def better(self, key: Key, clip: Clip) -> None:
        """A scene of which only stills were shown has been drawn."""
        self._clips[key] = clip
        for mount, shown in self._mounts.items():
            if shown == key and mount.camera.code not in self._kinds:
                mount.follow(clip)

    def spoil(self, code: str, kind: str) -> None:
        """Show a camera's scene spoiled, as soon as there is such a clip. Raises `InvalidInput` for an unknown kind."""
        if kind not in (*SPOILED_KINDS, "loop"):
            raise InvalidInput(f"no picture can be {kind}", code="fault_unknown")
        self._kinds[code] = kind
        if kind == "loop":
            for mount in self._of(code):
                mount.follow(_loop(self._clips[self._mounts[mount]]))
            return
        missing = {key for key in map(self._mounts.__getitem__, self._of(code)) if (key not in self._ready(kind))}
        if missing:
            self._wanted.put_nowait((kind, frozenset(missing)))
        self._show()

    def mend(self, code: str) -> None:
        """Show the scene again."""
        if self._kinds.pop(code, None) is not None:
            for mount in self._of(code):
                mount.follow(self._clips[self._mounts[mount]])
        shown = set(self._kinds.values())  # what nobody shows is on disk, and need not be in memory
        self._made = {key: clip for key, clip in self._made.items() if key[2] in shown}

    def shows(self, code: str) -> bool:
        """Whether a camera shows what it was ordered to on all its streams."""
        kind = self._kinds.get(code)
        if kind is None or kind == "loop":
            return True
        wanted = [(mount, self._made.get((scene, self._light, kind, form))) for mount, scene, form in self._rows(code)]
        # A stream that nobody watches goes over when somebody does.
        return all(clip is not None and clip.complete for _, clip in wanted) and any(
            mount.clip is clip for mount, clip in wanted
        )

    def _rows(self, code: str) -> list[tuple[ClipMount, str, str]]:
        return [(mount, *self._mounts[mount]) for mount in self._of(code)]

    def _of(self, code: str) -> list[ClipMount]:
        return [mount for mount in self._mounts if mount.camera.code == code]

    def _ready(self, kind: str) -> set[Key]:
        return {(scene, form) for scene, light, of, form in self._made if (light, of) == (self._light, kind)}

    def _show(self) -> None:
        """Let every mount whose spoiled clip is complete play it: a shorter one would look frozen."""
        for mount, (scene, form) in self._mounts.items():
            kind = self._kinds.get(mount.camera.code)
            clip = self._made.get((scene, self._light, kind, form)) if kind else None
            if clip is not None and clip.complete and mount.clip is not clip:
                mount.follow(clip)

    async def run(self) -> None:
        """Make what is asked for, for ever."""
        while True:
            kind, keys = await self._wanted.get()
            light = self._light
            readers: dict[Key, ClipReader] = {}
            missing: dict[str, list[str]] = {}
            for scene, form in sorted(keys - self._ready(kind)):
                path = spoiled_path(self._folder, scene, light, kind, form)
                clip = empty_clip(form)
                readers[scene, form] = ClipReader(path, clip)
                self._made[scene, light, kind, form] = clip
                if not await asyncio.to_thread(is_whole, path):
                    path.unlink(missing_ok=True)
                    missing.setdefault(scene, []).append(form)
            if await self._drawn(light, missing):
                await self._make(light, kind, missing, readers)

    async def _drawn(self, light: str, scenes: Iterable[str]) -> bool:
        """Wait until the scenes that are to be spoiled are there; False where the light went meanwhile."""
        for scene in scenes:
            path = clip_path(self._folder, scene, light, "main")
            while not await asyncio.to_thread(is_whole, path):
                if self._light != light:
                    return False
                await asyncio.sleep(_POLL_S)  # another process draws
        return True

    async def _make(self, light: str, kind: str, missing: dict[str, list[str]], readers: dict[Key, ClipReader]) -> None:
        process = None
        if missing:
            await asyncio.to_thread(forget_old, self._folder)
            jobs = [f"{scene}:{','.join(sorted(forms, reverse=True))}" for scene, forms in missing.items()]
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "manara.simulate.spoil", str(self._folder), light, kind, *jobs
            )
        left = dict(readers)
        try:
            async with asyncio.timeout(_MAKE_S):
                while left:
                    for key in list(left):
                        if await asyncio.to_thread(left[key].poll):
                            del left[key]
                    self._show()
                    if left and process is not None and process.returncode not in (None, 0):
                        break
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            log.warning("spoiled pictures take too long", extra={"kind": kind, "scenes": list(missing)})
        finally:
            if process is not None and process.returncode is None:
                process.terminate()
                await process.wait()
        for scene, form in left:  # to be asked for again
            self._made.pop((scene, light, kind, form), None)
        if left:
            log.warning(
                "pictures could not be spoiled", extra={"kind": kind, "scenes": sorted({one[0] for one in left})}
            )


def _loop(clip: Clip) -> Clip:
    """A few seconds of a clip as one of their own."""
    return replace(clip, frames=clip.frames[: LOOP_GOPS * GOP], complete=True)
