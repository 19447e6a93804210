// Lists as Stripe gives them: newest first, a page at a time, continued behind (starting_after) or before (ending_before) an object.
import type Stripe from 'stripe';
import { invalid, noSuch } from './refusals.ts';

interface PageParams {
  readonly limit?: number;
  readonly starting_after?: string;
  readonly ending_before?: string;
}

const PAGE_SIZE = 10;
const PAGE_SIZE_MAX = 100;

/** url is laid over by whoever knows the path. */
export function page<T extends { id: string }>(
  thing: string,
  oldestFirst: Iterable<T>,
  params: PageParams,
  isWanted: (row: T) => boolean,
): Stripe.ApiList<T> {
  const size = pageSize(params.limit);
  const { starting_after: after, ending_before: before } = params;
  if (after !== undefined && before !== undefined) {
    throw invalid('You cannot parameterize by both starting_after and ending_before.');
  }
  const newestFirst = [...oldestFirst].reverse();
  // The cursor may have left the list since its page was read: its place is one among all.
  const from = after === undefined ? 0 : placeOf(thing, newestFirst, after, 'starting_after') + 1;
  const to = before === undefined ? newestFirst.length : placeOf(thing, newestFirst, before, 'ending_before');
  const rows = newestFirst.slice(from, to).filter(isWanted);
  const data = before === undefined ? rows.slice(0, size) : rows.slice(-size);
  return { object: 'list', data, has_more: rows.length > size, url: '' };
}

function pageSize(asked = PAGE_SIZE): number {
  if (asked >= 1 && asked <= PAGE_SIZE_MAX) return asked;
  const bound = asked < 1 ? 'greater than or equal to 1' : `less than or equal to ${PAGE_SIZE_MAX}`;
  const message = `This value must be ${bound} (it currently is '${asked}').`;
  throw invalid(message, { code: 'parameter_invalid_integer', param: 'limit' });
}

function placeOf<T extends { id: string }>(thing: string, rows: readonly T[], id: string, param: string): number {
  const at = rows.findIndex((row) => row.id === id);
  if (at === -1) throw noSuch(thing, id, param);
  return at;
}

export function createdWithin(
  range: number | Stripe.RangeQueryParam | undefined,
  { created }: { readonly created: number },
): boolean {
  if (range === undefined) return true;
  if (typeof range === 'number') return created === range;
  const { gt = -1, gte = 0, lt = Number.MAX_SAFE_INTEGER, lte = Number.MAX_SAFE_INTEGER } = range;
  return created > gt && created >= gte && created < lt && created <= lte;
}
