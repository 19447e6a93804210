// What somebody did several times in a row is one line of the audit log that is shown; its export has each.
interface Deed {
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly targetId: string;
  readonly reason: string | null;
  readonly clientAddress: string | null;
}

interface Folded<D extends Deed> {
  /** The newest. */
  readonly deed: D;
  readonly times: number;
  /** When the oldest was done. */
  readonly since: string;
}

const SAME = ['actor', 'action', 'targetId', 'reason', 'clientAddress'] as const satisfies readonly (keyof Deed)[];

/** Newest first, as it was. What differs in anything that a line shows, or has something else between, stays by itself. */
export function folded<D extends Deed>(deeds: readonly D[]): Folded<D>[] {
  const lines: Folded<D>[] = [];
  for (const deed of deeds) {
    const last = lines.at(-1);
    if (last !== undefined && SAME.every((field) => last.deed[field] === deed[field])) {
      lines[lines.length - 1] = { deed: last.deed, times: last.times + 1, since: deed.at };
    } else lines.push({ deed, times: 1, since: deed.at });
  }
  return lines;
}
