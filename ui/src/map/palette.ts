/** The map's colours for night and day. MapLibre cannot read CSS variables, so they are said here; they follow `design/tokens.css`. */
import type { Theme } from "@/api/types";

export interface Palette {
  land: string;
  sea: string;
  water: string;
  border: string;
  urban: string;
  road: string;
  roadMain: string;
  area: string;
  text: string;
  textQuiet: string;
  halo: string;
  symbol: string;
  symbolEdge: string;
  cluster: string;
  clusterEdge: string;
  cone: string;
  selected: string;
  site: string;
  tints: readonly string[];
  /** By rank 0…4. */
  ranks: readonly string[];
}

export const PALETTES: Record<Theme, Palette> = {
  dark: {
    land: "#18202a",
    sea: "#0b1118",
    water: "#24465f",
    border: "#3a4856",
    urban: "#1f2933",
    road: "#2c3844",
    roadMain: "#4a5a6a",
    area: "#33414f",
    text: "#c3ced9",
    textQuiet: "#8593a2",
    halo: "#10161d",
    symbol: "#b9c5d1",
    symbolEdge: "#0e1217",
    cluster: "#3a4755",
    clusterEdge: "#66788a",
    cone: "#7db4e0",
    selected: "#9ccbf0",
    site: "#8593a2",
    tints: ["#5d92bd", "#62a094", "#9089b8", "#a3946b", "#7ba269", "#9b7f9b"],
    ranks: ["#b9c5d1", "#58c8da", "#f0d050", "#ffa24a", "#ff6259"],
  },
  light: {
    land: "#eef2f5",
    sea: "#cfdce6",
    water: "#b3cfe2",
    border: "#9aa9b8",
    urban: "#dde4ea",
    road: "#ffffff",
    roadMain: "#ffffff",
    area: "#b4c1cc",
    text: "#26333f",
    textQuiet: "#586878",
    halo: "#f7f9fb",
    symbol: "#42525f",
    symbolEdge: "#ffffff",
    cluster: "#ffffff",
    clusterEdge: "#7f90a0",
    cone: "#1c5f94",
    selected: "#14609c",
    site: "#6f7f8e",
    tints: ["#3f7eae", "#3b8477", "#6d68a0", "#94794a", "#5d8548", "#8a6179"],
    ranks: ["#42525f", "#00616f", "#735800", "#a34700", "#bf1620"],
  },
};
