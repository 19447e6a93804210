// One connection to an upstream, one request at a time. What comes when nothing was asked ends it: an answer that waits in an idle
// connection would be taken for that of the next customer (undici GHSA-35p6-xmwp-9g52).
import type { Socket } from 'node:net';
import type { AnswerHeaders } from './answer-headers.ts';
import { AnswerParser } from './answer-parser.ts';

/** Up to here head and body go out as one string in one write; beyond it, copying would cost more than a second one. */
const MOST_IN_ONE_STRING = 16_384;

/** Hears one answer: either all of it and its end, or that it failed. After `abort` it hears nothing. */
export interface AnswerListener {
  answerBegan(status: number, headers: AnswerHeaders): void;
  answerData(bytes: Buffer): void;
  answerEnded(): void;
  /** @param isNeverSent no connection was made, so the upstream knows nothing of the request */
  answerFailed(error: Error, isNeverSent: boolean): void;
}

/**
 * Opens a socket whose address was judged before and after connecting. `opened` hears of it once. What `read` gets stands in a
 * buffer that the next read of any connection writes over; null: it is read as a stream.
 */
export type Dial = (opened: (error: Error | null) => void, read: ((bytes: Buffer) => void) | null) => Socket;

export interface ConnectionOwner {
  /** Its answer is complete, and it may carry another request, if it comes in this time. */
  freed(connection: UpstreamConnection, idleForAtMostMs: number): void;
  closed(connection: UpstreamConnection): void;
}

/** A listener threw: a defect of ours, or an answer that it cannot take. */
export class ListenerFailed extends Error {
  override readonly name = 'ListenerFailed';
}

export class UpstreamConnection {
  readonly #dial: Dial;
  readonly #owner: ConnectionOwner;
  #socket: Socket;
  #parser: AnswerParser;
  #listener: AnswerListener | null = null;
  /** What goes out as soon as it may. */
  #waiting: { readonly head: string; readonly body: Buffer } | null = null;
  #isOpened = false;
  #isPaused = false;
  #idleForAtMostMs = Number.POSITIVE_INFINITY;
  /** Monotonic; its owner's. */
  idleUntilMs = 0;

  constructor(dial: Dial, owner: ConnectionOwner) {
    this.#dial = dial;
    this.#owner = owner;
    this.#parser = this.#newParser();
    this.#socket = this.#open();
  }

  get isUsable(): boolean {
    return !this.#socket.destroyed;
  }

  /**
   * On a connection that rested the request leaves behind the sockets that are ready in this turn of the loop: if the upstream has
   * closed it, or sent what nobody asked for, nothing was sent yet, and a new one is dialled.
   */
  send(head: string, body: Buffer, listener: AnswerListener): void {
    this.#listener = listener;
    this.#waiting = { head, body };
    if (this.#isOpened) setImmediate(() => this.#sendWaiting());
  }

  /** Of a listener whose answer is over these three do nothing: the connection may be another's by now. */
  pause(listener: AnswerListener): void {
    if (listener !== this.#listener) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(listener: AnswerListener): void {
    if (listener === this.#listener) this.#readOn();
  }

  abort(listener: AnswerListener): void {
    if (listener !== this.#listener) return;
    this.#listener = null;
    this.#waiting = null;
    this.#socket.destroy();
  }

  /** Nobody uses it. */
  close(): void {
    this.#socket.destroy();
  }

  #open(): Socket {
    const isCurrent = () => socket === this.#socket;
    const socket = this.#dial(
      (error) => (error === null ? this.#opened() : this.#fail(error)),
      (bytes) => {
        if (isCurrent()) this.#read(bytes);
      },
    );
    socket.on('end', () => isCurrent() && this.#upstreamClosed());
    socket.on('error', (error) => isCurrent() && this.#fail(error));
    socket.on('close', () => {
      if (!isCurrent()) return;
      this.#fail(new Error('the connection was closed'));
      if (isCurrent()) this.#owner.closed(this);
    });
    return socket;
  }

  #newParser(): AnswerParser {
    return new AnswerParser({
      head: (status, headers) => this.#answerBegan(status, headers),
      piece: (bytes) => this.#tell((listener) => listener.answerData(bytes)),
      end: (mayGoOn) => this.#answerEnded(mayGoOn),
    });
  }

  #opened(): void {
    this.#isOpened = true;
    this.#sendWaiting();
  }

  #sendWaiting(): void {
    if (this.#waiting === null || !this.#isOpened) return;
    const { head, body } = this.#waiting;
    this.#waiting = null;
    this.#parser.expect();
    if (head.length + body.length <= MOST_IN_ONE_STRING) this.#socket.write(head + body.toString('latin1'), 'latin1');
    else {
      this.#socket.cork();
      this.#socket.write(head, 'latin1');
      this.#socket.write(body);
      this.#socket.uncork();
    }
  }

  #read(bytes: Buffer): void {
    try {
      this.#parser.push(bytes);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #readOn(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#socket.resume();
  }

  #answerBegan(status: number, headers: AnswerHeaders): void {
    this.#idleForAtMostMs = idleTimeIn(headers.get('keep-alive'));
    this.#tell((listener) => listener.answerBegan(status, headers));
  }

  #answerEnded(mayGoOn: boolean): void {
    const listener = this.#listener;
    if (listener === null) return;
    this.#listener = null;
    this.#readOn();
    // An upstream that answers before it has read all would take the rest of the request for the next one.
    if (mayGoOn && this.isUsable && this.#socket.writableLength === 0) this.#owner.freed(this, this.#idleForAtMostMs);
    else this.#socket.destroy();
    try {
      listener.answerEnded();
    } catch (cause) {
      listener.answerFailed(new ListenerFailed('the answer could not be taken', { cause }), false); // or its request would wait for ever
    }
  }

  #tell(what: (listener: AnswerListener) => void): void {
    if (this.#listener === null) return;
    try {
      what(this.#listener);
    } catch (cause) {
      this.#fail(new ListenerFailed('the answer could not be taken', { cause }));
    }
  }

  #upstreamClosed(): void {
    try {
      this.#parser.close();
      this.#socket.destroy();
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #fail(error: Error): void {
    const socket = this.#socket;
    if (this.#waiting !== null && this.#isOpened) this.#dialAgain();
    else {
      const listener = this.#listener;
      this.#listener = null;
      this.#waiting = null;
      listener?.answerFailed(error, !this.#isOpened);
    }
    socket.destroy();
  }

  /** It went while it rested. */
  #dialAgain(): void {
    this.#isOpened = false;
    this.#parser = this.#newParser();
    this.#socket = this.#open();
  }
}

/** Ours ends a second before theirs: a request must not meet a connection that is just being closed. */
const BEFORE_THEIRS_MS = 1_000;

function idleTimeIn(keepAlive: string | undefined): number {
  if (keepAlive === undefined) return Number.POSITIVE_INFINITY;
  const seconds = /\btimeout=(\d{1,6})\b/.exec(keepAlive)?.[1];
  return seconds === undefined ? Number.POSITIVE_INFINITY : Number(seconds) * 1_000 - BEFORE_THEIRS_MS;
}
