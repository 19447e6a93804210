// The demo provider's API for keys: list, create, delete, for whoever has an admin key. Strict as those of real providers: an unknown field, a missing name
// and a wrong credential are refused. Faults that were set for the admin key's prefix meet it, and `cut` loses the answer of what was done.

import type { IncomingMessage } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { AccountKey } from './account-keys.ts';
import { faultOf } from './faults.ts';
import type { Upstream } from './inference.ts';
import { objectOf } from './json-body.ts';
import { readBody } from './request-body.ts';

export const KEYS_PATH = '/admin/v1/api-keys';
const ADMIN_PREFIX = 'demo-admin-';

/** `isLost`: it was done, and nobody is told. */
export interface KeyAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly isLost: boolean;
}

export async function keyRoute(upstream: Upstream, path: string, request: IncomingMessage): Promise<KeyAnswer> {
  const adminKey = (request.headers.authorization ?? '').replace(/^bearer +/i, '');
  if (!adminKey.startsWith(ADMIN_PREFIX)) return answer(401, refusal('invalid_admin_key'));
  const bodyText = (await readBody(request)) ?? '';
  const fault = faultOf(
    { attemptId: 'admin.1', apiKey: adminKey, header: undefined, bodyText: '' },
    upstream.keyFaults,
  );
  await wait(fault.latencyMs);
  if (fault.status !== null) return answer(fault.status, refusal('demo_fault'));
  const done = followed(upstream, path, request, bodyText);
  return { ...done, isLost: fault.stop?.kind === 'cut' };
}

function followed({ accountKeys }: Upstream, path: string, request: IncomingMessage, bodyText: string): KeyAnswer {
  const query = new URL(request.url ?? '/', 'http://demo').searchParams;
  const id = path.slice(KEYS_PATH.length + 1);
  switch (`${request.method} ${id === '' ? 'all' : 'one'}`) {
    case 'GET all':
      return answer(200, { data: accountKeys.named(query.get('name')).map(listed) });
    case 'POST all': {
      const name = nameIn(bodyText);
      if (name === null) return answer(400, refusal('invalid_name'));
      const made = accountKeys.create(name);
      return answer(201, { ...listed(made), value: made.value });
    }
    case 'DELETE one':
      return accountKeys.remove(decodeURIComponent(id))
        ? answer(200, { id, deleted: true })
        : answer(404, refusal('no_such_key'));
    default:
      return answer(404, refusal('no_such_route'));
  }
}

/** Null: the body is not `{"name": "..."}` and nothing else. */
function nameIn(bodyText: string): string | null {
  try {
    const { name, ...unknown } = objectOf(JSON.parse(bodyText)) ?? {};
    const isName = typeof name === 'string' && name.length > 0 && name.length <= 200;
    return isName && Object.keys(unknown).length === 0 ? name : null;
  } catch {
    return null;
  }
}

/** The value is told once, to whoever creates it. */
function listed({ id, name, createdAt, value }: AccountKey) {
  return { id, name, created_at: createdAt, hint: `${value.slice(0, 12)}...${value.slice(-4)}` };
}

function answer(status: number, body: unknown): KeyAnswer {
  return { status, body, isLost: false };
}

function refusal(code: string) {
  return { error: { type: 'invalid_request_error', code, message: `the demo provider says ${code}` } };
}
