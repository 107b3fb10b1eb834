import i18next from "i18next";
import { beforeAll, describe, expect, it } from "vitest";
import { startWords } from ".";
import { makeFormats, setFormats } from "./format";
import { plainText } from "./search";
import { readNumber } from "@/state/form";

const ZONE = "Asia/Baghdad";
const AT_MS = Date.UTC(2026, 1, 3, 21, 30, 5);

describe("formats", () => {
  const en = makeFormats("en", "latn", ZONE);
  const ar = makeFormats("ar", "latn", ZONE);
  const arab = makeFormats("ar", "arab", ZONE);

  it("shows the control room's time, whatever this machine's zone", () => {
    expect(en.clock(AT_MS)).toBe("00:30:05");
    expect(en.utcClock(AT_MS)).toBe("21:30:05");
    expect(ar.clock(AT_MS)).toBe("00:30:05");
  });

  it("uses the digits that the reader chose", () => {
    expect(ar.number(1234.5)).toMatch(/1.?234/);
    expect(arab.number(1234)).toMatch(/[١٢٣٤٬]+/);
    expect(arab.number(1234)).not.toMatch(/\d/);
    expect(arab.clock(AT_MS)).toBe("٠٠:٣٠:٠٥");
    expect(arab.digits("12")).toBe("١٢");
  });

  it("names months as Iraq does", () => {
    expect(ar.date(AT_MS)).toContain("شباط");
  });

  it("is relative within the hour, then the time, then the day", () => {
    const us = (ms: number) => (AT_MS + ms) * 1000;
    expect(en.when(us(-90_000), AT_MS)).toBe("1 minute ago");
    expect(en.when(us(-5_000), AT_MS)).toBe("5 seconds ago");
    expect(en.when(us(-20 * 60_000), AT_MS)).toBe("20 minutes ago");
    expect(en.when(us(-2 * 3_600_000), AT_MS)).toBe("3 Feb, 22:30");
    expect(en.when(us(10 * 3_600_000), AT_MS + 14 * 3_600_000)).toBe("10:30");
    expect(en.when(us(0), AT_MS)).toBe("now");
    expect(en.when(0, AT_MS)).toBe("—");
    expect(ar.when(us(-2 * 60_000), AT_MS)).toContain("دقيقتين");
  });

  it("says durations in their two largest units", () => {
    expect(en.duration(200_000)).toBe("3 mins 20 secs");
    expect(en.duration(0)).toBe("0 secs");
    expect(en.duration(90_061_000)).toBe("1 day 1 hr");
    expect(ar.duration(120_000)).toContain("دقيق");
  });

  it("sizes and rates", () => {
    expect(en.bytes(999)).toBe("999 byte");
    expect(en.bytes(2_300_000)).toBe("2.3 MB");
    expect(en.bitrate(2_100_000)).toBe("2.1 Mb/s");
    expect(en.percent(42)).toBe("42%");
  });

  it("does not fall over an unknown zone", () => {
    expect(makeFormats("en", "latn", "Mars/Olympus").timezone).toBe("UTC");
  });
});

describe("words", () => {
  beforeAll(async () => {
    setFormats(makeFormats("ar", "latn", ZONE));
    await startWords("ar");
  });

  it("has all six Arabic plurals", () => {
    const say = (count: number) => i18next.t("count.camera", { count });
    expect([0, 1, 2, 3, 11, 100].map(say)).toEqual(["لا كاميرات", "كاميرا واحدة", "كاميرتان", "3 كاميرات", "11 كاميرا", "100 كاميرا"]);
  });

  it("counts in the chosen digits", () => {
    setFormats(makeFormats("ar", "arab", ZONE));
    expect(i18next.t("count.camera", { count: 5 })).toBe("٥ كاميرات");
  });
});

describe("what people type", () => {
  it("folds the letters that are written in two ways", () => {
    expect(plainText("الإدارة")).toBe(plainText("الاداره"));
    expect(plainText("مُسْتَشْفى")).toBe("مستشفي");
    expect(plainText("CAM-٠٠١٢")).toBe("cam-0012");
  });

  it("reads numbers of both kinds", () => {
    expect(readNumber("٣١٫٥")).toBe(31.5);
    expect(readNumber(" ")).toBeNull();
    expect(readNumber("31,5")).toBeUndefined();
  });
});
