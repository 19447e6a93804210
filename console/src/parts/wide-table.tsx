// A table that is wider than a phone: it scrolls by itself, with the arrow keys as well, and the page does not.
import { Table } from '@mantine/core';
import type { ReactNode } from 'react';

interface WideTable {
  readonly label: string;
  /** In pixels. */
  readonly minWidth: number;
  readonly children: ReactNode;
}

export function WideTable({ label, minWidth, children }: WideTable) {
  return (
    <Table.ScrollContainer
      className="wide-table"
      type="native"
      minWidth={minWidth}
      role="group"
      aria-label={label}
      tabIndex={0}
    >
      <Table>{children}</Table>
    </Table.ScrollContainer>
  );
}
