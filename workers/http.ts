// What a worker answers on its port: is it alive, does it take work, its metrics, the runbook, and what Temporal keeps encrypted,
// decoded for those who may read it (temporal.md 5). There is no way to have anything encrypted: whoever could, could make a
// workflow believe what he likes.
import express, { type Express, type Request, type RequestHandler, type Response } from 'express';
import type { Registry } from 'prom-client';
import { z } from 'zod';
import type { Log } from '../services/platform/log.ts';
import { keyIdOf, type Payload, type PayloadCodec } from '../services/vault/payload-codec.ts';
import type { CodecAccess } from './codec-access.ts';
import { SIGNED_IN, signInPage } from './codec-page.ts';

export interface WorkerFace {
  readonly work: { readonly isTemporalUp: boolean; readonly isWorking: boolean };
  readonly registry: Registry;
  readonly codec: PayloadCodec;
  readonly access: CodecAccess;
  readonly uiOrigin: string | null;
  runbook(): string;
  readonly log: Log;
}

/** A page of the UI's history at most; Temporal itself refuses a message above 4 MB. */
const LARGEST_BODY = '16mb';
const LONGEST_NAME = 100;

const SignIn = z.object({ name: z.string().trim().min(1).max(LONGEST_NAME), adminToken: z.string() });
const Base64 = z.string().transform((text) => Buffer.from(text, 'base64'));
const Payloads = z.object({
  payloads: z.array(z.object({ metadata: z.record(z.string(), Base64).optional(), data: Base64.optional() })),
});

export function createWorkerApp(face: WorkerFace): Express {
  const app = express().disable('x-powered-by').set('etag', false);
  app.get('/livez', (_req, res) => void res.type('text').send('ok\n'));
  app.get('/readyz', (_req, res) => {
    const { isTemporalUp, isWorking } = face.work;
    const missing = [...(isTemporalUp ? [] : ['Temporal is away']), ...(isWorking ? [] : ['no work is taken'])];
    res.status(missing.length === 0 ? 200 : 503).json({ missing });
  });
  app.get('/metrics', async (_req, res) => {
    const text = await face.registry.metrics();
    res.type(face.registry.contentType).send(text);
  });
  app.get('/runbook', (_req, res) => void res.type('text').send(face.runbook()));
  app.get('/codec', (_req, res) => void page(res, 200, signInPage(null)));
  app.post('/codec/sign-in', express.urlencoded({ extended: false }), signIn(face));
  app.use('/codec/decode', letTheUiAsk(face.uiOrigin));
  app.post('/codec/decode', express.json({ limit: LARGEST_BODY }), decode(face));
  return app;
}

function page(res: Response, status: number, html: string): void {
  res.set({
    'content-security-policy':
      "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
  });
  res.status(status).type('html').send(html);
}

function signIn({ access, log }: WorkerFace): RequestHandler {
  return (req, res) => {
    const form = SignIn.safeParse(req.body);
    if (!form.success || !access.isAdminToken(form.data.adminToken)) {
      log.warn({ address: req.socket.remoteAddress }, 'codec_sign_in_refused');
      page(res, 401, signInPage('That is not the admin token of this installation, or the name is missing.'));
      return;
    }
    log.info({ reader: form.data.name }, 'codec_signed_in');
    res.set('set-cookie', access.cookieFor(form.data.name, Date.now(), req.secure));
    page(res, 200, SIGNED_IN);
  };
}

/** Pages of any other origin get no answer that their script could read. */
function letTheUiAsk(uiOrigin: string | null): RequestHandler {
  return (req, res, next) => {
    if (uiOrigin !== null && req.get('origin') === uiOrigin) {
      res.set({
        'access-control-allow-origin': uiOrigin,
        'access-control-allow-credentials': 'true',
        'access-control-allow-methods': 'POST, OPTIONS',
        'access-control-allow-headers': 'Content-Type, X-Namespace, Authorization',
        vary: 'Origin',
      });
    }
    if (req.method === 'OPTIONS') res.status(204).end();
    else next();
  };
}

function decode({ access, codec, log }: WorkerFace): RequestHandler {
  return async (req: Request, res) => {
    const reader = access.readerOf(req.headers, Date.now());
    if (reader === null) {
      res.status(401).json({ message: `sign in at ${req.protocol}://${req.get('host')}/codec` });
      return;
    }
    const asked = Payloads.safeParse(req.body);
    if (!asked.success) {
      res.status(400).json({ message: 'a JSON object with "payloads" is expected' });
      return;
    }
    const payloads = asked.data.payloads.map(({ metadata = {}, data }): Payload => ({ metadata, data: data ?? null }));
    const keyIds = [...new Set(payloads.map(keyIdOf))].filter((keyId) => keyId !== null);
    try {
      const opened = await codec.decode(payloads);
      // What was read: the UI tells a codec no more than the namespace.
      log.info({ reader, namespace: req.get('x-namespace'), payloads: payloads.length, keyIds }, 'payloads_decoded');
      res.json({ payloads: opened.map(onTheWire) });
    } catch (error) {
      log.warn({ reader, keyIds, err: error }, 'payloads_not_decoded');
      res.status(422).json({ message: 'these payloads do not open under the keys that are here' });
    }
  };
}

function onTheWire({ metadata, data }: Payload): object {
  const named = Object.entries(metadata ?? {}).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')]);
  return { metadata: Object.fromEntries(named), data: Buffer.from(data ?? []).toString('base64') };
}
