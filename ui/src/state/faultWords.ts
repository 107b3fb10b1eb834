/**
 * The server's words for faults of power, links and telemetry, each with the key of the reader's own. Pure; `useFieldWords` asks here
 * last. What stands in brackets is carried over: numbers, codes, names.
 */
const FAULTS: readonly (readonly [RegExp, string, ...string[]])[] = [
  [/^is required for a (battery|solar): the forecast stands on it$/, "power_needed", "kind"],
  [/^is only for a (battery|solar)$/, "power_only", "kind"],
  [/^is only for fibre$/, "only_fibre"],
  [/^is the same site at both ends$/, "same_site"],
  [/^needs a switch$/, "needs_switch"],
  [/^stands at another site$/, "switch_elsewhere"],
  [/^the switch has (\d+) ports$/, "ports_only", "ports"],
  [/^is taken by (.+)$/, "taken_by", "by"],
  [/^port (\d+) is in use$/, "port_used", "port"],
  [/^cannot change while links end at this switch$/, "switch_linked"],
  [/^is already taken$/, "taken"],
  [/^the site has one already$/, "has_one"],
  [/^stays empty: the device calls us$/, "address_push"],
  [/^is required for (\w+)$/, "required"],
  [/^must not carry a password.*$/, "no_password_here"],
  [/^has no usable host$/, "no_host"],
  [/^is not an address$/, "no_host"],
  [/^must name a topic, without wildcards$/, "topic"],
  [/^must be a host without port$/, "host_only"],
  [/^must be a host, or host:port$/, "host_port"],
  [/^must be a host, or host:port \(modbus.*$/, "host_modbus"],
  [/^enter them again: the address has changed$/, "credentials_again"],
  [/^cannot be used \((.*)\); known are .*$/, "credentials_bad", "what"],
  [/^must be a date such as (\S+)$/, "date", "example"],
  [/^may have only letters, digits, _ \. and -$/, "token"],
  [/^has a part that is not a name: (.+)$/, "part_name", "part"],
  [/^(.+): there is no such (\w+)$/, "part_lost", "part", "noun"],
  [/^(.+): must be .*a colon and which one$/, "part_form", "part"],
  [/^must be name=value, each name once, with ; between$/, "pairs"],
  [/^there is no such (?:power_source|switch|link|camera|cabinet|site)$/, "nowhere"],
  [/^there is no (switch|link|camera|site) with this code$/, "no_code", "noun"],
  [/^is not a column that is known here$/, "unknown"],
  [/^says the same as another column \((.+)\)$/, "column_twice", "column"],
  [/^has no column in this file$/, "no_column"],
  [/^stands already in row (\d+)$/, "row_twice", "row"],
  [/^belongs to a sector that is not yours$/, "not_yours"],
  [/^would lie outside your sectors$/, "not_yours"],
  [/^needs hours left or a state of charge below which it begins$/, "step_mark"],
  [/^is higher than of the step before$/, "step_order"],
  [/^goes with keep_priority, and only with it$/, "step_priority"],
];

/** The key in `fields.json` and what it carries; null for words that are not known here. */
export function faultKey(plain: string): { key: string; values: Record<string, string> } | null {
  for (const [pattern, key, ...names] of FAULTS) {
    const match = pattern.exec(plain);
    if (match) return { key, values: Object.fromEntries(names.map((name, index) => [name, match[index + 1] ?? ""])) };
  }
  return null;
}
