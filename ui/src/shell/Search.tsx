/** `/` from anywhere: type a piece of a code or name, Enter goes there. Cameras and sites, this person's only. */
import { useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { useNavigate } from "react-router";
import { useTranslation } from "react-i18next";
import type { Camera, Site } from "@/api/types";
import { Icon, StateMark } from "@/design";
import { plainText } from "@/i18n/search";
import { judgeCamera } from "@/state/camera_state";
import { useCameras, useSites } from "@/state/hooks";
import { useName } from "@/state/preferences";
import { useMay } from "@/state/session";
import { world } from "@/state/world";

type Hit = { kind: "camera"; thing: Camera } | { kind: "site"; thing: Site };
const SHOWN = 9;

/** Typing into a field must stay typing. */
function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

export function Search() {
  const { t } = useTranslation();
  const name = useName();
  const may = useMay();
  const navigate = useNavigate();
  const cameras = useCameras();
  const sites = useSites();
  const [text, setText] = useState("");
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  const wanted = useDeferredValue(plainText(text.trim()));

  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping(event.target)) {
        event.preventDefault();
        input.current?.focus();
        input.current?.select();
      }
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);

  const hits = useMemo<Hit[]>(() => {
    if (!wanted) return [];
    const scored: { hit: Hit; score: number }[] = [];
    const look = (hit: Hit) => {
      const code = hit.thing.code.toLowerCase();
      const score = code === wanted ? 0 : code.startsWith(wanted) ? 1 : code.includes(wanted) ? 2 : plainText(`${hit.thing.name_ar} ${hit.thing.name_en}`).includes(wanted) ? 3 : -1;
      if (score >= 0) scored.push({ hit, score });
    };
    for (const thing of cameras) look({ kind: "camera", thing });
    for (const thing of sites) look({ kind: "site", thing });
    return scored
      .sort((a, b) => a.score - b.score)
      .slice(0, SHOWN)
      .map(({ hit }) => hit);
  }, [wanted, cameras, sites]);

  const go = (hit: Hit | undefined) => {
    if (!hit) return;
    void navigate(hit.kind === "camera" ? (may.watch ? `/camera/${hit.thing.id}` : `/cameras/${hit.thing.id}`) : `/site/${hit.thing.id}`);
    setOpen(false);
    setText("");
    input.current?.blur();
  };

  return (
    <div className="search" role="search">
      <Icon name="search" size={16} />
      <input
        ref={input}
        className="search-input"
        type="text"
        role="combobox"
        aria-expanded={open && Boolean(wanted)}
        aria-controls="search-hits"
        aria-activedescendant={hits[at] ? `hit-${hits[at].thing.id}` : undefined}
        aria-label={t("shell:search")}
        placeholder={t("shell:search")}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => window.setTimeout(() => setOpen(false), 120)}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown") setAt((i) => Math.min(i + 1, hits.length - 1));
          else if (event.key === "ArrowUp") setAt((i) => Math.max(i - 1, 0));
          else if (event.key === "Enter") go(hits[at]);
          else if (event.key === "Escape") {
            setText("");
            input.current?.blur();
          } else return;
          event.preventDefault();
        }}
      />
      <kbd className="kbd">/</kbd>
      {open && wanted && (
        <ul id="search-hits" className="popover search-hits" role="listbox">
          {hits.map((hit, index) => (
            <li
              key={hit.thing.id}
              id={`hit-${hit.thing.id}`}
              role="option"
              aria-selected={index === at}
              className="option"
              data-focused={index === at || undefined}
              onPointerEnter={() => setAt(index)}
              onPointerDown={(event) => {
                event.preventDefault();
                go(hit);
              }}
            >
              {hit.kind === "camera" ? (
                <StateMark {...judgeCamera(hit.thing, world.statuses.get(hit.thing.id))} size={16} />
              ) : (
                <Icon name="site" size={16} />
              )}
              <bdi className="code">{hit.thing.code}</bdi>
              <span className="hit-name">{name(hit.thing)}</span>
              <span className="end">{t(hit.kind === "camera" ? "camera" : "site")}</span>
            </li>
          ))}
          {!hits.length && <li className="option-heading">{t("shell:nothing_found", { text })}</li>}
        </ul>
      )}
    </div>
  );
}
