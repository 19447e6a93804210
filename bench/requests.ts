// The requests of the bench, as bytes in files that client.c reads: each is its length as a decimal line, then its bytes.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const MODEL_ID = 'bench';
const SENTENCE = 'The toll is taken once at the gate and written in the book before the barrier lifts. ';

/** What is asked. The bodies are about 500 bytes, and 30 KB as coding agents send them. */
export const KINDS = {
  plain: { bodyBytes: 500, fields: {} },
  plain30k: { bodyBytes: 30_000, fields: {} },
  stream: { bodyBytes: 500, fields: { stream: true } },
  held: { bodyBytes: 500, fields: { stream: true, user: 'hold' } },
  held30k: { bodyBytes: 30_000, fields: { stream: true, user: 'hold' } },
} as const;
export type Kind = keyof typeof KINDS;

/** One request for each credential. */
export function writeRequests(folder: string, name: string, kind: Kind, credentials: readonly string[]): string {
  const body = bodyOf(kind);
  const file = join(folder, `${name}.requests`);
  const requests = credentials.map((credential) => requestOf(credential, body));
  writeFileSync(file, requests.map((request) => `${Buffer.byteLength(request)}\n${request}`).join(''));
  return file;
}

function bodyOf(kind: Kind): string {
  const { bodyBytes, fields } = KINDS[kind];
  const chat = (words: string) =>
    JSON.stringify({
      model: MODEL_ID,
      messages: [
        { role: 'system', content: 'You are the keeper of a toll gate. Answer in one sentence.' },
        { role: 'user', content: words },
      ],
      temperature: 0.7,
      max_tokens: 256,
      ...fields,
    });
  const room = bodyBytes - chat('').length;
  return chat(SENTENCE.repeat(Math.ceil(room / SENTENCE.length)).slice(0, room));
}

/** The headers of an ordinary HTTP client: seven. */
function requestOf(credential: string, body: string): string {
  const head = [
    'POST /v1/chat/completions HTTP/1.1',
    'host: 127.0.0.1',
    `authorization: Bearer ${credential}`,
    'content-type: application/json',
    'accept: application/json',
    'accept-encoding: identity',
    'user-agent: bench/1',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}
