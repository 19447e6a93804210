// Lists come in pages. The cursor names the last row of a page, so rows that are added meanwhile are neither skipped nor
// shown twice; it is opaque, and good for the list that gave it only.
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';

export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(400).optional().meta({ description: 'nextCursor of the page before' }),
};

export function pageOf<S extends z.ZodType>(item: S) {
  return z.object({ data: z.array(item).readonly(), nextCursor: z.string().nullable() });
}

interface PageRequest {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

interface List<Named> {
  readonly name: string;
  /** What a cursor of this list holds, so that a forged one is refused before PostgreSQL sees it. */
  readonly position: z.ZodType<string>;
  positionOf(row: Named): string;
}

export async function onePage<Named, Row extends Named>(
  list: List<Named>,
  { limit, cursor }: PageRequest,
  fetch: (after: string | null, pageSize: number) => Promise<Row[]>,
): Promise<{ readonly data: Row[]; readonly nextCursor: string | null }> {
  const rows = await fetch(cursor === undefined ? null : positionIn(list, cursor), limit + 1);
  const data = rows.slice(0, limit);
  const last = data.at(-1);
  const nextCursor = rows.length > limit && last !== undefined ? written(list.name, list.positionOf(last)) : null;
  return { data, nextCursor };
}

function written(listName: string, position: string): string {
  return Buffer.from(`${listName}:${position}`).toString('base64url');
}

function positionIn<Named>(list: List<Named>, cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString();
  const position = list.position.safeParse(text.slice(list.name.length + 1));
  if (text.startsWith(`${list.name}:`) && position.success) return position.data;
  throw new TollgateError('invalid_value', {
    message: 'This cursor is not one of this list. Take nextCursor of the page before, or leave cursor out to begin.',
    param: 'cursor',
  });
}
