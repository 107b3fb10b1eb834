import { describe, expect, it } from "vitest";
import ar from "@/locales/ar/fields.json";
import { faultKey } from "./faultWords";

describe("the server's faults in the reader's words", () => {
  it.each([
    ["is required for a battery: the forecast stands on it", "power_needed", { kind: "battery" }],
    ["the switch has 8 ports", "ports_only", { ports: "8" }],
    ["battery: there is no such power_source", "part_lost", { part: "battery", noun: "power_source" }],
    ["there is no switch with this code", "no_code", { noun: "switch" }],
    ["stands already in row 12", "row_twice", { row: "12" }],
    ["is required for snmp", "required", {}],
  ])("%s", (message, key, values) => {
    expect(faultKey(message)).toEqual({ key, values });
    expect(key in ar).toBe(true);
  });
  it("leaves what it does not know", () => expect(faultKey("is somehow odd")).toBeNull());
});
