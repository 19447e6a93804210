// Reads the answers of one HTTP/1.1 connection, however its bytes are cut. Strict where leniency would let an upstream, or whoever
// sits before it, make us take one answer for another: framing that could be read in two ways ends the connection (RFC 9112 6.3).
import { AnswerHeaders } from './answer-headers.ts';

export const MOST_HEAD_BYTES = 16_384;
/** Of an answer's "go on"s, and of its trailers: each is bounded by itself, and there may be any number. */
const MOST_ASIDE_BYTES = 16_384;
const MOST_CHUNK_LINE_BYTES = 256;
const END_OF_HEAD = Buffer.from('\r\n\r\n');
// One pass in V8's compiled regular expressions says what a loop over lines and colons would, at a fifth of its time.
const HEAD =
  /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?\r\n((?:[\w!#$%&'*+\-.^`|~]+:[\t\x20-\x7e\x80-\xff]*\r\n)*)\r\n$/;

const CR = 0x0d;
const LF = 0x0a;

/** What an answer consists of, in this order. A piece belongs to the listener. */
export interface AnswerParts {
  head(status: number, headers: AnswerHeaders): void;
  piece(bytes: Buffer): void;
  /** @param mayGoOn the connection may carry another request */
  end(mayGoOn: boolean): void;
}

/** The bytes are no answer that could be relied on. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
}

type Expecting = 'head' | 'fixed' | 'chunk line' | 'chunk' | 'chunk end' | 'trailers' | 'until close' | 'nothing';

export class AnswerParser {
  readonly #parts: AnswerParts;
  #expecting: Expecting = 'nothing';
  /** The beginning of a head, of a chunk's line or of trailers, until the rest has come. */
  #carried: Buffer | null = null;
  /** Bytes still to come of a body of known length, or of a chunk. */
  #left = 0;
  #mayGoOn = false;
  #asideBytes = 0;

  constructor(parts: AnswerParts) {
    this.#parts = parts;
  }

  /** A request was sent: an answer is to come. */
  expect(): void {
    this.#expecting = 'head';
    this.#asideBytes = 0;
  }

  /** @throws NoAnswer */
  push(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length) {
      switch (this.#expecting) {
        case 'head':
          at = this.#readHead(bytes, at);
          break;
        case 'fixed':
          at = this.#readFixed(bytes, at);
          break;
        case 'until close':
          this.#parts.piece(Buffer.from(bytes.subarray(at)));
          return;
        case 'nothing':
          throw new NoAnswer('bytes that belong to no request');
        default:
          at = this.#readChunks(bytes, at);
      }
    }
  }

  /** The upstream closed its half. @throws Error when an answer had not ended */
  close(): void {
    if (this.#expecting === 'until close') this.#end();
    else if (this.#expecting !== 'nothing') {
      throw new Error(
        this.#expecting === 'head' ? 'the upstream closed without an answer' : 'the upstream closed within its answer',
      );
    }
  }

  #readHead(bytes: Buffer, from: number): number {
    const seen = this.#carried === null ? 0 : this.#carried.length;
    const all = this.#carried === null ? bytes.subarray(from) : Buffer.concat([this.#carried, bytes.subarray(from)]);
    const end = all.indexOf(END_OF_HEAD, Math.max(0, seen - END_OF_HEAD.length));
    const length = end < 0 ? all.length : end + END_OF_HEAD.length;
    if (length > MOST_HEAD_BYTES) throw new NoAnswer(`more than ${MOST_HEAD_BYTES} bytes of headers`);
    if (end < 0) {
      this.#carried = Buffer.from(all);
      return bytes.length;
    }
    this.#carried = null;
    this.#begin(all.toString('latin1', 0, length));
    return from + length - seen;
  }

  #begin(text: string): void {
    const [, minor, digits, lines] = HEAD.exec(text) ?? [];
    if (lines === undefined) throw new NoAnswer('no HTTP/1.1 head');
    const status = Number(digits);
    if (status === 101) throw new NoAnswer('a change of protocol that nobody asked for');
    if (status < 200) {
      this.#countAside(text.length); // "go on": the answer is still to come
      return;
    }
    const headers = new AnswerHeaders(lines);
    const connection = headers.only('connection'); // several are one list (RFC 9110 5.3), which nobody sends
    this.#mayGoOn = minor === '1' && connection !== null && !/\bclose\b/i.test(connection ?? '');
    this.#expecting = this.#framing(status, headers, minor === '1');
    this.#parts.head(status, headers);
    if (this.#expecting === 'nothing') this.#end();
  }

  #framing(status: number, headers: AnswerHeaders, isCurrent: boolean): Expecting {
    const length = headers.only('content-length');
    const coding = headers.only('transfer-encoding');
    if (length === null || coding === null || (length !== undefined && coding !== undefined))
      throw new NoAnswer('a body whose end is stated twice');
    if (status === 204 || status === 304) return 'nothing';
    if (coding !== undefined) {
      if (!isCurrent || coding.toLowerCase() !== 'chunked') throw new NoAnswer('an unknown transfer coding');
      return 'chunk line';
    }
    if (length === undefined) {
      this.#mayGoOn = false;
      return 'until close';
    }
    if (!/^\d{1,15}$/.test(length)) throw new NoAnswer('a content length that is no number');
    this.#left = Number(length);
    return this.#left === 0 ? 'nothing' : 'fixed';
  }

  #readFixed(bytes: Buffer, from: number): number {
    const to = Math.min(bytes.length, from + this.#left);
    this.#left -= to - from;
    this.#parts.piece(Buffer.from(bytes.subarray(from, to)));
    if (this.#left === 0) this.#end();
    return to;
  }

  /** All chunks that came together go on as one piece: events of a burst each come in a chunk of their own. */
  #readChunks(bytes: Buffer, from: number): number {
    const piece = Buffer.allocUnsafe(bytes.length - from);
    let used = 0;
    let at = from;
    while (at < bytes.length && this.#expecting !== 'nothing') {
      if (this.#expecting === 'chunk') {
        const to = Math.min(bytes.length, at + this.#left);
        used += bytes.copy(piece, used, at, to);
        this.#left -= to - at;
        at = to;
        if (this.#left === 0) this.#expecting = 'chunk end';
      } else at = this.#readLine(bytes, at);
    }
    // Where chunks are mostly framing, what is kept must not be what was read.
    if (used > 0)
      this.#parts.piece(used * 2 < piece.length ? Buffer.from(piece.subarray(0, used)) : piece.subarray(0, used));
    if (this.#expecting === 'nothing') this.#end();
    return at;
  }

  /** What stands between chunks: lines that end with CRLF. */
  #readLine(bytes: Buffer, from: number): number {
    const lf = bytes.indexOf(LF, from);
    const to = lf < 0 ? bytes.length : lf + 1;
    const isTrailer = this.#expecting === 'trailers';
    const carried = this.#carried?.length ?? 0;
    if (carried + to - from > (isTrailer ? MOST_HEAD_BYTES : MOST_CHUNK_LINE_BYTES))
      throw new NoAnswer('a line between chunks that does not end');
    if (lf < 0 || carried > 0) {
      const line = Buffer.concat([this.#carried ?? NOTHING, bytes.subarray(from, to)]);
      this.#carried = lf < 0 ? line : null;
      if (lf >= 0) this.#lineRead(line, 0, line.length);
    } else this.#lineRead(bytes, from, to);
    return to;
  }

  #lineRead(bytes: Buffer, from: number, to: number): void {
    if (bytes[to - 2] !== CR || to - from < 2) throw new NoAnswer('a line between chunks without CRLF');
    const isEmpty = to - from === 2;
    if (this.#expecting === 'chunk end') {
      if (!isEmpty) throw new NoAnswer('a chunk longer than it said');
      this.#expecting = 'chunk line';
    } else if (this.#expecting === 'trailers') {
      this.#countAside(to - from);
      if (isEmpty) this.#expecting = 'nothing';
    } else {
      this.#left = chunkSize(bytes, from, to - 2);
      this.#expecting = this.#left === 0 ? 'trailers' : 'chunk';
    }
  }

  #countAside(bytes: number): void {
    this.#asideBytes += bytes;
    if (this.#asideBytes > MOST_ASIDE_BYTES) throw new NoAnswer('more said beside the answer than anybody needs');
  }

  #end(): void {
    this.#expecting = 'nothing';
    this.#parts.end(this.#mayGoOn);
  }
}

const NOTHING = Buffer.alloc(0);
/** Hexadecimal digits of a size that a number holds exactly. */
const MOST_DIGITS = 12;

/** Hexadecimal, up to an extension that nobody uses. */
function chunkSize(bytes: Buffer, from: number, to: number): number {
  let size = 0;
  let at = from;
  for (; at < to; at += 1) {
    const digit = hexDigit(bytes[at] ?? 0);
    if (digit < 0) break;
    size = size * 16 + digit;
  }
  const isExtension = at === to || bytes[at] === 0x3b || bytes[at] === 0x20 || bytes[at] === 0x09;
  if (at === from || at - from > MOST_DIGITS || !isExtension) throw new NoAnswer('a chunk without a size');
  return size;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
