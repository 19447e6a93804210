// What the inbox answers over HTTP: pages for people, JSON for tests and scripts, and the order of faults.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { type FaultOrder, readOrder } from './faults.ts';
import type { Mailbox, MailFilter } from './mailbox.ts';
import { CONTENT_SECURITY_POLICY, listPage, mailPage } from './page.ts';
import { readMail } from './read-mail.ts';

export interface Inbox {
  readonly mailbox: Mailbox;
  readonly faults: FaultOrder;
}

interface Answer {
  readonly status: number;
  readonly body: { readonly html: string } | { readonly json: unknown };
}

export async function answer(inbox: Inbox, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, body } = await answerTo(inbox, request).catch((error) => problem(500, String(error)));
  if ('json' in body) {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body.json));
    return;
  }
  const headers = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': CONTENT_SECURITY_POLICY };
  response.writeHead(status, headers).end(body.html);
}

async function answerTo({ mailbox, faults }: Inbox, request: IncomingMessage): Promise<Answer> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://inbox');
  const filter = { to: searchParams.get('to'), since: searchParams.get('since') };
  switch (`${request.method} ${pathname}`) {
    case 'GET /':
      return await list(mailbox, filter, (mails) => ({ html: listPage(mails, filter.to) }));
    case 'GET /api/mails':
      return await list(mailbox, filter, (mails) => ({ json: mails }));
    case 'DELETE /api/mails':
      return { status: 200, body: { json: { deleted: mailbox.empty() } } };
    case 'POST /_test/fault':
      return order(faults, await text(request));
    case 'GET /livez':
      return { status: 200, body: { json: { status: 'ok' } } };
    default:
      return await oneMail(mailbox, request, pathname);
  }
}

async function list(
  mailbox: Mailbox,
  filter: MailFilter,
  shown: (mails: Awaited<ReturnType<typeof readMail>>[]) => Answer['body'],
): Promise<Answer> {
  if (filter.since !== null && Number.isNaN(Date.parse(filter.since))) {
    return problem(400, `since=${filter.since} is no time: give it as ISO 8601`);
  }
  return { status: 200, body: shown(await Promise.all(mailbox.list(filter).map(readMail))) };
}

async function oneMail(mailbox: Mailbox, { method, url }: IncomingMessage, pathname: string): Promise<Answer> {
  const [, id] = /^\/mails\/([\w-]+)$/.exec(pathname) ?? [];
  const mail = id === undefined || method !== 'GET' ? undefined : mailbox.find(id);
  if (mail === undefined) return problem(404, `the inbox has no ${method} ${url}`);
  return { status: 200, body: { html: mailPage(await readMail(mail)) } };
}

function order(faults: FaultOrder, body: string): Answer {
  const read = readOrder(parsed(body));
  if (typeof read === 'string') return problem(400, read);
  faults.place(read.fault, read.times);
  return { status: 200, body: { json: { fault: read.fault } } };
}

/** Undefined, which no order is, where it is no JSON. */
function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function problem(status: number, error: string): Answer {
  return { status, body: { json: { error } } };
}
