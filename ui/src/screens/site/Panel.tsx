/** A part of the page: a heading, what stands beside it, and the content. */
import type { ReactNode } from "react";
import "@/design/page.css";

export function Panel({ title, aside, children }: { title: ReactNode; aside?: ReactNode; children: ReactNode }) {
  return (
    <section className="panel st-panel">
      <header>
        <h2>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}
