// What OpenAI's surfaces have in common on the wire.
import type { Exchange, SurfaceErrors } from './exchange.ts';
import type { JsonObject } from './json-body.ts';
import { encode, frame, type WireStyle } from './wire-style.ts';

export function envelope({ attemptId, body }: Exchange, object: string): JsonObject {
  return {
    id: `chatcmpl-${attemptId}`,
    object,
    created: Math.floor(Date.now() / 1000),
    model: body.model,
    system_fingerprint: 'fp_demo',
  };
}

export const FINISH_REASONS = { stop: 'stop', length: 'length', tools: 'tool_calls' } as const;

export function event(data: JsonObject, style: WireStyle): string {
  return frame(null, encode(data, style), style);
}

export function chatErrors(exchange: Exchange, object: string): SurfaceErrors {
  const message = 'The server had an error while processing your request. Sorry about that!';
  const body = { error: { message, type: 'server_error', param: null, code: null } };
  const idle = { name: null, data: { ...envelope(exchange, object), choices: [] } };
  return { body, event: event(body, exchange.style), idle };
}

/** One item of each in turn, until all are used up. */
export function* interleaved<T>(sources: readonly Generator<T>[]): Generator<T> {
  for (let open = sources; open.length > 0; ) {
    const still: Generator<T>[] = [];
    for (const source of open) {
      const item = source.next();
      if (item.done === true) continue;
      still.push(source);
      yield item.value;
    }
    open = still;
  }
}
