// A table that is wider than a phone. On a phone each row is a card whose fields are named by the heads of their columns (styles/tables.css), so that
// nothing of it is out of sight; where there is little more room it scrolls by itself, with the arrow keys as well, and the page does not.
import { Table } from '@mantine/core';
import { type ReactNode, useLayoutEffect, useRef } from 'react';

interface WideTable {
  readonly label: string;
  /** In pixels. */
  readonly minWidth: number;
  readonly children: ReactNode;
}

export function WideTable({ label, minWidth, children }: WideTable) {
  const table = useRef<HTMLTableElement>(null);
  // After each drawing: lines come, and heads change with the language.
  useLayoutEffect(() => {
    if (table.current !== null) nameCells(table.current);
  });
  return (
    <Table.ScrollContainer
      className="wide-table"
      type="native"
      minWidth={minWidth}
      role="group"
      aria-label={label}
      tabIndex={0}
    >
      <Table ref={table}>{children}</Table>
    </Table.ScrollContainer>
  );
}

/** A column of what can be done has a head that is only heard: on a card its buttons speak for themselves. */
function nameCells(table: HTMLTableElement): void {
  const heads = [...(table.tHead?.rows[0]?.cells ?? [])].map((head) =>
    head.querySelector('.only-heard') === null ? (head.textContent ?? '') : '',
  );
  for (const body of table.tBodies) {
    for (const row of body.rows) for (const cell of row.cells) cell.dataset.head = heads[cell.cellIndex] ?? '';
  }
}
