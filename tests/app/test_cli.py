"""The commands as a person types them: what they print, their exit codes, and plain errors."""

import json
import socket
import sqlite3
from pathlib import Path

import pytest

from manara.app import doctor
from manara.cli import main
from manara.settings import Settings, load
from manara.store.nats_server import free_port

CAMERAS = """code,name_ar,name_en,kind,lat,lon,main_url
CAM-1,كاميرا ١,Camera 1,fixed,31.05,46.26,rtsp://10.0.0.1/main
CAM-2,كاميرا ٢,Camera 2,ptz,31.06,46.27,rtsp://10.0.0.2/main
"""


def run(folder: Path, *arguments: str) -> int:
    return main(["--data", str(folder / "data"), *arguments])


def test_a_bad_setting_is_named_with_file_key_and_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "manara.toml"
    file.write_text('[web]\nport = 99999\nhost = "0.0.0.0"\n[recorder]\nsegment = 3\n')
    assert main(["--settings", str(file), "doctor"]) == 2
    error = capsys.readouterr().err
    assert "manara.toml: 2 bad settings" in error
    assert "web.port: Input should be less than or equal to 65535" in error
    assert "recorder.segment: Extra inputs are not permitted" in error
    assert "Traceback" not in error


def test_a_settings_file_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--settings", str(tmp_path / "none.toml"), "settings", "--in-force"]) == 2
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    "change", ["ALTER TABLE site DROP COLUMN notes", "UPDATE alembic_version SET version_num = 'x'"]
)
def test_the_state_of_another_version_is_said_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: str
) -> None:
    assert run(tmp_path, "audit", "verify") == 0
    with sqlite3.connect(tmp_path / "data/state.sqlite") as state:
        state.execute(change)
    capsys.readouterr()
    assert run(tmp_path, "audit", "verify") == 2
    error = capsys.readouterr().err
    assert "made by another version" in error
    assert "Traceback" not in error


def test_listening_beyond_loopback_wants_tls(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "manara.toml"
    file.write_text('[web]\nhost = "192.168.1.10"\n')
    assert main(["--settings", str(file), "--data", str(tmp_path), "up"]) == 2
    assert "set tls_certificate and tls_key" in capsys.readouterr().err


def test_cameras_are_imported_dry_first_then_really_then_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "cameras.csv"
    file.write_text(CAMERAS, encoding="utf-8")
    assert run(tmp_path, "import", "cameras", str(file)) == 0
    assert "2 would be added" in capsys.readouterr().out
    assert run(tmp_path, "import", "cameras", str(file), "--apply") == 0
    assert "2 added, 0 changed" in capsys.readouterr().out
    assert run(tmp_path, "import", "cameras", str(file), "--apply") == 0
    assert "0 added, 0 changed, 2 as they are" in capsys.readouterr().out


def test_a_bad_file_changes_nothing_and_names_row_and_field(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "cameras.csv"
    file.write_text(CAMERAS + "CAM-3,x,x,flying,95,46,http://x\n", encoding="utf-8")
    assert run(tmp_path, "import", "cameras", str(file), "--apply") == 1
    out = capsys.readouterr().out
    for field in ("kind", "lat", "main_url"):
        assert f"row 4, {field}: " in out or f"row 3, {field}: " in out
    assert "nothing was changed" in out
    assert run(tmp_path, "import", "cameras", str(tmp_path / "none.csv")) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_accounts_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        run(tmp_path, "account", "add", "layla", "--name", "Layla", "--role", "operator", "--role", "supervisor") == 0
    )
    first = capsys.readouterr().out
    assert "account layla, one-time password " in first
    assert run(tmp_path, "account", "password", "LAYLA") == 0
    again = capsys.readouterr().out
    assert again != first
    assert run(tmp_path, "account", "add", "layla", "--role", "operator") == 1
    assert "layla" in capsys.readouterr().err
    assert run(tmp_path, "account", "password", "nobody") == 1
    assert "no account nobody" in capsys.readouterr().err
    assert run(tmp_path, "account", "list") == 0
    assert "operator,supervisor" in capsys.readouterr().out


def test_the_audit_log_is_verified_and_a_changed_entry_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("layla", "hasan"):
        assert run(tmp_path, "account", "add", name, "--role", "auditor") == 0
    assert run(tmp_path, "audit", "verify") == 0
    assert "all 2 entries fit" in capsys.readouterr().out


def test_the_reference_is_printed_and_what_is_in_force(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "settings") == 0
    assert "| `low_water_bytes` |" in capsys.readouterr().out
    assert run(tmp_path, "settings", "--in-force") == 0
    assert json.loads(capsys.readouterr().out)["data"]["directory"] == str(tmp_path / "data")


def test_an_archive_that_is_empty_is_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "doctor", "--archive") == 0
    assert "nothing was ever recorded" in capsys.readouterr().out


def test_a_file_that_is_no_export_is_said_to_be_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "video.mp4"
    file.write_bytes(b"not a video")
    assert run(tmp_path, "verify", str(file)) == 1
    assert "WRONG" in capsys.readouterr().out
    assert run(tmp_path, "verify", str(tmp_path / "none.mp4")) == 1
    assert "none.mp4" in capsys.readouterr().err


def _settings(folder: Path) -> Settings:
    return load(environ={}, flags={"data": {"directory": str(folder)}, "web": {"port": 8499}})


def test_the_doctor_looks_at_everything_and_leaves_nothing(tmp_path: Path) -> None:
    subjects = {finding.subject.split()[0] for finding in doctor.examine(_settings(tmp_path))}
    assert {"machine", "sqlite", "data", "disk", "clock", "port", "open", "codec", "journal", "screens"} <= subjects
    assert list(tmp_path.iterdir()) == []


def test_the_doctor_says_what_to_mend(tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("x")
    (tmp_path / "secret.key").chmod(0o644)
    found = [finding for finding in doctor.check_data_folder(_settings(tmp_path)) if finding.state == "bad"]
    assert [finding.mend for finding in found] == [f"chmod 600 {tmp_path / 'secret.key'}"]
    full = list(doctor.check_disk(tmp_path, reserve_bytes=1 << 60))
    assert full[0].state == "bad"
    told: list[str] = []
    assert doctor.report(iter(found), told.append) == 1
    assert told[0].startswith("BAD ")
    assert told[1].startswith("      → chmod")


def test_a_port_that_somebody_has_is_named_with_its_setting(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--data", str(tmp_path / "data"), "--port", str(port), "up"]) == 2
        assert f"web.port: 127.0.0.1:{port} cannot be listened on" in capsys.readouterr().err
        file = tmp_path / "manara.toml"
        file.write_text(f"[web]\nport = {free_port()}\n[simulate]\nrtsp_port = {port}\n")
        assert main(["--settings", str(file), "--data", str(tmp_path / "data"), "up", "--simulate"]) == 2
        assert "simulate.rtsp_port" in capsys.readouterr().err
