"""The virtual province: how much of everything, that it fits together, and that the same seed gives the same."""

from shapely.geometry import Point, shape

from manara.simulate.places import TOWNS
from manara.simulate.province import Province, make_province

PROVINCE = make_province(7, streaming=24)


def test_it_has_six_sectors_two_hundred_sites_and_850_cameras() -> None:
    assert (len(PROVINCE.sectors), len(PROVINCE.sites), len(PROVINCE.cameras)) == (6, 200, 850)
    assert sum(town.sites for town in TOWNS) == 200
    assert len(PROVINCE.streams) == 24
    assert sum(camera["enabled"] for camera in PROVINCE.cameras) == 24
    kinds = [camera["kind"] for camera in PROVINCE.cameras]
    assert 60 <= kinds.count("ptz") <= 130


def test_codes_are_unique_and_references_lead_somewhere() -> None:
    for rows in (PROVINCE.sectors, PROVINCE.towns, PROVINCE.sites, PROVINCE.cameras):
        codes = [row["code"] for row in rows]
        assert len(codes) == len(set(codes))
        assert all(row["name_ar"] and row["name_en"] for row in rows)
    sites = {row["code"] for row in PROVINCE.sites}
    assert {row["site"] for row in PROVINCE.cameras} == sites
    assert {row["sector"] for row in PROVINCE.sites} == {row["code"] for row in PROVINCE.sectors}


def test_every_site_lies_in_its_sector_and_sectors_do_not_overlap() -> None:
    areas = {row["code"]: shape(row["boundary"]) for row in PROVINCE.sectors}
    for site in PROVINCE.sites:
        assert areas[site["sector"]].covers(Point(site["lon"], site["lat"])), site["code"]
    codes = sorted(areas)
    for first in codes:
        for second in codes:
            if first < second:
                assert areas[first].intersection(areas[second]).area < 1e-6


def test_the_same_seed_gives_the_same_province_and_another_gives_another() -> None:
    assert make_province(7, streaming=24) == PROVINCE
    assert make_province(8, streaming=24) != PROVINCE


def test_any_number_may_stream_and_moving_ones_are_among_them() -> None:
    for count in (0, 1, 24, 850, 2000):
        province: Province = make_province(7, streaming=count)
        assert len(set(province.streams)) == min(count, 850)
    moving = {row["code"] for row in PROVINCE.cameras if row["kind"] == "ptz"}
    assert 3 <= len(moving & set(PROVINCE.streams)) <= 8


def test_roads_and_rivers_say_that_they_are_schematic() -> None:
    features = PROVINCE.roads["features"] + PROVINCE.rivers["features"]
    assert len(features) > 100
    assert all(feature["properties"]["schematic"] for feature in features)
