// What is hardly HTTP, on real connections: whoever smuggles, overfills or stands still is told so in the format of its path, and
// leaves neither a record nor a connection behind.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { oneRow } from '../../../support/bare-gateway.ts';
import { until } from '../../../support/until.ts';
import { chat, messages, PROMPT_TOKENS } from './events.ts';
import { type Gateway, openGateway } from './gateway.ts';
import { type ScriptedUpstream, startScriptedUpstream } from './scripted-upstream.ts';
import { type Customer, closedBooks, newCustomer, sell } from './shop.ts';

let gateway: Gateway;
let upstream: ScriptedUpstream;
let customer: Customer;
let modelId: string;
let recordsBefore: string;

beforeAll(async () => {
  gateway = await openGateway();
  upstream = await startScriptedUpstream();
  customer = await newCustomer(gateway, 10_000_000_000n);
  ({ modelId } = await sell(gateway, { baseUrl: upstream.baseUrl }));
});
beforeEach(async () => {
  recordsBefore = await records();
});
afterEach(async () => {
  await until(() => gateway.parts.openRequests.count === 0 && gateway.bodies.count === 0);
});
afterAll(async () => {
  await closedBooks(gateway, customer);
  await gateway.close();
  await upstream.close();
});

async function records(): Promise<string> {
  const counted = `select (select count(*) from usage_records) || ' and ' || (select count(*) from attempts) as counted`;
  return (await oneRow<{ counted: string }>(gateway.admin, counted)).counted;
}

const CHAT = '/v1/chat/completions';
const MESSAGES = '/v1/messages?beta=true';
const MANAGEMENT = '/api/v1/organizations';
const CHUNKED = 'transfer-encoding: chunked';

interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Record<string, unknown>;
}

class Connection {
  readonly #socket: Socket;
  #text = '';
  #isOver = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.#text += text;
    });
    socket.on('error', () => {}); // 'close' follows
    socket.on('close', () => {
      this.#isOver = true;
    });
  }

  /** allowHalfOpen: does not hang up when the gateway does. */
  static async open({ allowHalfOpen } = { allowHalfOpen: false }): Promise<Connection> {
    const { hostname, port } = new URL(gateway.url);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen });
    await once(socket, 'connect');
    const connection = new Connection(socket);
    await until(() => connection.#atGateway() !== undefined);
    return connection;
  }

  /** Returns once the gateway has read it all. */
  async send(text: string): Promise<void> {
    this.#socket.write(text, 'latin1');
    await until(() => {
      const atGateway = this.#atGateway();
      return atGateway === undefined || atGateway.bytesRead === this.#socket.bytesWritten;
    });
  }

  leave(): void {
    this.#socket.destroy();
  }

  /** All that came until the gateway let go of the connection. */
  async all(): Promise<string> {
    await until(() => (this.#isOver || this.#socket.readableEnded) && this.#atGateway() === undefined);
    this.#socket.destroy();
    return this.#text;
  }

  async sees(text: string): Promise<void> {
    await until(() => this.#text.includes(text));
  }

  #atGateway(): Socket | undefined {
    return [...gateway.connections].find(({ remotePort }) => remotePort === this.#socket.localPort);
  }
}

async function answerTo(...packets: string[]): Promise<Answer> {
  const connection = await Connection.open();
  for (const packet of packets) await connection.send(packet);
  return parsed(await connection.all());
}

/** @throws when there is not exactly one answer, closed and of the length that it says */
function parsed(text: string): Answer {
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [statusLine = '', ...fields] = head.split('\r\n');
  const headers = new Map(
    fields.map((field) => [field.split(':')[0]?.toLowerCase() ?? '', field.replace(/^[^:]+: /, '')]),
  );
  const body = rest.join('\r\n\r\n');
  expect(text.match(/^HTTP\/1\.1 /gm)).toHaveLength(1);
  expect([headers.get('connection'), headers.get('content-length')]).toEqual(['close', String(body.length)]);
  return { status: Number(/^HTTP\/1\.1 (\d{3}) \S/.exec(statusLine)?.[1]), headers, body: JSON.parse(body) };
}

function headOf(path: string, fields: readonly string[]): string {
  const own = [`POST ${path} HTTP/1.1`, 'host: tollgate', `authorization: Bearer ${customer.key}`];
  return `${[...own, 'content-type: application/json', 'connection: close', ...fields].join('\r\n')}\r\n\r\n`;
}

/** What each format's clients look at. */
function expectRefusal(path: string, { status, headers, body }: Answer, expected: readonly [number, string]): void {
  const requestId = headers.get('x-request-id');
  expect([status, headers.get('cache-control')]).toEqual([expected[0], 'no-store']);
  expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
  if (path === MANAGEMENT) {
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(body).toMatchObject({ status: expected[0], code: expected[1], instance: requestId });
  } else if (path === MESSAGES) {
    expect(headers.get('request-id')).toBe(requestId);
    expect(body).toMatchObject({ type: 'error', request_id: requestId, error: { type: 'invalid_request_error' } });
  } else {
    const message = expect.stringContaining(`(request id: ${requestId})`);
    expect(body).toMatchObject({ error: { type: 'invalid_request_error', code: expected[1], param: null, message } });
  }
}

const fields = (count: number) => Array.from({ length: count }, (_, at) => `x-field-${at}: 1`);
const length = (bytes: number) => `content-length: ${bytes}`;
const QUERY = `${'x'.repeat(9_000)}=1`;

/** what is wrong, its request line's query, its header fields, what it is told */
const FAULTS: readonly (readonly [what: string, query: string, fields: string[], number, string])[] = [
  ['more than 64 header fields', '', [...fields(60), length(0)], 431, 'headers_too_large'],
  ['more than 16 KiB of header fields', '', [`x-long: ${'y'.repeat(17_000)}`, length(0)], 431, 'headers_too_large'],
  ['a URL of more than 8 KiB', QUERY, [length(0)], 414, 'url_too_long'],
  ['a URL that fills the head', QUERY + QUERY, [length(0)], 414, 'url_too_long'],
  ['Content-Length before Transfer-Encoding', '', [length(4), CHUNKED], 400, 'malformed_http'],
  ['Transfer-Encoding before Content-Length', '', [CHUNKED, length(4)], 400, 'malformed_http'],
  ['two lengths that differ', '', [length(4), length(40)], 400, 'malformed_http'],
  ['one length twice', '', [length(4), length(4)], 400, 'malformed_http'],
  ['two lengths in one field', '', ['content-length: 4, 40'], 400, 'malformed_http'],
  ['a length with a sign', '', ['content-length: +4'], 400, 'malformed_http'],
  ['an encoding behind chunked', '', ['transfer-encoding: chunked, identity'], 400, 'malformed_http'],
  ['a folded header', '', ['x-folded: a', ' transfer-encoding: chunked', length(4)], 400, 'malformed_http'],
  ['a space before the colon', '', ['content-length : 4'], 400, 'malformed_http'],
  ['a line feed in a value', '', [`x-value: a\n${CHUNKED}`, length(4)], 400, 'malformed_http'],
  ['a carriage return in a value', '', [`x-value: a\r${CHUNKED}`, length(4)], 400, 'malformed_http'],
  ['a NUL in a value', '', ['x-value: a\0b', length(4)], 400, 'malformed_http'],
];

test.each(FAULTS)('%s is refused on each surface in its own format', async (_, query, faulty, status, code) => {
  const smuggled = status === 400 ? 'GET /livez HTTP/1.1\r\nhost: x\r\n\r\n' : '';
  for (const path of [CHAT, MESSAGES, MANAGEMENT]) {
    const url = query === '' ? path : `${path}${path.includes('?') ? '&' : '?'}${query}`;
    const answer = await answerTo(headOf(url, faulty) + smuggled);
    expectRefusal(path, answer, [status, code]);
    expect(answer.headers.get('x-should-retry')).toBe('false');
  }

  expect(await records()).toBe(recordsBefore);
});

test('a request without Host is refused in words', async () => {
  for (const path of [CHAT, MESSAGES, MANAGEMENT]) {
    const answer = await answerTo(`POST ${path} HTTP/1.1\r\nconnection: close\r\n${length(0)}\r\n\r\n`);

    expectRefusal(path, answer, [400, 'malformed_http']);
  }
});

test('64 header fields arrive, the last one too', async () => {
  const body = JSON.stringify(chat.request('no-such-model'));
  const named = [...fields(58), 'x-client-request-id: the-last'];

  const connection = await Connection.open();
  await connection.send(headOf(CHAT, [length(body.length), ...named]) + body);

  const answer = await connection.all();
  expect(answer).toMatch(/^HTTP\/1\.1 404 /);
  expect(answer).toContain('x-client-request-id: the-last');
});

test('a chunk that is none is refused in the format of the request that it belongs to', async () => {
  for (const path of [CHAT, MESSAGES]) {
    const answer = await answerTo(headOf(path, [CHUNKED]), 'not a length\r\n');

    expectRefusal(path, answer, [400, 'malformed_http']);
  }
  expect(await records()).toBe(recordsBefore);
});

test('a head that never ends is answered although its client goes on sending and does not hang up', async () => {
  const connection = await Connection.open({ allowHalfOpen: true });
  await connection.send(`POST ${MESSAGES} HTTP/1.1\r\nhost: tollgate\r\n`);
  for (let sent = 0; sent < 40; sent += 1) await connection.send(`x-${sent}: ${'y'.repeat(1_000)}\r\n`);

  const answer = parsed(await connection.all());
  expect(answer.status).toBe(431);
  expect(answer.body).toMatchObject({ error: { code: 'headers_too_large' } });
});

test('what is no HTTP behind a request that is being answered does not get into the answer', async () => {
  const body = JSON.stringify(chat.request(modelId));
  const connection = await Connection.open();
  await connection.send(headOf(CHAT, [length(body.length)]) + body);
  const arrival = await upstream.next();
  arrival.open();
  arrival.send(chat.opening, chat.content('Toll'));
  await connection.sees('Toll');

  await connection.send('GET / no HTTP\r\n\r\n');

  expect((await connection.all()).match(/HTTP\/1\.1/g)).toHaveLength(1);
});

test('a client that stands still in the middle of its body is told so after ten seconds, and pays nothing', async () => {
  for (const [path, body] of [
    [CHAT, JSON.stringify(chat.request(modelId))],
    [MESSAGES, JSON.stringify(messages.request(modelId))],
  ] as const) {
    const connection = await Connection.open();
    await connection.send(headOf(path, [length(body.length)]) + body.slice(0, 20));
    await until(() => gateway.bodies.count === 1);

    gateway.bodies.pass(0);
    gateway.bodies.pass(10_001);

    const answer = parsed(await connection.all());
    expectRefusal(path, answer, [408, 'request_too_slow']);
    expect(answer.headers.has('x-should-retry')).toBe(false);
  }
  expect(await records()).toBe(recordsBefore);
});

test('a slow client that does not stand still is served', async () => {
  const body = JSON.stringify({ ...chat.request(modelId), stream: false });
  const connection = await Connection.open();
  await connection.send(headOf(CHAT, [length(body.length)]));
  for (const letter of body) {
    await connection.send(letter);
    gateway.bodies.pass(9_000);
  }

  const arrival = await upstream.next();
  const usage = { prompt_tokens: PROMPT_TOKENS, completion_tokens: 2, total_tokens: PROMPT_TOKENS + 2 };
  const choices = [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'Toll' } }];
  arrival.answer(200, { choices, usage });

  expect(await connection.all()).toMatch(/^HTTP\/1\.1 200 /);
});

test('a body that is still coming when the gateway must go is sent elsewhere', async () => {
  const connection = await Connection.open();
  await connection.send(`${headOf(CHAT, [length(1_000)])}{`);
  await until(() => gateway.bodies.count === 1);

  gateway.bodies.stop();

  const answer = parsed(await connection.all());
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
});

test('a client that leaves while its key is looked up leaves no request behind', async () => {
  const { id } = await gateway.manage('POST', '/organizations', { name: 'hasty' });
  const { credential } = await gateway.manage('POST', '/api-keys', { orgId: id });
  const lookUp = await gateway.admin.connect();
  await lookUp.query('begin; lock table api_keys in access exclusive mode');
  const connection = await Connection.open();
  await connection.send(`POST ${CHAT} HTTP/1.1\r\nhost: x\r\nx-api-key: ${credential}\r\n${length(1_000)}\r\n\r\n{`);
  const connections = gateway.connections.size;

  connection.leave();
  await until(() => gateway.connections.size < connections);
  await lookUp.query('rollback');
  lookUp.release();

  await until(() => gateway.parts.openRequests.count === 0);
});
