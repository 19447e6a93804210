// The only place of this process where a connection to Temporal is opened. One connection carries both the worker's polls and the
// client's requests.
import { Client } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import type { TemporalAccess, TemporalTls } from '../services/platform/temporal-access.ts';
import type { PayloadCodec } from '../services/vault/payload-codec.ts';
import { FAILURE_CONVERTER } from './workflow-bundle.ts';

const REQUEST_MS = 2_000;

export interface TemporalPlace {
  readonly address: string;
  readonly namespace: string;
  readonly access: TemporalAccess;
}

export type TemporalClient = Client;
export type ScheduleClient = Client['schedule'];

export interface TemporalLink {
  readonly connection: NativeConnection;
  readonly client: Client;
  readonly dataConverter: ReturnType<typeof dataConverterWith>;
  /** Rejects when it does not serve our namespace within two seconds. */
  ask(): Promise<void>;
}

/** What is sent to Temporal is encrypted, whoever sends it. */
export function dataConverterWith(codec: PayloadCodec) {
  return { payloadCodecs: [codec], failureConverterPath: FAILURE_CONVERTER };
}

export async function openTemporal(
  { address, namespace, access }: TemporalPlace,
  codec: PayloadCodec,
): Promise<TemporalLink> {
  const connection = await NativeConnection.connect({
    address,
    ...(access.tls === null ? {} : { tls: tlsOf(access.tls) }),
    ...(access.apiKey === null ? {} : { apiKey: access.apiKey }),
  });
  const dataConverter = dataConverterWith(codec);
  const client = new Client({ connection, namespace, dataConverter });
  const ask = () =>
    connection.withDeadline(Date.now() + REQUEST_MS, async () => {
      await connection.workflowService.describeNamespace({ namespace });
    });
  return { connection, client, dataConverter, ask };
}

function tlsOf({ authority, client, serverName }: TemporalTls) {
  return {
    ...(authority === null ? {} : { serverRootCACertificate: authority }),
    ...(client === null ? {} : { clientCertPair: { crt: client.certificate, key: client.privateKey } }),
    ...(serverName === null ? {} : { serverNameOverride: serverName }),
  };
}
