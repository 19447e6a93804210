// expand[]: the object in the place of its id, along paths such as latest_charge.balance_transaction or data.payment_method.

import type { Store } from '../state/store.ts';
import type { Kind } from '../state/tables.ts';
import { invalid } from './refusals.ts';

const EXPANDABLE: Readonly<Record<string, Kind>> = {
  balance_transaction: 'balance_transaction',
  charge: 'charge',
  customer: 'customer',
  default_payment_method: 'payment_method',
  latest_charge: 'charge',
  payment_intent: 'payment_intent',
  payment_method: 'payment_method',
  setup_intent: 'setup_intent',
};
const DEPTH_MAX = 4;

type Members = Readonly<Record<string, unknown>>;

/** Lists that are shown only to whoever asks for them. */
const INCLUDABLE: Readonly<Record<string, string>> = {
  'tax.calculation': 'line_items',
  'tax.transaction': 'line_items',
};

export function expanded(store: Store, body: object, paths: readonly string[]): object {
  const hidden = INCLUDABLE[String((body as Members).object)];
  if (hidden !== undefined) {
    const { [hidden]: list, ...rest } = body as Members;
    return paths.includes(hidden) ? { ...rest, [hidden]: list } : rest;
  }
  return paths.reduce((whole, path) => {
    const names = path.split('.');
    if (names.length > DEPTH_MAX)
      throw invalid(`You cannot expand more than ${DEPTH_MAX} levels of a property. Property: ${path}`);
    return along(store, whole, names, path);
  }, body);
}

function along(store: Store, body: object, [name = '', ...rest]: readonly string[], path: string): object {
  const members: Members = { ...body };
  const value = members[name];
  if (name === 'data' && Array.isArray(value)) {
    return { ...members, data: value.map((item: object) => along(store, item, rest, path)) };
  }
  if (value === null) return body;
  if (typeof value === 'object') return { ...members, [name]: along(store, value, rest, path) };
  const kind = Object.hasOwn(EXPANDABLE, name) ? EXPANDABLE[name] : undefined;
  if (kind === undefined || typeof value !== 'string')
    throw invalid(`This property cannot be expanded (${path}).`, { param: 'expand' });
  const found = store.get(kind, value) ?? store.get('deleted_customer', value);
  if (found === undefined) return body;
  return { ...members, [name]: rest.length === 0 ? found : along(store, found, rest, path) };
}
