// One request, sent and read to whatever end it has; what comes back is the line that the driver logs.
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { AnswerReader } from './answer-reader.ts';
import type { PlannedRequest, Surface } from './plan.ts';
import { bodyOf, headersOf, urlOf } from './request-body.ts';

export interface AnswerLine {
  readonly at: number;
  readonly keyIndex: number;
  readonly api: string;
  readonly model: string;
  readonly surface: Surface;
  readonly streamed: boolean;
  /** Null: no head arrived. */
  readonly requestId: string | null;
  /** 0: no head arrived. */
  readonly status: number;
  readonly bytes: number;
  readonly promptBytes: number;
  readonly contentBytes: number;
  readonly terminatorSeen: boolean;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly abortedByClient: boolean;
  readonly faultAsked: string | null;
  readonly retryAfterMs: number | null;
  readonly ms: number;
}

const NOBODY_LISTENS_MS = 100;

/** Requests that were sent and have not ended. */
let underWay = 0;

export function inFlight(): number {
  return underWay;
}

export const agent = new Agent({ keepAlive: true, maxFreeSockets: 512 });

/**
 * Where nobody listens nothing was sent, so the next address is asked, as a balancer would, and after all of them the first one
 * again. Only a request that somebody accepted counts.
 */
export async function send(planned: PlannedRequest, timeoutMs: number): Promise<AnswerLine> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    for (const baseUrl of planned.baseUrls) {
      const line = await sendTo(baseUrl, planned, timeoutMs);
      if (line.errorCode !== 'ECONNREFUSED' || performance.now() > deadlineMs) return line;
    }
    await wait(NOBODY_LISTENS_MS);
  }
}

function sendTo(baseUrl: string, planned: PlannedRequest, timeoutMs: number): Promise<AnswerLine> {
  return new Promise((resolve) => new Exchange(baseUrl, planned, timeoutMs, resolve));
}

class Exchange {
  readonly #baseUrl: string;
  readonly #planned: PlannedRequest;
  readonly #resolve: (line: AnswerLine) => void;
  #reader: AnswerReader;
  readonly #at = Date.now();
  readonly #startedAtMs = performance.now();
  readonly #request: ClientRequest;
  readonly #timers: NodeJS.Timeout[];
  #response: IncomingMessage | null = null;
  #bytes = 0;
  #aborted = false;
  #failure: string | null = null;

  constructor(baseUrl: string, planned: PlannedRequest, timeoutMs: number, resolve: (line: AnswerLine) => void) {
    this.#baseUrl = baseUrl;
    this.#planned = planned;
    this.#resolve = resolve;
    this.#reader = new AnswerReader(planned.surface, false);
    this.#request = request(urlOf(planned, baseUrl), { method: 'POST', agent, headers: headersOf(planned) });
    this.#request.on('response', (response) => this.#answered(response));
    this.#request.on('error', (error) => this.#failed(error));
    this.#request.on('close', () => {
      if (this.#response === null) this.#ended();
    });
    this.#timers = [setTimeout(() => this.#hangUp(), timeoutMs)];
    const { hangUp } = planned;
    if (hangUp !== null && 'afterMs' in hangUp) this.#timers.push(setTimeout(() => this.#hangUp(), hangUp.afterMs));
    underWay += 1;
    this.#request.end(bodyOf(planned));
  }

  #answered(response: IncomingMessage): void {
    this.#response = response;
    // By what came, not by what was asked: a stream that is refused is answered with a plain error.
    const isStream = response.headers['content-type']?.startsWith('text/event-stream') ?? false;
    this.#reader = new AnswerReader(this.#planned.surface, isStream);
    response.on('data', (chunk: Buffer) => this.#received(chunk));
    response.on('end', () => {
      if (response.complete) this.#reader.finish();
    });
    response.on('error', (error) => this.#failed(error));
    response.on('close', () => this.#ended());
  }

  #received(chunk: Buffer): void {
    this.#bytes += chunk.length;
    this.#reader.read(chunk);
    const { hangUp } = this.#planned;
    if (hangUp !== null && 'afterBytes' in hangUp && this.#bytes >= hangUp.afterBytes) this.#hangUp();
  }

  /** After the end was seen there is nothing left to hang up on. */
  #hangUp(): void {
    if (this.#reader.terminatorSeen) return;
    this.#aborted = true;
    this.#request.destroy();
  }

  #failed(error: Error): void {
    this.#failure ??= 'code' in error && typeof error.code === 'string' ? error.code : error.message;
  }

  #ended(): void {
    underWay -= 1;
    for (const timer of this.#timers) clearTimeout(timer);
    const { keyIndex, modelId, surface, streamed, fault, prompt } = this.#planned;
    const headers = this.#response?.headers ?? {};
    const retryAfter = Number(headers['retry-after']);
    this.#resolve({
      at: this.#at,
      keyIndex,
      api: this.#baseUrl,
      model: modelId,
      surface,
      streamed,
      requestId: typeof headers['x-request-id'] === 'string' ? headers['x-request-id'] : null,
      status: this.#response?.statusCode ?? 0,
      bytes: this.#bytes,
      promptBytes: Buffer.byteLength(prompt),
      contentBytes: this.#reader.contentBytes,
      terminatorSeen: this.#reader.terminatorSeen,
      errorCode: this.#reader.errorCode ?? this.#failure,
      errorMessage: this.#reader.errorMessage,
      abortedByClient: this.#aborted,
      faultAsked: fault,
      retryAfterMs: Number.isFinite(retryAfter) ? retryAfter * 1_000 : null,
      ms: Math.round(performance.now() - this.#startedAtMs),
    });
  }
}
