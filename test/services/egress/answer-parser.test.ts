// However the bytes of an answer are cut, it is the same answer; and what could be read in two ways is none.
import { expect, test } from '@jest/globals';
import { AnswerParser, type AnswerParts, NoAnswer } from '../../../services/egress/answer-parser.ts';

interface Heard {
  readonly status: number;
  readonly body: string;
  /** Null: it has not ended. */
  readonly mayGoOn: boolean | null;
}

/** Pushes the pieces one after the other, each in a buffer that is overwritten after it, as a read buffer is. */
function heard(pieces: readonly Buffer[], thenCloses = false): Heard {
  const bodies: Buffer[] = [];
  let status = 0;
  let ended: boolean | null = null;
  const parts: AnswerParts = {
    head: (code) => {
      status = code;
    },
    piece: (bytes) => bodies.push(bytes),
    end: (mayGoOn) => {
      ended = mayGoOn;
    },
  };
  const parser = new AnswerParser(parts);
  parser.expect();
  for (const piece of pieces) {
    const read = Buffer.from(piece);
    parser.push(read);
    read.fill('!');
  }
  if (thenCloses) parser.close();
  return { status, body: Buffer.concat(bodies).toString('latin1'), mayGoOn: ended };
}

function bytesOf(...lines: string[]): Buffer {
  return Buffer.from(lines.join('\r\n'), 'latin1');
}

const OK = 'HTTP/1.1 200 OK';
const ANSWERS: readonly (readonly [string, Buffer, Heard])[] = [
  ['of a stated length', bytesOf(OK, 'Content-Length: 5', '', 'hello'), { status: 200, body: 'hello', mayGoOn: true }],
  ['of no length', bytesOf(OK, 'content-length: 0', '', ''), { status: 200, body: '', mayGoOn: true }],
  [
    'in chunks',
    bytesOf(OK, 'transfer-encoding: Chunked', '', '5', 'hello', 'B;name="x"', ' chunk\r\nend', '0', '', ''),
    { status: 200, body: 'hello chunk\r\nend', mayGoOn: true },
  ],
  [
    'in chunks with trailers',
    bytesOf(OK, 'transfer-encoding: chunked', '', '00a', '0123456789', '000', 'x-usage: 7', 'x-more: 8', '', ''),
    { status: 200, body: '0123456789', mayGoOn: true },
  ],
  [
    'behind a word to go on',
    bytesOf(
      'HTTP/1.1 100 Continue',
      '',
      'HTTP/1.1 103 Early Hints',
      'link: </x>',
      '',
      OK,
      'content-length: 2',
      '',
      'ok',
    ),
    { status: 200, body: 'ok', mayGoOn: true },
  ],
  ['without a body', bytesOf('HTTP/1.1 204 No Content', '', ''), { status: 204, body: '', mayGoOn: true }],
  [
    'that closes',
    bytesOf('HTTP/1.1 503', 'content-length: 2', 'connection: Keep-Alive, Close', '', 'no'),
    { status: 503, body: 'no', mayGoOn: false },
  ],
  [
    'that says in a second line that it closes',
    bytesOf(OK, 'connection: keep-alive', 'connection: close', 'content-length: 2', '', 'ok'),
    { status: 200, body: 'ok', mayGoOn: false },
  ],
  [
    'of an old server',
    bytesOf('HTTP/1.0 200 OK', 'content-length: 2', '', 'ok'),
    { status: 200, body: 'ok', mayGoOn: false },
  ],
  [
    'with bytes beyond ASCII',
    bytesOf('HTTP/1.1 429 Trop d\xe9j\xe0', 'x-name: \xfc', 'content-length: 3', '', '\xe2\x82\xac'),
    { status: 429, body: '\xe2\x82\xac', mayGoOn: true },
  ],
];

test.each(ANSWERS)('an answer %s is the same in one piece, in any two, and byte by byte', (_, bytes, expected) => {
  expect(heard([bytes])).toEqual(expected);
  expect(heard(Array.from(bytes, (byte) => Buffer.from([byte])))).toEqual(expected);
  for (let cut = 1; cut < bytes.length; cut += 1) {
    expect(heard([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(expected);
  }
});

test.each(ANSWERS)('an answer %s that stops before its last byte has not ended, and its close says so', (_, bytes) => {
  for (let cut = 0; cut < bytes.length; cut += 1) {
    expect(heard([bytes.subarray(0, cut)]).mayGoOn).toBe(null);
    expect(() => heard([bytes.subarray(0, cut)], true)).toThrow(/closed/);
  }
});

test('a body without a stated end goes on until the upstream closes', () => {
  const bytes = bytesOf(OK, 'content-type: text/event-stream', '', 'data: 1\n\n');
  expect(heard([bytes])).toEqual({ status: 200, body: 'data: 1\n\n', mayGoOn: null });
  expect(heard([bytes], true)).toEqual({ status: 200, body: 'data: 1\n\n', mayGoOn: false });
});

test.each([
  ['two lengths', bytesOf(OK, 'content-length: 5', 'content-length: 5', '', 'hello')],
  ['a length beside chunks', bytesOf(OK, 'content-length: 5', 'transfer-encoding: chunked', '', '0', '', '')],
  ['two transfer codings', bytesOf(OK, 'transfer-encoding: chunked', 'transfer-encoding: chunked', '', '0', '', '')],
  ['an unknown transfer coding', bytesOf(OK, 'transfer-encoding: gzip, chunked', '', '0', '', '')],
  ['chunks of an old server', bytesOf('HTTP/1.0 200 OK', 'transfer-encoding: chunked', '', '0', '', '')],
  ['a length that is no number', bytesOf(OK, 'content-length: 5x', '', 'hello')],
  ['a negative length', bytesOf(OK, 'content-length: -5', '', 'hello')],
  ['a length beyond all numbers', bytesOf(OK, 'content-length: 99999999999999999999', '', 'hello')],
  ['a chunk without a size', bytesOf(OK, 'transfer-encoding: chunked', '', '', 'hello', '0', '', '')],
  ['a chunk size that is no number', bytesOf(OK, 'transfer-encoding: chunked', '', '5x', 'hello', '0', '', '')],
  ['a chunk size beyond all numbers', bytesOf(OK, 'transfer-encoding: chunked', '', 'f'.repeat(13), 'hello')],
  ['a chunk longer than it said', bytesOf(OK, 'transfer-encoding: chunked', '', '4', 'hello', '0', '', '')],
  ['a chunk line without its return', Buffer.from(`${OK}\r\ntransfer-encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n`)],
  ['a chunk line that does not end', bytesOf(OK, 'transfer-encoding: chunked', '', `5;${'x'.repeat(300)}`)],
  ['a folded header', bytesOf(OK, 'x-long: one', ' two', 'content-length: 0', '', '')],
  ['a header without a name', bytesOf(OK, ': nothing', 'content-length: 0', '', '')],
  ['a space before the colon', bytesOf(OK, 'content-length : 0', '', '')],
  ['a header with a NUL', bytesOf(OK, 'x-nul: \0', 'content-length: 0', '', '')],
  ['another protocol', bytesOf('ICY 200 OK', 'content-length: 0', '', '')],
  ['another version', bytesOf('HTTP/2.0 200 OK', 'content-length: 0', '', '')],
  ['a status that is no number', bytesOf('HTTP/1.1 2OO OK', 'content-length: 0', '', '')],
  ['a change of protocol', bytesOf('HTTP/1.1 101 Switching Protocols', 'upgrade: websocket', '', '')],
  ['more headers than anybody needs', bytesOf(OK, `x-filler: ${'x'.repeat(17_000)}`, 'content-length: 0', '', '')],
  ['more to go on than anybody waits for', bytesOf(...Array(1_000).fill('HTTP/1.1 100 Continue\r\n'))],
  [
    'more trailers than anybody needs',
    bytesOf(OK, 'transfer-encoding: chunked', '', '0', ...Array(2_000).fill('x-more: 1'), '', ''),
  ],
  ['headers that do not end', bytesOf(OK, `x-filler: ${'x'.repeat(17_000)}`)],
  ['bytes behind its end', bytesOf(OK, 'content-length: 2', '', 'ok', OK)],
])('%s is no answer, in one piece or byte by byte', (_, bytes) => {
  expect(() => heard([bytes])).toThrow(NoAnswer);
  expect(() => heard(Array.from(bytes, (byte) => Buffer.from([byte])))).toThrow(NoAnswer);
});

test('what comes before anything was asked belongs to nobody', () => {
  const parser = new AnswerParser({ head: () => undefined, piece: () => undefined, end: () => undefined });
  expect(() => parser.push(bytesOf(OK, 'content-length: 0', '', ''))).toThrow(NoAnswer);
});

test('chunks that are mostly framing keep no more than they hold', () => {
  const pieces: Buffer[] = [];
  const parser = new AnswerParser({
    head: () => undefined,
    piece: (bytes) => pieces.push(bytes),
    end: () => undefined,
  });
  parser.expect();
  parser.push(bytesOf(OK, 'transfer-encoding: chunked', '', ''));

  parser.push(Buffer.from(`1;${'x'.repeat(250)}\r\n.\r\n`.repeat(200)));

  const kept = pieces.reduce((bytes, { buffer }) => bytes + buffer.byteLength, 0);
  expect(pieces.reduce((bytes, { length }) => bytes + length, 0)).toBe(200);
  expect(kept).toBeLessThanOrEqual(Buffer.poolSize);
});
