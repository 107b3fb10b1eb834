"""The virtual cameras as faults see them: orders on the wire, spoiled pictures, passwords, darkness.

Binds `trouble.py` (which decides) to the RTSP server and `pictures.py` (which show it). Made by `role.py`.
"""

from manara.base.errors import NotFound
from manara.simulate.mount import VirtualCamera
from manara.simulate.pictures import Pictures
from manara.simulate.rtsp_server import RtspServer

CHANGED_PASSWORD = "somebody-changed-it"  # noqa: S105  (of cameras that exist in memory alone)


class CameraDesk:
    """Carries out what is ordered for a camera."""

    def __init__(self, server: RtspServer, pictures: Pictures) -> None:
        self._server = server
        self._pictures = pictures
        self._passwords: dict[str, str] = {}
        self._dark: set[str] = set()

    def _camera(self, code: str) -> VirtualCamera:
        camera = self._server.cameras.get(code)
        if camera is None:
            raise NotFound(f"no camera {code} streams", code="fault_place")
        return camera

    def order(self, code: str, kind: str, value: float | None = None) -> None:
        """Put a fault of the wire in force."""
        self._camera(code).faults.order(kind, value=value)

    def lift(self, code: str, kind: str) -> None:
        """End it."""
        self._camera(code).faults.lift(kind)

    def spoil(self, code: str, kind: str) -> None:
        """Show a spoiled picture."""
        self._camera(code)
        self._pictures.spoil(code, kind)

    def mend(self, code: str) -> None:
        """Show the scene as it is."""
        self._camera(code)
        self._pictures.mend(code)

    def shows(self, code: str) -> bool:
        """Whether the picture that was ordered is on the wire."""
        return self._pictures.shows(code)

    def change_password(self, code: str, wrong: bool) -> None:
        """Another password than Manara knows, or the old one again; whoever looks is cut off."""
        camera = self._camera(code)
        if wrong:
            self._passwords.setdefault(code, camera.password)
            camera.password = CHANGED_PASSWORD
        else:
            camera.password = self._passwords.pop(code, camera.password)
        self._server.close_sessions(code)

    def darken(self, code: str, dark: bool) -> None:
        """No power or no way: nothing is sent or answered. When it is back, old connections are gone."""
        if dark == (code in self._dark):
            return
        camera = self._camera(code)
        if dark:
            self._dark.add(code)
            camera.faults.order("silent")
        else:
            self._dark.discard(code)
            camera.faults.lift("silent")
            self._server.close_sessions(code)
