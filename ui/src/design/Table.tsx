/**
 * A list that stays fluid at 10,000 rows: only what is seen is drawn. Arrow keys move, Enter opens, headings sort.
 * Cells get the row alone; what changes often inside a row (status) reads the store by itself, so one change redraws one cell.
 */
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, memo, type PointerEvent, type ReactNode, useEffect, useMemo, useRef } from "react";
import { Icon } from ".";
import "./table.css";

export interface Column<Row> {
  id: string;
  head: ReactNode;
  /** A CSS grid track: "120px", "minmax(160px, 2fr)". */
  width: string;
  cell: (row: Row) => ReactNode;
  sortable?: boolean;
  end?: boolean;
}

export interface Sort {
  by: string;
  down: boolean;
}

interface Props<Row> {
  label: string;
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  keyOf: (row: Row) => string;
  selected?: string | null;
  onSelect?: (row: Row) => void;
  sort?: Sort;
  onSort?: (sort: Sort) => void;
  empty: ReactNode;
  rowHeight?: number;
  /** Called when the end of the list is near, to fetch more. */
  onEnd?: () => void;
}

const ROW = 40;

/** What a cell had to cut is read on hover. */
function tellWhole(event: PointerEvent) {
  const cell = (event.target as HTMLElement).closest<HTMLElement>(".cell");
  if (!cell || cell.querySelector("[title]")) return;
  const cut = [cell, ...cell.querySelectorAll<HTMLElement>("*")].some((part) => part.scrollWidth > part.clientWidth + 1 && part.clientWidth > 0);
  if (cut) cell.title = cell.textContent;
  else cell.removeAttribute("title");
}

function RowCells<Row>({ row, columns }: { row: Row; columns: readonly Column<Row>[] }) {
  return columns.map((column) => (
    <div key={column.id} role="gridcell" className={column.end ? "cell end" : "cell"}>
      {column.cell(row)}
    </div>
  ));
}
const Cells = memo(RowCells) as unknown as typeof RowCells;

export function Table<Row>({ label, rows, columns, keyOf, selected, onSelect, sort, onSort, empty, rowHeight = ROW, onEnd }: Props<Row>) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => rowHeight, overscan: 12 });
  const template = useMemo(() => columns.map((column) => column.width).join(" "), [columns]);
  // Head and rows share one least width, or a long cell would push its own row out of step.
  const least = useMemo(() => columns.reduce((sum, column) => sum + Number(/(\d+)px/.exec(column.width)?.[1] ?? 60), 16), [columns]);
  const at = selected == null ? -1 : rows.findIndex((row) => keyOf(row) === selected);
  const shown = useRef<string | null>(null);

  useEffect(() => {
    // Bring the chosen row into view when the choice came from elsewhere (an address, the search).
    if (selected && at >= 0 && shown.current !== selected) {
      shown.current = selected;
      virtual.scrollToIndex(at, { align: "auto" });
    }
  }, [selected, at, virtual]);

  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (onEnd && rows.length && last >= rows.length - 20) onEnd();
  }, [onEnd, last, rows.length]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (!onSelect || !rows.length) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? rowHeight * 10) / rowHeight) - 2);
    const steps: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: rows.length - 1 };
    const to = steps[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const index = Math.max(0, Math.min(rows.length - 1, to));
    const row = rows[index];
    if (row) {
      onSelect(row);
      virtual.scrollToIndex(index, { align: "auto" });
    }
  };

  return (
    <div className="table" role="grid" aria-label={label} aria-rowcount={rows.length + 1} tabIndex={0} onKeyDown={onKeyDown}>
      <div className="table-scroll" ref={scroller}>
        <div className="table-head" role="row" style={{ gridTemplateColumns: template, minInlineSize: least }}>
          {columns.map((column) => {
            const sorted = sort?.by === column.id;
            return (
              <div key={column.id} role="columnheader" className={column.end ? "cell end" : "cell"} aria-sort={sorted ? (sort.down ? "descending" : "ascending") : undefined}>
                {column.sortable && onSort ? (
                  <button type="button" className={sorted ? "sort sorted" : "sort"} onClick={() => onSort({ by: column.id, down: sorted ? !sort.down : false })}>
                    <span>{column.head}</span>
                    <Icon name={sorted && sort.down ? "down" : "up"} size={12} />
                  </button>
                ) : (
                  column.head
                )}
              </div>
            );
          })}
        </div>
        {rows.length === 0 ? (
          empty
        ) : (
          <div className="table-body" style={{ blockSize: virtual.getTotalSize() }}>
            {items.map((item) => {
              const row = rows[item.index];
              if (row === undefined) return null;
              const key = keyOf(row);
              return (
                <div
                  key={key}
                  role="row"
                  data-key={key}
                  aria-rowindex={item.index + 2}
                  aria-selected={onSelect ? key === selected : undefined}
                  className={key === selected ? "table-row selected" : onSelect ? "table-row can" : "table-row"}
                  style={{ gridTemplateColumns: template, minInlineSize: least, blockSize: rowHeight, transform: `translateY(${item.start}px)` }}
                  onPointerOver={tellWhole}
                  onClick={() => onSelect?.(row)}
                >
                  <Cells row={row} columns={columns} />
                </div>
              );
            })}
          </div>
        )}
      </div>
    </div>
  );
}
