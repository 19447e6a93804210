// Rows of the catalogue as an administrator leaves them, sound or not. What a test does not name is ordinary.
import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { channelKeyContext } from '../../../services/channels/channel-key-context.ts';
import type { Vault } from '../../../services/vault/vault.ts';

const DAY_MS = 86_400_000;

interface NewChannel {
  readonly name: string;
  readonly baseUrl?: string;
  readonly provider?: string;
  readonly priority?: number;
  readonly outputCapField?: string;
  readonly onDisconnect?: string;
  readonly requestsPerMinute?: number;
  readonly usageExport?: string;
}

interface PriceTraits {
  readonly channelId?: string;
  readonly effectiveInMs?: number;
}

export class Catalogue {
  readonly #admin: Pool;
  readonly #vault: Vault;

  /** `admin`: as superuser of the database. */
  constructor(admin: Pool, vault: Vault) {
    this.#admin = admin;
    this.#vault = vault;
  }

  /** gpt-x, priced on both sides, on one channel at https://api.example.com/v1 without keys. */
  async addSoldModel(): Promise<string> {
    const channelId = await this.addChannel({ name: 'first' });
    await this.addModel('gpt-x');
    await this.addRoute(channelId, 'gpt-x', 'gpt-x');
    await this.addPrice('gpt-x', 'selling', { input: 3, output: 9 });
    await this.addPrice('gpt-x', 'cost', { input: 2, output: 8 });
    return channelId;
  }

  async addChannel(channel: NewChannel): Promise<string> {
    const id = randomUUID();
    await this.#admin.query(
      `insert into channels (id, name, provider, base_url, priority, output_cap_field, on_disconnect, requests_per_minute, usage_export)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        id,
        channel.name,
        channel.provider ?? 'openai',
        channel.baseUrl ?? 'https://api.example.com/v1',
        channel.priority ?? 1,
        channel.outputCapField ?? null,
        channel.onDisconnect ?? 'cancel_stops_billing',
        channel.requestsPerMinute ?? null,
        channel.usageExport ?? null,
      ],
    );
    return id;
  }

  async addKey(channelId: string, baseUrl: string, credential: string, sealer = this.#vault): Promise<string> {
    const id = randomUUID();
    const sealed = sealer.seal(credential, channelKeyContext(id, baseUrl), sealer.keyring.current);
    await this.#admin.query(
      'insert into channel_keys (id, channel_id, sealed, master_key_version, last_four) values ($1, $2, $3, $4, $5)',
      [id, channelId, JSON.stringify(sealed), sealed.v, credential.slice(-4)],
    );
    return id;
  }

  async addModel(id: string, { tokensPerMinute }: { readonly tokensPerMinute?: number } = {}): Promise<void> {
    await this.#admin.query(
      `insert into models (id, display_name, owned_by, kind, context_tokens, max_output_tokens, bytes_per_token, tokens_per_minute)
       values ($1, $1, 'someone', 'chat', 128000, 16000, 4, $2)`,
      [id, tokensPerMinute ?? null],
    );
  }

  async addRoute(channelId: string, modelId: string, upstreamModel: string): Promise<void> {
    await this.#admin.query('insert into channel_models values ($1, $2, $3)', [channelId, modelId, upstreamModel]);
  }

  async addPrice(
    modelId: string,
    side: 'selling' | 'cost',
    microUsdPerMillion: unknown,
    { channelId, effectiveInMs = -DAY_MS }: PriceTraits = {},
  ): Promise<string> {
    const id = randomUUID();
    await this.#admin.query(
      `insert into price_versions (id, model_id, side, channel_id, price, effective_at, source, created_by)
       values ($1, $2, $3, $4, $5, $6, 'test', 'test')`,
      [
        id,
        modelId,
        side,
        channelId ?? null,
        JSON.stringify(priceOf(microUsdPerMillion)),
        new Date(Date.now() + effectiveInMs),
      ],
    );
    return id;
  }
}

export function priceOf(microUsdPerMillion: unknown) {
  return { tiers: [{ aboveInputTokens: 0, microUsdPerMillion }], perCallNano: 0 };
}
