"""What the commands do: files by their suffix, dry run unless told, sectors from administrative areas."""

from datetime import datetime
from pathlib import Path

import pytest

from manara.access.who import Who
from manara.base.errors import InvalidInput
from manara.network import actions, commands, views
from manara.store.database import Database
from manara.store.secret import SecretBox

GEO = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "geo"
WHO = Who.system("command line")


def test_cameras_and_sites_by_suffix(database: Database, box: SecretBox, at: datetime, tmp_path: Path) -> None:
    sites = tmp_path / "sites.CSV"
    sites.write_text("code,lat,lon\nP1,31,46\n")
    assert commands.import_sites(database, box, WHO, at, sites, apply=False)["added"] == 1
    with database.read() as session:
        assert views.sites(session, WHO) == []
    assert commands.import_sites(database, box, WHO, at, sites, apply=True)["added"] == 1
    cameras = tmp_path / "cameras.csv"
    cameras.write_text("code,site,url\nC1,P1,rtsp://h/\n")
    assert commands.import_cameras(database, box, WHO, at, cameras, apply=True)["ok"]
    for name in ("cameras.xlsx", "missing.csv"):
        with pytest.raises(InvalidInput):
            commands.import_cameras(database, box, WHO, at, tmp_path / name, apply=True)


@pytest.mark.skipif(not GEO.is_dir(), reason="the files of shared/data/geo are not on this machine")
def test_sectors_from_administrative_areas(database: Database, box: SecretBox, at: datetime) -> None:
    file = GEO / "irq_admbnda_adm2_cso_20190603.geojson"
    report = commands.import_sectors(database, box, WHO, at, file, apply=True, where=("ADM1_EN", "Thi Qar"))
    assert report["ok"]
    assert report["added"] >= 5
    again = commands.import_sectors(database, box, WHO, at, file, apply=True, where=("ADM1_EN", "Thi Qar"))
    assert again["unchanged"] == report["added"]
    with database.read() as session:
        assert all(sector["name_ar"] and sector["boundary"] for sector in views.sectors(session, WHO))
    with pytest.raises(InvalidInput):
        commands.import_sectors(database, box, WHO, at, file, apply=True, where=("ADM1_EN", "Nowhere"))


def test_infrastructure_comes_from_a_file_too(
    database: Database, box: SecretBox, technician: Who, at: datetime, tmp_path: Path
) -> None:
    actions.add_site(database, technician, at, {"code": "P1", "lat": 31, "lon": 46})
    file = tmp_path / "switches.csv"
    file.write_text("code,site,ports\nSW-1,P1,8\n", encoding="utf-8")
    tried = commands.import_infrastructure(database, box, technician, at, file, apply=False, noun="switch")
    assert (tried["ok"], tried["dry_run"], tried["added"]) == (True, True, 1)
    done = commands.import_infrastructure(database, box, technician, at, file, apply=True, noun="switch")
    assert done["added"] == 1
    with pytest.raises(InvalidInput, match=r"not \.csv"):
        commands.import_infrastructure(database, box, technician, at, tmp_path / "a.txt", apply=True, noun="switch")
