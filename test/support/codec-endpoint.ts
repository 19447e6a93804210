// Where payloads are decoded for the command line, as every worker process serves it, for a test that runs its workers itself.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import { createLog } from '../../services/platform/log.ts';
import { CodecAccess } from '../../workers/codec-access.ts';
import { createWorkerApp } from '../../workers/http.ts';
import { WORKERS_ADMIN_TOKEN, workersCodec } from './worker-process.ts';

export interface CodecEndpoint {
  /** http://127.0.0.1:<port> */
  readonly url: string;
  close(): void;
}

export async function startCodecEndpoint(): Promise<CodecEndpoint> {
  const server = createWorkerApp({
    work: { isTemporalUp: true, isWorking: true },
    registry: new Registry(),
    codec: workersCodec,
    access: new CodecAccess(WORKERS_ADMIN_TOKEN),
    uiOrigin: null,
    runbook: () => '',
    log: createLog({ name: 'codec', level: 'silent' }),
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => void server.close(),
  };
}
