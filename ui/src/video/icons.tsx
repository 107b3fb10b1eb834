/** Small line icons of the video screens, drawn in the text's colour. Video controls are not mirrored in Arabic. */
import type { ReactNode } from "react";

const PATHS = {
  play: <path d="M7 4.5v15l12-7.5z" fill="currentColor" stroke="none" />,
  pause: <path d="M7 5h3.5v14H7zM13.5 5H17v14h-3.5z" fill="currentColor" stroke="none" />,
  stepBack: <path d="M17 5.5v13L8 12zM6 5.5v13" />,
  stepOn: <path d="M7 5.5v13l9-6.5zM18 5.5v13" />,
  back10: (
    <>
      <path d="M5 12a7.5 7.5 0 1 0 2.6-5.7" />
      <path d="M8.5 2.5 7.2 6.6l4.1 1" />
    </>
  ),
  on10: (
    <>
      <path d="M19 12a7.5 7.5 0 1 1-2.6-5.7" />
      <path d="m15.5 2.5 1.3 4.1-4.1 1" />
    </>
  ),
  live: (
    <>
      <circle cx="12" cy="12" r="3" fill="currentColor" stroke="none" />
      <path d="M6.3 6.3a8 8 0 0 0 0 11.4M17.7 6.3a8 8 0 0 1 0 11.4" />
    </>
  ),
  snapshot: (
    <>
      <path d="M4 8h3.5l1.5-2.5h6L16.5 8H20v11H4z" />
      <circle cx="12" cy="13" r="3.3" />
    </>
  ),
  lock: (
    <>
      <rect x="5" y="10.5" width="14" height="9.5" rx="1.5" />
      <path d="M8 10.5V8a4 4 0 0 1 8 0v2.5" />
    </>
  ),
  export: <path d="M12 4v11m0 0-4-4m4 4 4-4M5 19.5h14" />,
  camera: (
    <>
      <rect x="3.5" y="7" width="12" height="10" rx="1.5" />
      <path d="m15.5 11 5-3v8l-5-3" />
    </>
  ),
  ptz: (
    <>
      <circle cx="12" cy="12" r="2.5" />
      <path d="M12 3v4m0 10v4M3 12h4m10 0h4M10 5l2-2 2 2M10 19l2 2 2-2M5 10l-2 2 2 2M19 10l2 2-2 2" />
    </>
  ),
  grid: <path d="M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z" />,
  full: <path d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5" />,
  window: (
    <>
      <path d="M19 13v6.5H4.5V5H11" />
      <path d="M14.5 4H20v5.5M20 4l-8.5 8.5" />
    </>
  ),
  close: <path d="m6 6 12 12M18 6 6 18" />,
  search: (
    <>
      <circle cx="10.5" cy="10.5" r="6" />
      <path d="m15 15 5 5" />
    </>
  ),
  warn: (
    <>
      <path d="M12 4 2.8 20h18.4z" />
      <path d="M12 10v4.5M12 17v.5" />
    </>
  ),
  plus: <path d="M12 5v14M5 12h14" />,
  minus: <path d="M5 12h14" />,
  home: <path d="M4 11.5 12 4.5l8 7M6.5 10v9.5h11V10" />,
  save: <path d="M5 4.5h11l3 3v12H5zM8 4.5v5h7v-5M8 19.5v-6h8v6" />,
  cycle: <path d="M5 9a7.5 7.5 0 0 1 13-2l1.5 1.5M19.5 4v4.5H15M19 15a7.5 7.5 0 0 1-13 2l-1.5-1.5M4.5 20v-4.5H9" />,
  fit: <path d="M4 8V4h4M20 8V4h-4M4 16v4h4M20 16v4h-4M9 12h6M12 9v6" />,
  list: <path d="M8.5 6.5H20M8.5 12H20M8.5 17.5H20M4 6.5h.5M4 12h.5M4 17.5h.5" />,
  layers: <path d="m12 4 8.5 4.5L12 13 3.5 8.5zM4 12.5l8 4.3 8-4.3M4 16.2l8 4.3 8-4.3" />,
  calendar: (
    <>
      <rect x="4" y="5.5" width="16" height="14.5" rx="1.5" />
      <path d="M4 10h16M8.5 3.5v4M15.5 3.5v4" />
    </>
  ),
  check: <path d="m5 12.5 4.5 4.5L19 7.5" />,
  trash: <path d="M5 7h14M9.5 7V4.5h5V7M7 7l1 13h8l1-13" />,
  map: <path d="m9 4.5-5 2v13l5-2 6 2 5-2v-13l-5 2zM9 4.5v13M15 6.5v13" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg
      className="icon"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.7}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {PATHS[name]}
    </svg>
  );
}
