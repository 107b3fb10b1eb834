/** Our own small set of line icons (24 px grid, stroke). `mirror` is for those that point along the reading direction. */
const PATHS = {
  map: "M9 4 3 6v14l6-2 6 2 6-2V4l-6 2-6-2ZM9 4v14M15 6v14",
  wall: "M3 4h18v16H3zM3 12h18M9 4v16M15 4v16",
  playback: "M12 8v4.5l3 1.8M4.5 12a7.5 7.5 0 1 0 2.3-5.4L4.5 9M4.5 4.5V9H9",
  camera: "M3 8.5 16 5l1.6 5.6-13 3.6zM6.5 13.6V19H3M17 9l3.4-.9.9 3.2-3.4.9",
  site: "M12 21V9M9 21h6M12 9a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM5 9.5a8 8 0 0 1 0-7M19 9.5a8 8 0 0 0 0-7",
  sector: "M4 6.5 10 4l5 3 5-2v12.5L14 20l-5-3-5 2zM10 4l-1 13M15 7l-1 13",
  people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 20c.4-3.6 3-6 6.5-6s6.100 2.400 6.500 6M16 4.500a3.500 3.500 0 0 1 0 6.500M18 14.500c2 .8 3.200 2.800 3.500 5.500",
  audit: "M6 3h9l4 4v14H6zM14 3v5h5M9 12h7M9 16h7",
  exports: "M12 3v12M7.500 10.500 12 15l4.500-4.500M4 17v4h16v-4",
  system: "M4 5h16v6H4zM4 13h16v6H4zM7.500 8h.01M7.500 16h.01M11 8h6M11 16h6",
  search: "M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13ZM15.500 15.500 21 21",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4 21c.6-4 3.800-6.500 8-6.500s7.400 2.500 8 6.500",
  signout: "M14 4H5v16h9M10 12h11M17.500 8.500 21 12l-3.500 3.500",
  sun: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM12 2.500v2M12 19.500v2M2.500 12h2M19.500 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M5.300 18.700l1.400-1.400M17.300 6.700l1.400-1.400",
  moon: "M20 14.500A8.500 8.500 0 1 1 9.500 4a7 7 0 0 0 10.500 10.500Z",
  close: "M6 6l12 12M18 6 6 18",
  plus: "M12 5v14M5 12h14",
  chevron: "M9 5.500 15.500 12 9 18.500",
  down: "M6 9.500 12 15.500l6-6",
  up: "M6 14.500 12 8.500l6 6",
  check: "M5 12.500 10 17.500 19.500 7",
  edit: "M4 20h4L19.500 8.500l-4-4L4 16zM13 7l4 4",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v6M14 11v6",
  upload: "M12 16V4M7.500 8.500 12 4l4.500 4.500M4 16v4h16v-4",
  download: "M12 4v12M7.500 11.500 12 16l4.500-4.500M4 16v4h16v-4",
  refresh: "M20 11a8 8 0 0 0-14.500-3.500L3.500 10M3.500 5v5h5M4 13a8 8 0 0 0 14.500 3.500l2-2.500M20.500 19v-5h-5",
  shield: "M12 3 5 6v6c0 4.500 3 7.600 7 9 4-1.400 7-4.500 7-9V6z",
  key: "M14.500 13a4.500 4.500 0 1 0-4.200-3L3.500 17v3.500H7V18h2.500v-2.500L11.600 13.400c.9.4 1.900-.4 2.900-.4ZM16 8.500h.01",
  eye: "M2.500 12C4.500 8 8 5.500 12 5.500s7.500 2.500 9.500 6.500c-2 4-5.500 6.500-9.500 6.500S4.500 16 2.500 12ZM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6Z",
  copy: "M8 8h12v12H8zM16 8V4H4v12h4",
  filter: "M3.500 5h17L14 13v6l-4 2v-8z",
  radar: "M12 12 18 6M12 21a9 9 0 1 1 9-9M12 17a5 5 0 1 1 5-5",
  file: "M6 3h8l5 5v13H6zM13.500 3v5.500H19",
  lock: "M6 11h12v10H6zM8.500 11V7.500a3.500 3.500 0 0 1 7 0V11",
  more: "M5.500 12h.01M12 12h.01M18.500 12h.01",
  ptz: "M12 3v5M12 16v5M3 12h5M16 12h5M12 14.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5ZM10 5l2-2 2 2M10 19l2 2 2-2M5 10l-2 2 2 2M19 10l2 2-2 2",
  fullscreen: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 7v5.500l3.500 2",
  warning: "M12 4 2.500 20h19zM12 10v5M12 17.500h.01",
  play: "M7 4.500v15l12-7.500z",
  link: "M10 14a4.500 4.500 0 0 0 6.400 0l3-3A4.500 4.500 0 0 0 13 4.600l-1 1M14 10a4.500 4.500 0 0 0-6.400 0l-3 3a4.500 4.500 0 0 0 6.400 6.400l1-1",
  building: "M5 21V4h10v17M15 9h4v12M3 21h18M8.500 8h3M8.500 12h3M8.500 16h3",
  globe: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM3 12h18M12 3c2.500 2.600 3.800 5.600 3.800 9s-1.300 6.400-3.800 9c-2.500-2.600-3.800-5.600-3.800-9S9.500 5.600 12 3Z",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18, mirror = false }: { name: IconName; size?: number; mirror?: boolean }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={name === "more" ? 3 : 1.7}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      className={mirror ? "icon mirror" : "icon"}
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
