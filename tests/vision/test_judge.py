"""From look to look: what is found, when, and what is not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manara.vision.judge import FREE, OWN, REFERENCE_LOOKS, CameraJudge
from manara.vision.references import MOST_VIEWS, References, View
from tests.vision.drawn import HEIGHT_PX, WIDTH_PX, Camera, blurred, looked, scene, with_clock


def kinds(camera: Camera) -> set[str]:
    return set(camera.judge.findings)


def covered(camera: Camera) -> np.ndarray:  # type: ignore[type-arg]
    return np.full((HEIGHT_PX, WIDTH_PX, 3), 70.0) + camera.rng.normal(0, 2, (HEIGHT_PX, WIDTH_PX, 1))


FAULTS = {
    "image_black": lambda c: np.full((HEIGHT_PX, WIDTH_PX, 3), 1.0) + c.rng.normal(0, 1, (HEIGHT_PX, WIDTH_PX, 1)),
    "image_white": lambda c: np.full((HEIGHT_PX, WIDTH_PX, 3), 253.0) + c.rng.normal(0, 1, (HEIGHT_PX, WIDTH_PX, 1)),
    "image_covered": covered,
    "image_blurred": lambda c: blurred(c.seen(), 8) + c.rng.normal(0, 2, (HEIGHT_PX, WIDTH_PX, 1)),
    "image_moved": lambda c: c.seen(right=160),
    "image_colour_lost": lambda c: c.seen().mean(axis=2, keepdims=True) * np.ones(3),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_found_after_some_looks_and_ends_when_it_is_mended(kind: str) -> None:
    camera = Camera()
    assert camera.looks(15).verdict.findings == []
    first = camera.look(FAULTS[kind](camera))
    assert first.verdict.findings == []
    assert first.hurry
    for _ in range(6):
        judged = camera.look(FAULTS[kind](camera), step_s=2.5)
    assert kinds(camera) == {kind}
    assert judged.verdict.trusted
    assert judged.verdict.findings[0].confidence >= 0.5
    assert judged.verdict.findings[0].since_us <= camera.at_us - 15_000_000
    for _ in range(4):
        judged = camera.look(step_s=2.5)
    assert judged.verdict.findings == []
    assert judged.changed or not kinds(camera)


@pytest.mark.parametrize("share", [0.5, 0.6, 0.7, 0.8, 0.9])
def test_a_lens_covered_by_any_share_is_found(share: float) -> None:
    """What is not surely covered is dirty: there is no share between at which it is neither."""
    camera = Camera()
    camera.looks(15)
    for _ in range(9):
        sprayed = camera.seen()
        sprayed[:, : round(share * WIDTH_PX)] = 90.0 + camera.rng.normal(0, 2, (HEIGHT_PX, 1, 1))
        camera.look(sprayed, step_s=2.5)
    assert kinds(camera) & {"image_dirty", "image_covered"}


@pytest.mark.parametrize("qualities", [1, 2, 3])
def test_a_frozen_picture_is_found_though_its_coding_changes(qualities: int) -> None:
    camera = Camera()
    camera.looks(20)
    still = camera.seen()
    rng = np.random.default_rng(5)
    coded = [still + rng.normal(0, 1.0, still.shape[:2])[..., None] for _ in range(qualities)]
    for number in range(12):
        camera.look(coded[int(rng.integers(qualities))], step_s=8 if number == 0 else 2.5)
        if "image_frozen" in kinds(camera):
            return
    raise AssertionError("not found")


def test_a_covered_lens_that_stood_still_teaches_no_patience_with_frozen_pictures() -> None:
    camera = Camera()
    camera.looks(15)
    bag = covered(camera)
    for _ in range(3):
        camera.look(bag, step_s=2.5)
    camera.looks(15)
    assert not kinds(camera)
    still = camera.seen()
    for _ in range(5):
        camera.look(still, step_s=2.5)
    assert kinds(camera) == {"image_frozen"}


def test_one_bad_look_is_no_finding() -> None:
    camera = Camera()
    camera.looks(12)
    for kind, fault in FAULTS.items():
        camera.look(fault(camera))
        camera.looks(3)
        assert not kinds(camera), kind


def test_another_place_altogether_is_a_turned_camera() -> None:
    camera, other = Camera(seed=1), Camera(seed=2)
    camera.looks(12)
    for _ in range(5):
        camera.look(other.seen(), step_s=2.5)
    assert kinds(camera) == {"image_moved"}


def test_a_frozen_picture_is_found_under_a_running_clock() -> None:
    camera = Camera()
    for second in range(14):
        camera.look(with_clock(camera.seen(), second * 8))
    still = camera.seen()
    for second in range(8):
        camera.look(with_clock(still, 200 + second * 3), step_s=2.5)
    assert "image_frozen" in kinds(camera)
    for second in range(6):  # nothing but the sensor's noise moves: that it is back is sure after a few looks
        camera.look(with_clock(camera.seen(), 300 + second * 3), step_s=2.5)
    assert "image_frozen" not in kinds(camera)


def test_paint_on_the_lens_of_a_scene_that_repeats_is_dirt_and_not_a_frozen_picture() -> None:
    camera = Camera()
    camera.looks(20)
    painted = camera.seen()
    painted[90:270, 60:520] = 60.0
    for _ in range(12):
        camera.look(painted, step_s=2.5)
        assert "image_frozen" not in kinds(camera)
    assert kinds(camera) & {"image_dirty", "image_covered"}


def test_a_static_scene_with_noise_is_not_frozen_and_one_without_noise_teaches_patience() -> None:
    camera = Camera(noise=1.2)
    camera.looks(40)
    assert not kinds(camera)
    camera = Camera(noise=0.0)  # an encoder that smooths all noise away; something passes now and then
    for number in range(50):
        picture = camera.seen()
        if number % 2 == 0:
            picture[100 + number : 250, 200 + 3 * number : 320 + 3 * number] = 20.0 * (number % 7)
        camera.look(picture)
    assert not kinds(camera)


def test_a_loop_is_found_and_a_like_scene_is_none() -> None:
    camera = Camera()
    camera.looks(50)
    kept = [camera.seen() for _ in range(7)]
    for _ in range(2):
        for picture in kept:
            camera.look(picture)
    assert kinds(camera) == {"image_loop"}


def test_vibration_is_told_from_a_turn() -> None:
    camera = Camera()
    camera.looks(12)
    for number in range(8):
        camera.look(camera.seen(right=14 if number % 2 else -14, down=int(camera.rng.integers(-6, 7))), step_s=2.5)
    assert "image_vibrating" in kinds(camera)
    assert "image_moved" not in kinds(camera)


def test_grey_pictures_at_night_and_dusk_are_well() -> None:
    camera = Camera()
    camera.looks(14)
    for number in range(40):  # the light goes within five minutes, then the camera goes over to infrared
        camera.hour = 18
        picture = camera.seen(gain=max(0.35, 1 - number / 40))
        if number > 25:
            picture = picture.mean(axis=2, keepdims=True) * np.ones(3)
        camera.look(picture)
        assert not kinds(camera), number


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 10_000), st.lists(st.floats(0.6, 1.5), min_size=4, max_size=8))
def test_an_untouched_stream_never_flips(seed: int, swings: list[float]) -> None:
    camera = Camera(seed=seed)
    camera.looks(7)
    for gain in swings:
        for _ in range(3):
            judged = camera.look(camera.seen(gain=gain))
            assert judged.verdict.findings == []
            assert judged.verdict.trusted


def test_nothing_is_learned_from_a_sick_picture() -> None:
    camera = Camera()
    camera.looks(REFERENCE_LOOKS + 6)
    before = [view.edges.copy() for view in camera.judge.references.views]
    assert before
    recent = camera.judge.recent
    assert recent is not None
    kept = recent.edges.copy()
    for _ in range(30):
        camera.look(covered(camera))
    assert kinds(camera) == {"image_covered"}
    assert np.array_equal(kept, camera.judge.recent.edges)  # type: ignore[union-attr]
    assert all(np.array_equal(a, b.edges) for a, b in zip(before, camera.judge.references.views, strict=True))


def test_a_person_takes_the_present_view_as_the_reference() -> None:
    camera = Camera()
    camera.looks(REFERENCE_LOOKS + 6)
    for _ in range(5):
        camera.look(camera.seen(right=160), step_s=2.5)
    assert kinds(camera) == {"image_moved"}
    camera.judge.take_reference("a technician")
    judged = camera.look(camera.seen(right=160))
    assert judged.verdict.findings == []
    assert judged.learned is not None
    assert judged.learned.by == "a technician"
    for _ in range(6):
        assert camera.look(camera.seen(right=160)).verdict.findings == []
    for _ in range(5):
        camera.look(camera.seen(), step_s=2.5)
    assert kinds(camera) == {"image_moved"}


def test_a_ptz_camera_is_not_trusted_while_it_moves_and_each_preset_has_its_reference() -> None:
    camera = Camera()
    for preset, right in (("gate", 0), ("square", 150)):
        camera.judge.moved(camera.at_us, preset)
        judged = camera.look(camera.seen(right=right // 2), step_s=2)
        assert (judged.verdict.trusted, judged.verdict.why) == (False, "ptz_moving")
        for _ in range(REFERENCE_LOOKS + 6):
            judged = camera.look(camera.seen(right=right))
            assert not kinds(camera)
        assert judged.verdict.trusted
    assert {view.preset for view in camera.judge.references.views} == {"gate", "square"}
    # A tour that the camera runs by itself: the view of another preset is known again.
    for _ in range(6):
        assert camera.look(camera.seen(right=0), step_s=2.5).verdict.findings == []
    assert camera.judge.preset == "gate"
    # It was told to go to the square and looks elsewhere.
    camera.judge.moved(camera.at_us, "square")
    for _ in range(80):
        camera.look(camera.seen(right=-170, down=90), step_s=2.5)
    assert kinds(camera) == {"image_moved"}


def test_a_station_of_an_unknown_tour_is_learned_on_the_first_day_and_a_turned_camera_is_told_later() -> None:
    camera = Camera(judge=CameraJudge("c1", ptz=True))
    camera.looks(40)
    for _ in range(130):
        camera.look(camera.seen(right=150))
        assert not kinds(camera)
    assert {view.preset for view in camera.judge.references.views} == {"", f"{OWN}1"}
    camera.looks(12)
    assert camera.judge.preset == ""
    camera.at_us += 86_400_000_000
    for _ in range(110):
        camera.look(camera.seen(right=-170, down=90))
        assert not kinds(camera)
    for _ in range(6):
        camera.look(camera.seen(right=-170, down=90))
    assert kinds(camera) == {"image_moved"}


def test_a_minute_of_another_exposure_is_neither_dirt_nor_learned() -> None:
    camera = Camera()
    camera.looks(60)
    usual = camera.judge.recent.mean if camera.judge.recent is not None else 0.0
    for gain in (1.9, 0.45):
        for _ in range(7):
            camera.look(camera.seen(gain=gain))
            assert not kinds(camera)
        assert camera.judge.recent is not None
        assert abs(camera.judge.recent.mean - usual) < 2
        camera.looks(12)


def test_a_filter_that_stuck_at_dawn_is_found_once_the_hours_say_day() -> None:
    camera = Camera()
    for _ in range(3):
        for camera.hour in (11, 12, 13):
            camera.looks(8)
        camera.at_us += 86_400_000_000
    grey = FAULTS["image_colour_lost"]
    camera.judge.recent = None  # the night between
    for camera.hour in (4, 12):
        for _ in range(76):
            assert not kinds(camera)
            camera.look(grey(camera))
        camera.judge.references.views.clear()
    for _ in range(6):
        camera.look(grey(camera))
    assert kinds(camera) == {"image_colour_lost"}
    camera.looks(3)
    assert not kinds(camera)


def test_a_camera_that_a_person_steers_is_never_turned_away() -> None:
    camera = Camera()
    camera.looks(12)
    camera.judge.moved(camera.at_us, "")
    assert camera.judge.preset == FREE
    for number in range(20):
        camera.look(camera.seen(right=8 * number), step_s=5)
    assert "image_moved" not in kinds(camera)
    for _ in range(5):
        camera.look(FAULTS["image_black"](camera), step_s=2.5)
    assert "image_black" in kinds(camera)


def test_a_lens_cap_from_the_first_day_is_found() -> None:
    camera = Camera(judge=CameraJudge("new"))
    for _ in range(6):
        camera.look(FAULTS["image_black"](camera), step_s=2.5)
    assert kinds(camera) == {"image_black"}


def test_another_resolution_of_the_same_view_changes_nothing() -> None:
    camera = Camera()
    camera.looks(12)
    for _ in range(6):
        picture = np.kron(camera.seen(), np.ones((2, 2, 1)))
        assert camera.look(picture).verdict.findings == []


def test_what_passes_by_itself_teaches_patience() -> None:
    camera, other = Camera(seed=1), Camera(seed=2)
    camera.looks(60)
    for _ in range(3):
        camera.look(other.seen(), step_s=2.5)  # a lorry stood there for 5 s
    camera.looks(10)
    for _ in range(4):
        camera.look(other.seen(), step_s=2.5)  # 7.5 s would have been enough, and are not twice as long
        assert not kinds(camera)
    for _ in range(2):
        camera.look(other.seen(), step_s=2.5)
    assert kinds(camera) == {"image_moved"}


def test_lights_shine_into_the_lens_for_seconds_and_white_paint_stays() -> None:
    camera = Camera()
    camera.looks(60)
    down, across = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX]
    spot = 320 * np.exp(-((across - 200) ** 2 + (down - 200) ** 2) / (2 * 110.0**2))[..., None]
    for _ in range(24):
        camera.look(camera.seen(gain=0.6) + spot, step_s=2.5)
        assert not kinds(camera)
    camera.looks(3)
    paint = np.zeros((HEIGHT_PX, WIDTH_PX, 1), bool)
    paint[60:300, 100:520] = True
    for _ in range(42):
        camera.look(np.where(paint, 250.0, camera.seen()), step_s=2.5)
    assert kinds(camera) & {"image_dirty", "image_covered"}


def bare(camera: Camera, shade: float = 110.0) -> np.ndarray:  # type: ignore[type-arg]
    """A lane of asphalt with one line across it and now and then a car, elsewhere each time."""
    picture = np.full((HEIGHT_PX, WIDTH_PX, 3), shade)
    picture[160:166, 100:500] = 200
    if camera.rng.random() < 0.6:
        x, y = int(camera.rng.integers(0, 340)), int(camera.rng.integers(40, 180))
        car = np.kron(camera.rng.uniform(30, 220, (6, 10, 1)), np.ones((22, 28, 1)))
        picture[y : y + car.shape[0], x : x + car.shape[1]] = car
    return picture + camera.rng.normal(0, 2.5, picture.shape[:2])[..., None]


def test_a_bare_view_is_called_sick_only_where_that_is_beyond_doubt() -> None:
    camera = Camera()
    for _ in range(150):
        camera.look(bare(camera), step_s=5)
        assert not kinds(camera)
    for _ in range(8):
        camera.look(np.full((HEIGHT_PX, WIDTH_PX, 3), 60.0) + np.linspace(-8, 8, WIDTH_PX)[None, :, None], step_s=2.5)
    assert kinds(camera) & {"image_covered", "image_frozen"}
    for _ in range(8):
        camera.look(bare(camera))
    assert not kinds(camera)
    for _ in range(16):  # longer now, as the cover passed by itself
        camera.look(camera.seen(), step_s=2.5)  # turned to a street full of colour
    assert kinds(camera) == {"image_moved"}


def blobs(camera: Camera) -> np.ndarray:  # type: ignore[type-arg]
    """Where paint is, sprayed onto the lens: (360, 640, 1)."""
    down, across = np.mgrid[0:HEIGHT_PX, 0:WIDTH_PX]
    mask = np.zeros((HEIGHT_PX, WIDTH_PX), bool)
    for x, y, r in camera.rng.uniform((0, 0, 25), (WIDTH_PX, HEIGHT_PX, 50), (28, 3)):
        mask |= (across - x) ** 2 + (down - y) ** 2 < r * r
    return mask[..., None]


def test_paint_before_a_bare_view_is_told_after_minutes_and_a_queue_never() -> None:
    camera = Camera()
    for _ in range(100):
        camera.look(bare(camera))
    for _ in range(75):  # ten minutes of vehicles, close behind one another, that move on
        queue = np.kron(camera.rng.uniform(30, 220, (12, 20, 1)), np.ones((30, 32, 3)))
        queue = np.roll(queue, camera.rng.integers(0, 60, 2), (0, 1))
        camera.look(queue + camera.rng.normal(0, 2.5, (HEIGHT_PX, WIDTH_PX))[..., None])
        assert not kinds(camera)
    for _ in range(30):
        camera.look(bare(camera))
    paint = blobs(camera)
    begun_us = camera.at_us
    while not kinds(camera):
        camera.look(np.where(paint, 45.0, bare(camera)))
        assert camera.at_us - begun_us < 400_000_000
    assert kinds(camera) == {"image_dirty"}
    assert camera.at_us - begun_us > 290_000_000
    for _ in range(4):
        camera.look(bare(camera))
    assert not kinds(camera)  # somebody wiped it


def test_a_frozen_picture_coded_at_other_qualities_is_found() -> None:
    camera = Camera(noise=4.0)
    camera.looks(40)
    still = camera.seen()
    for number in range(9):  # the decoder gives each quality its own rounding, the same each time
        rounded = np.random.default_rng(number % 2).normal(0, 1.2, still.shape[:2])[..., None]
        camera.look(still + rounded, step_s=2.5)
    assert "image_frozen" in kinds(camera)


def test_the_oldest_view_gives_way_wherever_it_stands() -> None:
    references = References()
    for number in range(MOST_VIEWS):
        view = View.of(looked(scene(number)[:HEIGHT_PX, :WIDTH_PX], 100 + number))
        references.views.append(view)
    oldest = references.views[3]
    oldest.last_us = 1
    references.learn(View.of(looked(scene(50)[:HEIGHT_PX, :WIDTH_PX], 500)), "", 500)
    assert len(references.views) == MOST_VIEWS
    assert all(view is not oldest for view in references.views)
