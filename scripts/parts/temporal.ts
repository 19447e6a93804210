// The Temporal part: TEMPORAL_ADDRESS, else a dev server of our own with its UI. What it holds lies in one file under
// $TOLLGATE_HOME/temporal, and outlives a kill -9; it is time and order only, the truth is in PostgreSQL.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import {
  encodeSearchAttributeIndexedValueType,
  type SearchAttributeKey,
  type SearchAttributeType,
} from '@temporalio/common/lib/search-attributes.js';
import type { Launch } from './home.ts';
import { whyClosed } from './readiness.ts';
import { type ProcessPlan, SupervisedProcess } from './supervised-process.ts';
import { findOrFetch, TEMPORAL } from './temporal-programs.ts';

export const TEMPORAL_NAMESPACE = 'tollgate-dev';
const HOST = '127.0.0.1';
const DEFAULT_PORTS = { frontend: 7233, ui: 8233 };
const PROBE_MS = 2_000;
const REQUEST_MS = 15_000;

export interface TemporalServer {
  /** 127.0.0.1:7233 */
  readonly address: string;
  /** Null where the server is not ours: nobody tells where its UI is. */
  readonly uiUrl: string | null;
  /** For people: which server it is. */
  readonly text: string;
  readonly process: SupervisedProcess | null;
}

export interface TemporalNeeds {
  readonly searchAttributes: readonly SearchAttributeKey<SearchAttributeType>[];
  /** The preferred port or a free one, held for as long as the server may have to come back on it. */
  takePort(preferred: number): Promise<number>;
  /** Where the UI has payloads decoded. */
  readonly codecEndpoint?: string;
}

export async function bringUpTemporal(launch: Launch, needs: TemporalNeeds): Promise<TemporalServer> {
  const given = process.env.TEMPORAL_ADDRESS;
  const server = given ? await givenServer(given) : await startDevServer(launch, needs);
  try {
    await declareSearchAttributes(server.address, needs.searchAttributes);
    return server;
  } catch (error) {
    await server.process?.stop();
    throw error;
  }
}

async function givenServer(address: string): Promise<TemporalServer> {
  const silence = await whyTemporalIsSilent(address);
  if (silence !== null) throw new Error(`TEMPORAL_ADDRESS cannot be used (${silence}): correct it, or unset it`);
  return { address, uiUrl: null, text: `ready at TEMPORAL_ADDRESS (namespace ${TEMPORAL_NAMESPACE})`, process: null };
}

async function startDevServer(launch: Launch, needs: TemporalNeeds): Promise<TemporalServer> {
  const program = await findOrFetch(TEMPORAL, launch);
  const port = await needs.takePort(DEFAULT_PORTS.frontend);
  const uiPort = await needs.takePort(DEFAULT_PORTS.ui);
  const folder = join(launch.home, 'temporal');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const process = await SupervisedProcess.start(
    planOf(program.file, folder, { port, uiPort, codecEndpoint: needs.codecEndpoint }),
    launch,
  );
  const [address, uiUrl] = [`${HOST}:${port}`, `http://${HOST}:${uiPort}`];
  return { address, uiUrl, text: `ready on ${address}, UI ${uiUrl} (${program.origin})`, process };
}

function planOf(
  program: string,
  folder: string,
  { port, uiPort, codecEndpoint }: { port: number; uiPort: number; codecEndpoint: string | undefined },
): ProcessPlan {
  const settings = {
    ip: HOST,
    port,
    'ui-port': uiPort,
    namespace: TEMPORAL_NAMESPACE,
    'db-filename': join(folder, 'temporal.sqlite'),
    'log-level': 'warn',
    ...(codecEndpoint === undefined ? {} : { 'ui-codec-endpoint': codecEndpoint }),
  };
  // It would ask its maker for newer versions; and an id that production's PostgreSQL schema refuses is refused here too.
  const dynamic = ['frontend.enableServerVersionCheck=false', 'limit.maxIDLength=255'];
  return {
    part: 'temporal',
    command: program,
    args: [
      ...['server', 'start-dev'],
      ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]),
      ...dynamic.flatMap((value) => ['--dynamic-config-value', value]),
    ],
    // Nothing of the caller's: TEMPORAL_* would point it at another server.
    env: { PATH: process.env.PATH, TZ: 'UTC' },
    folder,
    user: null,
    input: null,
    stopSignal: 'SIGTERM',
    graceMs: 10_000,
    readyWithinMs: 30_000,
    missing: () => whyTemporalIsSilent(`${HOST}:${port}`),
  };
}

/** Null when it serves our namespace. */
async function whyTemporalIsSilent(address: string): Promise<string | null> {
  // gRPC hides a refused connection behind its own patience: it is asked only where somebody listens.
  return (await whyNotReached(address)) ?? (await whyUnserved(address));
}

function whyNotReached(address: string): Promise<string | null> {
  const [, host, port] = /^\[?([^\s/\]]+)\]?:(\d{1,5})$/.exec(address) ?? [];
  return host === undefined ? Promise.resolve(`${address} is no host:port`) : whyClosed(Number(port), host);
}

async function whyUnserved(address: string): Promise<string | null> {
  try {
    return await connected(address, PROBE_MS, async (connection) => {
      await connection.workflowService.describeNamespace({ namespace: TEMPORAL_NAMESPACE });
      return null;
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const isUnknown = message.includes('NOT_FOUND');
    return isUnknown
      ? `no namespace there: temporal operator namespace create --namespace ${TEMPORAL_NAMESPACE} --retention 30d`
      : message;
  }
}

/** Known ones stay as they are (D38). */
export async function declareSearchAttributes(
  address: string,
  wanted: TemporalNeeds['searchAttributes'],
  namespace = TEMPORAL_NAMESPACE,
): Promise<void> {
  if (wanted.length === 0) return;
  const types = wanted.map(({ name, type }) => [name, encodeSearchAttributeIndexedValueType(type) ?? 0]);
  await connected(address, REQUEST_MS, async ({ operatorService }) => {
    await operatorService.addSearchAttributes({ namespace, searchAttributes: Object.fromEntries(types) });
  });
}

async function connected<T>(
  address: string,
  withinMs: number,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = await Connection.connect({ address, connectTimeout: withinMs });
  try {
    return await connection.withDeadline(Date.now() + withinMs, () => work(connection));
  } finally {
    await connection.close();
  }
}
