// The fake Stripe: a server of its own that the official SDK can be pointed at. It keeps what it was told, takes each payment once,
// sends its webhooks, and fails when it is asked to. It shares no code with the product whose payments it judges.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Api, type ApiAnswer, type ApiRequest, CRASH, keyInUse, refusalAnswer, TOO_MANY } from './api.ts';
import { control, registered } from './control.ts';
import { Faults } from './faults.ts';
import { checkoutPage } from './pages/checkout.ts';
import { html } from './pages/html.ts';
import { type PageAnswer, shows } from './pages/page-answer.ts';
import { threeDSecurePage } from './pages/three-d-secure.ts';
import { Schedule } from './schedule.ts';
import { Store } from './state/store.ts';
import { WebhookSender } from './webhooks.ts';
import { requestSchemas } from './wire/request-schemas.ts';
import { newId, World } from './world.ts';

export interface FakeStripeOptions {
  /** 0: any free one. */
  readonly port: number;
  readonly dataDir: string;
  readonly host?: string;
  readonly webhook?: { readonly url: string; readonly secret: string };
}

export interface FakeStripe {
  readonly url: string;
  close(): Promise<void>;
}

const KEEP_ALIVE_MS = 75_000;
const BODY_BYTES_MAX = 1_000_000;
const SLOW_PIECES = 10;

export async function startFakeStripe(options: FakeStripeOptions): Promise<FakeStripe> {
  const { port, dataDir, host = '127.0.0.1', webhook } = options;
  const stripe = new Running(new World(new Store(dataDir), new Faults()));
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    stripe.track(stripe.serve(request, response));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  stripe.world.url = `http://${host}:${portOf(server)}`;
  if (webhook !== undefined) registered(stripe.world, { ...webhook, enabled_events: ['*'] });
  await stripe.settled();
  return {
    url: stripe.world.url,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await stripe.close();
    },
  };
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the fake Stripe listens on no port');
  return address.port;
}

class Running {
  readonly world: World;
  readonly #api: Api;
  readonly #schedule: Schedule;
  readonly #sender: WebhookSender;
  readonly #serving = new Set<Promise<void>>();

  constructor(world: World) {
    this.world = world;
    this.#api = new Api(world, requestSchemas());
    this.#schedule = new Schedule(world, () => this.track(this.settled()));
    this.#sender = new WebhookSender(world, () => this.track(this.settled()));
  }

  track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#serving.delete(tracked));
    this.#serving.add(tracked);
  }

  async close(): Promise<void> {
    this.#schedule.stop();
    this.world.faults.clear();
    await this.#sender.close();
    await Promise.all(this.#serving);
    this.#schedule.stop();
    await this.world.store.close();
  }

  /** What was written is durable: now others may learn of it. */
  async settled(): Promise<void> {
    await this.world.store.durable();
    this.#sender.wake();
    this.#schedule.arm();
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname: path, search } = new URL(request.url ?? '/', 'http://fake');
    try {
      const body = await bodyOf(request);
      const method = request.method ?? 'GET';
      if (path.startsWith('/v1/')) await this.#serveApi(apiRequest(request, method, path, search, body), response);
      else if (path.startsWith('/_test/') || path === '/livez')
        await this.#serveControl(`${method} ${path}`, body, response);
      else await this.#servePage(method, path, body, response);
    } catch (error) {
      // A mistake of ours fails the one request, and loudly: nobody is to take it for a fault that was asked for.
      if (response.headersSent) response.destroy();
      else response.writeHead(501, { 'content-type': 'text/plain' }).end(`fake Stripe broke: ${String(error)}`);
    }
  }

  async #serveApi(request: ApiRequest, response: ServerResponse): Promise<void> {
    if (!this.#api.claimKey(request)) return send(response, refusalAnswer(request, keyInUse(request)));
    try {
      await this.#answerWithFaults(request, response);
    } finally {
      this.#api.releaseKey(request);
    }
  }

  async #answerWithFaults(request: ApiRequest, response: ServerResponse): Promise<void> {
    const fault = this.world.faults.takeAnswerFault(request.method, request.path);
    if (fault?.name === 'drop_before') return drop(response);
    if (fault?.name === 'too_many_requests') return send(response, refusalAnswer(request, TOO_MANY));
    if (fault?.name === 'fail_before') return send(response, refusalAnswer(request, CRASH));
    if (fault?.name === 'delay_before') await this.world.faults.hold(fault.ms);
    const answer = this.#api.answer(request, fault?.name === 'fail_after');
    await this.settled();
    if (fault?.name === 'drop_after') return drop(response);
    if (fault?.name === 'delay_after') await this.world.faults.hold(fault.ms);
    if (fault?.name === 'truncate') return sendHalf(response, answer);
    if (fault?.name === 'slow') return this.#sendSlowly(response, answer, fault.ms);
    return send(response, answer);
  }

  async #sendSlowly(response: ServerResponse, { status, headers, body }: ApiAnswer, totalMs: number): Promise<void> {
    const bytes = Buffer.from(body);
    response.writeHead(status, { ...headers, 'content-length': bytes.length });
    const piece = Math.ceil(bytes.length / SLOW_PIECES);
    for (let from = 0; from < bytes.length; from += piece) {
      response.write(bytes.subarray(from, from + piece));
      await this.world.faults.hold(totalMs / SLOW_PIECES);
    }
    response.end();
  }

  async #serveControl(call: string, body: string, response: ServerResponse): Promise<void> {
    const answer = control(this.world, this.#schedule, call, body);
    await this.settled();
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
  }

  async #servePage(method: string, path: string, body: string, response: ServerResponse): Promise<void> {
    const form = method === 'POST' ? new URLSearchParams(body) : null;
    this.world.cause = null;
    const answer = this.world.store.transact(() => page(this.world, path, form));
    await this.settled();
    const location = answer.location === null ? {} : { location: answer.location };
    response.writeHead(answer.status, { 'content-type': 'text/html; charset=utf-8', ...location }).end(answer.body);
  }
}

function page(world: World, path: string, form: URLSearchParams | null): PageAnswer {
  const [, checkout] = /^\/c\/pay\/(\w+)$/.exec(path) ?? [];
  if (checkout !== undefined) return checkoutPage(world, checkout, form);
  const [, intent] = /^\/3ds\/(\w+)$/.exec(path) ?? [];
  if (intent !== undefined) return threeDSecurePage(world, intent, form);
  if (/^\/p\/session\/\w+$/.test(path)) return shows(html('Billing portal', '<p>Nothing to see here.</p>'));
  return shows(html('Nothing is here', ''), 404);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request) {
    sizeBytes += chunk.length;
    if (sizeBytes > BODY_BYTES_MAX) throw new Error(`a body of more than ${BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function apiRequest(
  { headers }: IncomingMessage,
  method: string,
  path: string,
  search: string,
  body: string,
): ApiRequest {
  const header = (name: string) => headers[name]?.toString();
  return {
    id: newId('req'),
    method,
    path,
    form: method === 'POST' ? body : search.slice(1),
    authorization: header('authorization'),
    version: header('stripe-version'),
    idempotencyKey: header('idempotency-key'),
  };
}

function send(response: ServerResponse, { status, headers, body }: ApiAnswer): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body);
}

function drop(response: ServerResponse): void {
  response.socket?.destroy();
}

function sendHalf(response: ServerResponse, { status, headers, body }: ApiAnswer): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, { ...headers, 'content-length': bytes.length });
  response.write(bytes.subarray(0, bytes.length >> 1), () => drop(response));
}
