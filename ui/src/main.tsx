/** Starts the control room: words, looks, then the app. */
import "@fontsource/ibm-plex-sans/latin-400.css";
import "@fontsource/ibm-plex-sans/latin-500.css";
import "@fontsource/ibm-plex-sans/latin-600.css";
import "@fontsource/ibm-plex-sans-arabic/arabic-400.css";
import "@fontsource/ibm-plex-sans-arabic/arabic-500.css";
import "@fontsource/ibm-plex-sans-arabic/arabic-600.css";
import "@fontsource/ibm-plex-mono/latin-400.css";
import "@fontsource/ibm-plex-mono/latin-500.css";
import "./design/tokens.css";
import "./design/base.css";
import "./design/controls.css";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { startWords } from "./i18n";
import { storedPreferences } from "./state/session";

await startWords(storedPreferences().language);
const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
createRoot(root).render(<App />);
