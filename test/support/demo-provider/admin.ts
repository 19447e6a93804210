// What a test, the oracle and the importer ask of the demo provider itself: the meter, the usage export, and faults by key.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Upstream } from './inference.ts';
import { objectOf, textOf } from './json-body.ts';
import { KEYS_PATH, keyRoute } from './key-routes.ts';
import { meterReport, usageExport } from './meter-reports.ts';
import { readBody } from './request-body.ts';

interface AdminAnswer {
  readonly status: number;
  readonly body: unknown;
}

type AdminRoute = (upstream: Upstream, request: IncomingMessage) => Promise<AdminAnswer>;

const ROUTES = new Map<string, AdminRoute>([
  ['GET /livez', async () => ok({ status: 'ok' })],
  ['GET /meter', async ({ meter }) => ok(await meterReport(meter))],
  ['GET /usage-export', exportPage],
  ['POST /_demo/faults', setKeyFault],
  ['POST /_demo/withdrawals', withdrawKey],
]);

// Where the fault `redirect` points: whoever gets this answer has followed it, which a gateway must not.
const REDIRECTED = '/_demo/redirected';

export function isAdminPath(path: string): boolean {
  return !path.startsWith('/v1/');
}

export async function admin(
  upstream: Upstream,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (path === KEYS_PATH || path.startsWith(`${KEYS_PATH}/`)) {
    const { status, body, isLost } = await keyRoute(upstream, path, request);
    if (isLost) response.destroy();
    else response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    return;
  }
  const route = ROUTES.get(`${request.method} ${path}`) ?? (path === REDIRECTED ? redirected : notFound);
  const { status, body } = await route(upstream, request);
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

const PAGE_SIZE_MAX = 1_000;

async function exportPage({ meter }: Upstream, request: IncomingMessage): Promise<AdminAnswer> {
  const query = new URL(request.url ?? '/', 'http://demo').searchParams;
  const after = query.get('after') ?? '0';
  const pageSize = query.get('limit') ?? String(PAGE_SIZE_MAX);
  if (!/^\d{0,15}$/.test(after)) return refused(`after=${after} is no cursor of this export`);
  if (!/^[1-9]\d{0,3}$/.test(pageSize) || Number(pageSize) > PAGE_SIZE_MAX) {
    return refused(`limit=${pageSize}: a number from 1 to ${PAGE_SIZE_MAX} is needed`);
  }
  const page = await usageExport(meter, Number(after), Number(pageSize));
  return page === null ? refused(`after=${after} is no cursor of this export: was the meter file replaced?`) : ok(page);
}

async function setKeyFault({ keyFaults }: Upstream, request: IncomingMessage): Promise<AdminAnswer> {
  try {
    const order = objectOf(JSON.parse((await readBody(request)) ?? ''));
    const keyPrefix = textOf(order?.keyPrefix);
    const spec = order?.spec;
    if (!keyPrefix.startsWith('demo-')) return refused('keyPrefix must begin with demo-');
    if (spec !== null && typeof spec !== 'string') return refused('spec must be a text, or null to clear it');
    keyFaults.set(keyPrefix, spec);
    return ok({ keyPrefix, spec });
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError) return refused(error.message);
    throw error;
  }
}

/** As by hand on a provider's page: a key that no API has issued. */
async function withdrawKey({ accountKeys }: Upstream, request: IncomingMessage): Promise<AdminAnswer> {
  const value = textOf(objectOf(JSON.parse((await readBody(request)) ?? ''))?.key);
  if (!value.startsWith('demo-')) return refused('key must begin with demo-');
  accountKeys.withdraw(value);
  return ok({ withdrawn: true });
}

async function redirected(): Promise<AdminAnswer> {
  return ok({ followed: true });
}

async function notFound(_upstream: Upstream, request: IncomingMessage): Promise<AdminAnswer> {
  return { status: 404, body: { error: `the demo provider has no ${request.method} ${request.url}` } };
}

function ok(body: unknown): AdminAnswer {
  return { status: 200, body };
}

function refused(error: string): AdminAnswer {
  return { status: 400, body: { error } };
}
