"""Chromium's MSE takes what we write: on-disk fragments, one-frame live fragments, with B-frames and with sound."""

import base64
import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest

from manara.formats.fmp4 import fragment_boxes, init_section
from tests.browser.room import find_chromium
from tests.formats.fmp4_clips import aac, clip
from tests.formats.test_fmp4_play import singles

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser

PAGE = """
async ([mime, chunks]) => {
  const video = document.createElement('video');
  const source = new MediaSource();
  video.src = URL.createObjectURL(source);
  await new Promise(done => source.addEventListener('sourceopen', done, {once: true}));
  const buffer = source.addSourceBuffer(mime);
  for (const text of chunks) {
    const data = Uint8Array.from(atob(text), c => c.charCodeAt(0));
    await new Promise((done, fail) => {
      buffer.addEventListener('updateend', done, {once: true});
      buffer.addEventListener('error', () => fail(new Error('append')), {once: true});
      buffer.appendBuffer(data);
    });
  }
  source.endOfStream();
  video.currentTime = 2.5;
  await new Promise((done, fail) => {
    video.addEventListener('seeked', done, {once: true});
    video.addEventListener('error', () => fail(new Error(video.error.message)), {once: true});
  });
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth; canvas.height = video.videoHeight;
  const context = canvas.getContext('2d');
  let pixel;
  for (let tries = 0; tries < 500; tries++) {  // on a busy machine it stays black for a while after `seeked`
    context.drawImage(video, 0, 0);
    pixel = context.getImageData(20, video.videoHeight - 10, 1, 1).data;
    if (pixel[0]) break;
    await new Promise(done => setTimeout(done, 20));
  }
  return [video.buffered.length, video.buffered.start(0), video.buffered.end(0), pixel[0], video.videoWidth];
}
"""


@pytest.fixture(scope="module")
def page():  # type: ignore[no-untyped-def]
    path = find_chromium()
    if path is None:
        pytest.skip("Chromium is not installed (Debian package chromium)")
    # in a thread of its own: another browser of the suite may be open in this one
    with ThreadPoolExecutor(1) as thread:
        play = thread.submit(lambda: sync_api.sync_playwright().start()).result()
        browser = thread.submit(play.chromium.launch, executable_path=path, args=["--no-sandbox"]).result()
        tab = thread.submit(browser.new_page).result()
        yield lambda *given: thread.submit(tab.evaluate, *given).result(60)
        thread.submit(browser.close).result()
        thread.submit(play.stop).result()


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("b_frames", [0, 2])
@pytest.mark.parametrize("sound", [False, True])
def test_chromium_plays_it(page, live: bool, b_frames: int, sound: bool) -> None:  # type: ignore[no-untyped-def]
    video, fragments = clip(b_frames=b_frames)
    sound_format, tones = aac()
    mime = f'video/mp4; codecs="{video.codec_string}{",mp4a.40.2" if sound else ""}"'
    chunks = [init_section(video, sound_format if sound else None)]
    previous = None
    for number, fragment in enumerate(singles(fragments) if live else fragments):
        start, end = fragment.decode_time / 90_000, (fragment.decode_time + fragment.duration) / 90_000
        mine = [tone for tone in tones if sound and start <= tone[0] / 16_000 < end]
        buffers, previous = fragment_boxes(dataclasses.replace(fragment, sound=mine), number, previous, live)
        chunks.append(b"".join(buffers))
    ranges, begin, end_s, level, width = page(PAGE, [mime, [base64.b64encode(c).decode() for c in chunks]])
    assert ranges == 1
    assert begin < 0.3
    assert abs(end_s - 4.0) < 0.3
    assert width == 160
    shown = round((2.5 - (2 / 15 if b_frames else 0)) * 15)
    assert abs(level - shown * 4) <= 12, "the picture of that moment"
