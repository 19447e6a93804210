// Cuts an upstream's bytes where events end, so that what is scanned and sent on is always whole events. No byte is
// changed, lost or reordered: the pieces that come out, and takeRest() at the end, are exactly the bytes that went in.
import { TollgateError } from '../../domain/errors.ts';

// Far above an image in base64; without a bound one endless line would fill the memory of the process.
const MAX_EVENT_BYTES = 16 * 1024 * 1024;

const LF = 0x0a;
const CR = 0x0d;
const NOTHING = Buffer.alloc(0);

export class EventSplitter {
  #carried: Buffer[] = [];
  #carriedBytes = 0;

  /** The complete events, possibly none. A chunk that ends with an event, nothing being carried, comes back as it is. */
  push(chunk: Buffer): Buffer {
    if (this.#carriedBytes === 0 && endsWithBlankLine(chunk, chunk.length)) return chunk;
    const cut = this.#lastEventEnd(chunk);
    if (cut === 0) {
      this.#carry(chunk);
      return NOTHING;
    }
    const complete = this.#join(chunk.subarray(0, cut));
    this.#carry(chunk.subarray(cut));
    return complete;
  }

  /** What the upstream left unfinished when it closed: an event without its blank line, or one that was cut. */
  takeRest(): Buffer {
    return this.#join(NOTHING);
  }

  #carry(rest: Buffer): void {
    if (rest.length === 0) return;
    // Copied, or a few bytes would keep all that came with them alive for as long as the stream is quiet.
    this.#carried.push(Buffer.from(rest));
    this.#carriedBytes += rest.length;
    if (this.#carriedBytes <= MAX_EVENT_BYTES) return;
    throw new TollgateError('upstream_unavailable', {
      message: `The provider sent an event of more than ${MAX_EVENT_BYTES} bytes; the answer was stopped. Send the request again.`,
    });
  }

  #join(last: Buffer): Buffer {
    if (this.#carriedBytes === 0) return last;
    const whole = Buffer.concat([...this.#carried, last], this.#carriedBytes + last.length);
    this.#carried = [];
    this.#carriedBytes = 0;
    return whole;
  }

  /** Index behind the last blank line in the chunk; a blank line may have begun in what is carried. */
  #lastEventEnd(chunk: Buffer): number {
    const inChunk = lastBlankLineEnd(chunk);
    if (inChunk > 0 || this.#carriedBytes === 0) return inChunk;
    const before = this.#carried.slice(-2).map((piece) => piece.subarray(-2));
    const tail = Buffer.concat([...before, chunk.subarray(0, 2)]);
    const carried = tail.length - Math.min(chunk.length, 2);
    for (let end = tail.length; end > carried; end -= 1) if (endsWithBlankLine(tail, end)) return end - carried;
    return 0;
  }
}

/** LF LF, LF CR LF (which ends CRLF CRLF) or CR CR. */
function endsWithBlankLine(bytes: Buffer, end: number): boolean {
  const last = bytes[end - 1];
  const before = bytes[end - 2];
  if (last === LF) return before === LF || (before === CR && bytes[end - 3] === LF);
  return last === CR && before === CR;
}

function lastBlankLineEnd(bytes: Buffer): number {
  for (const mark of [LF, CR]) {
    let at = bytes.lastIndexOf(mark);
    while (at > 0) {
      if (endsWithBlankLine(bytes, at + 1)) return at + 1;
      at = bytes.lastIndexOf(mark, at - 1);
    }
  }
  return 0;
}
