// Temporal as an operator reaches it, who has the key of its payloads; by a connection of its own, as it is killed all the time.
import { Client, Connection } from '@temporalio/client';
import { TEMPORAL_NAMESPACE } from '../../../scripts/parts/temporal.ts';
import { PayloadCodec } from '../../../services/vault/payload-codec.ts';
import { parseKeyring } from '../../../services/vault/vault.ts';
import type { KeysProduct } from './keys-product.ts';

export function payloadCodec({ environment }: KeysProduct): PayloadCodec {
  return new PayloadCodec(parseKeyring('Payload', environment.TOLLGATE_PAYLOAD_KEYS ?? ''));
}

export async function withTemporal<T>(product: KeysProduct, work: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address: product.temporal.url });
  try {
    const dataConverter = { payloadCodecs: [payloadCodec(product)] };
    return await work(new Client({ connection, namespace: TEMPORAL_NAMESPACE, dataConverter }));
  } finally {
    await connection.close();
  }
}
