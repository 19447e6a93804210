// Reads the body of a request whole. What a client stops sending is nobody's request.
import type { IncomingMessage } from 'node:http';
import { Refusal } from './refusals.ts';

const BODY_BYTES_MAX = 64 * 1024 * 1024;

/** null: the client left before it had sent all. */
export function readBody(request: IncomingMessage): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > BODY_BYTES_MAX) {
        chunks.length = 0;
        reject(new Refusal(413, `Maximum content size limit (${BODY_BYTES_MAX}) exceeded`));
      } else chunks.push(chunk);
    });
    request.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    request.on('close', () => resolve(null));
    request.on('error', () => {}); // followed by 'close'
  });
}
