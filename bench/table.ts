// How figures are printed: each beside what it is compared with and the bar that it is held against. A bar that is missed is printed as missed.
export interface Line {
  readonly name: string;
  readonly value: number;
  /** The same figure of something else; null: there is none. */
  readonly beside: number | null;
  readonly bar: { readonly text: string; readonly met: boolean } | null;
}

/** `beside`: what the other figures are of; null: no line has one. */
export function printed(lines: readonly Line[], beside: string | null): string {
  const cells = [
    ['figure', 'value', beside ?? '', 'bar', ''],
    ...lines.map(({ name, value, beside: other, bar }) => [
      name,
      String(value),
      other === null ? '' : String(other),
      bar?.text ?? '',
      bar === null ? '' : bar.met ? 'met' : 'MISSED',
    ]),
  ].map((row) => (beside === null ? row.toSpliced(2, 1) : row));
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  // The last column, the verdict, is as wide as it is.
  const padded = (cell: string, column: number) =>
    column === 0
      ? cell.padEnd(widths[0] ?? 0)
      : cell.padStart(column === widths.length - 1 ? 0 : (widths[column] ?? 0));
  return cells.map((row) => row.map(padded).join('  ').trimEnd()).join('\n');
}

export function atMost(value: number, bar: number, remark = ''): Line['bar'] {
  return { text: `<= ${bar}${remark}`, met: value <= bar };
}

export function atLeast(value: number, bar: number, remark = ''): Line['bar'] {
  return { text: `>= ${bar}${remark}`, met: value >= bar };
}
