/** A list screen: heading, tools, list, and beside it what was chosen. The side's width is kept in this browser. */
import { type PointerEvent, type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { IconButton } from ".";
import "./page.css";

const KEY = "manara.side";
const LEAST = 340;
const MOST = 760;

function kept(): number {
  const value = Number(localStorage.getItem(KEY));
  return value >= LEAST && value <= MOST ? value : 440;
}

export function Page({ title, count, tools, actions, children, side }: { title: ReactNode; count?: ReactNode; tools?: ReactNode; actions?: ReactNode; children: ReactNode; side?: ReactNode }) {
  const { t } = useTranslation();
  const [width, setWidth] = useState(kept);
  const clamp = (value: number) => Math.max(LEAST, Math.min(MOST, value));
  const drag = (event: PointerEvent<HTMLDivElement>) => {
    const start = event.clientX;
    const from = width;
    const sign = document.documentElement.dir === "rtl" ? 1 : -1;
    const handle = event.currentTarget;
    handle.setPointerCapture(event.pointerId);
    let now = from;
    const move = (e: globalThis.PointerEvent) => setWidth((now = clamp(from + sign * (e.clientX - start))));
    const up = () => {
      handle.removeEventListener("pointermove", move);
      handle.removeEventListener("pointerup", up);
      localStorage.setItem(KEY, String(now));
    };
    handle.addEventListener("pointermove", move);
    handle.addEventListener("pointerup", up);
  };
  return (
    <div className="page">
      <section className="page-main">
        <header className="page-head">
          <h1>{title}</h1>
          {count !== undefined && <span className="page-count">{count}</span>}
          <span className="page-gap" />
          {actions}
        </header>
        {tools && <div className="page-tools">{tools}</div>}
        {children}
      </section>
      {side && (
        <>
          <div
            className="page-handle"
            role="separator"
            aria-orientation="vertical"
            aria-label={t("resize")}
            aria-valuenow={width}
            tabIndex={0}
            onPointerDown={drag}
            onKeyDown={(event) => {
              const sign = document.documentElement.dir === "rtl" ? 1 : -1;
              const step = event.key === "ArrowRight" ? 20 * sign : event.key === "ArrowLeft" ? -20 * sign : 0;
              if (step) setWidth((old) => clamp(old + step));
            }}
          />
          <aside className="page-side" style={{ inlineSize: width }}>
            {side}
          </aside>
        </>
      )}
    </div>
  );
}

/** The side panel's own frame. */
export function Side({ title, subtitle, onClose, actions, children, foot }: { title: ReactNode; subtitle?: ReactNode; onClose: () => void; actions?: ReactNode; children: ReactNode; foot?: ReactNode }) {
  const { t } = useTranslation();
  return (
    <>
      <header className="side-head">
        <div>
          <h2>{title}</h2>
          {subtitle && <p>{subtitle}</p>}
        </div>
        {actions}
        <IconButton icon="close" label={t("close")} onPress={onClose} />
      </header>
      <div className="side-body">{children}</div>
      {foot && <footer className="side-foot">{foot}</footer>}
    </>
  );
}

/** Names and values, one a line. */
export function Facts({ items }: { items: readonly (readonly [ReactNode, ReactNode] | null | false)[] }) {
  return (
    <dl className="facts">
      {items.map(
        (item, index) =>
          item && (
            <div key={index}>
              <dt>{item[0]}</dt>
              <dd>{item[1]}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

export function Group({ title, children }: { title: ReactNode; children: ReactNode }) {
  return (
    <section className="group">
      <h3>{title}</h3>
      {children}
    </section>
  );
}
