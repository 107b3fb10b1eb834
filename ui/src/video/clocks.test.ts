import { describe, expect, it } from 'vitest';
import { MediaClock, ServerClock } from './clocks';

describe('MediaClock', () => {
  it('runs at its speed, stands while held and goes on from there', () => {
    const clock = new MediaClock(1_000_000, 0);
    expect(clock.at(500)).toBe(1_000_000);
    clock.play(500);
    expect(clock.at(1500)).toBe(2_000_000);
    clock.setSpeed(4, 1500);
    expect(clock.at(2500)).toBe(6_000_000);
    clock.hold(true, 2500);
    expect(clock.at(9000)).toBe(6_000_000);
    clock.hold(false, 9000);
    expect(clock.at(9500)).toBe(8_000_000);
    clock.pause(9500);
    expect(clock.at(99_999)).toBe(8_000_000);
  });
});

describe('ServerClock', () => {
  it('believes the message that was least delayed', () => {
    const clock = new ServerClock();
    expect(clock.now(5)).toBe(5);
    clock.observe(1000, 1400);
    clock.observe(2000, 2100);
    clock.observe(3000, 3900);
    expect(clock.now(4100)).toBe(4000);
  });
});
