// Which models of the upstream list are sold, what is known about them, and by how much above their cost. The plan is a gross
// margin of 20-40 %: the dearer a model, the more of its price we can leave to the customer. A multiplier is never 1.
import type { ListedModel } from './list-prices.ts';

export interface OfferedModel extends Omit<ListedModel, 'costPrice' | 'ownedBy'> {
  readonly provider: 'openai' | 'anthropic' | 'google';
}

const FLAGSHIP_PPM = 1_250_000;
const WORKHORSE_PPM = 1_300_000;
const SMALL_PPM = 1_400_000;
const EMBEDDING_PPM = 1_500_000;

const K = 1_000;

export const OFFERED: readonly OfferedModel[] = [
  chat('openai', 'gpt-6-astra', 'GPT-6 Astra', 1_050 * K, 128 * K, FLAGSHIP_PPM),
  chat('openai', 'gpt-6-sol', 'GPT-6 Sol', 1_050 * K, 128 * K, WORKHORSE_PPM),
  chat('openai', 'gpt-6-luna', 'GPT-6 Luna', 1_050 * K, 128 * K, SMALL_PPM),
  chat('openai', 'gpt-5.5', 'GPT-5.5', 1_000 * K, 128 * K, FLAGSHIP_PPM),
  chat('openai', 'gpt-5.4', 'GPT-5.4', 1_050 * K, 128 * K, FLAGSHIP_PPM),
  chat('openai', 'gpt-5.4-mini', 'GPT-5.4 mini', 400 * K, 128 * K, WORKHORSE_PPM),
  chat('openai', 'gpt-5.4-nano', 'GPT-5.4 nano', 400 * K, 128 * K, SMALL_PPM),
  chat('openai', 'gpt-5.2', 'GPT-5.2', 400 * K, 128 * K, FLAGSHIP_PPM),
  chat('openai', 'gpt-5.1', 'GPT-5.1', 400 * K, 128 * K, FLAGSHIP_PPM),
  chat('openai', 'gpt-5', 'GPT-5', 400 * K, 128 * K, FLAGSHIP_PPM),
  chat('openai', 'gpt-5-mini', 'GPT-5 mini', 400 * K, 128 * K, WORKHORSE_PPM),
  chat('openai', 'gpt-5-nano', 'GPT-5 nano', 400 * K, 128 * K, SMALL_PPM),
  chat('openai', 'gpt-4.1', 'GPT-4.1', 1_000 * K, 32_768, FLAGSHIP_PPM),
  chat('openai', 'gpt-4.1-mini', 'GPT-4.1 mini', 1_000 * K, 32_768, WORKHORSE_PPM),
  chat('openai', 'gpt-4.1-nano', 'GPT-4.1 nano', 1_000 * K, 32_768, SMALL_PPM),
  chat('openai', 'gpt-4o', 'GPT-4o', 128 * K, 16_384, FLAGSHIP_PPM),
  chat('openai', 'gpt-4o-mini', 'GPT-4o mini', 128 * K, 16_384, SMALL_PPM),
  chat('openai', 'o3', 'o3', 200 * K, 100 * K, FLAGSHIP_PPM),
  chat('openai', 'o4-mini', 'o4-mini', 200 * K, 100 * K, WORKHORSE_PPM),
  embedding('openai', 'text-embedding-3-large', 'Text Embedding 3 large', 8_192),
  embedding('openai', 'text-embedding-3-small', 'Text Embedding 3 small', 8_192),
  chat('anthropic', 'claude-fable-5-1', 'Claude Fable 5.1', 1_000 * K, 128 * K, FLAGSHIP_PPM),
  chat('anthropic', 'claude-opus-5-5', 'Claude Opus 5.5', 1_000 * K, 128 * K, FLAGSHIP_PPM),
  chat('anthropic', 'claude-opus-5', 'Claude Opus 5', 1_000 * K, 128 * K, FLAGSHIP_PPM),
  chat('anthropic', 'claude-opus-4-5', 'Claude Opus 4.5', 200 * K, 64 * K, FLAGSHIP_PPM),
  chat('anthropic', 'claude-sonnet-5', 'Claude Sonnet 5', 1_000 * K, 128 * K, WORKHORSE_PPM),
  chat('anthropic', 'claude-sonnet-4-6', 'Claude Sonnet 4.6', 1_000 * K, 128 * K, WORKHORSE_PPM),
  chat('anthropic', 'claude-sonnet-4-5', 'Claude Sonnet 4.5', 1_000 * K, 64 * K, WORKHORSE_PPM),
  chat('anthropic', 'claude-haiku-4-5', 'Claude Haiku 4.5', 200 * K, 64 * K, SMALL_PPM),
  chat('google', 'gemini-3.1-pro-preview', 'Gemini 3.1 Pro (preview)', 1_048_576, 65_536, FLAGSHIP_PPM),
  chat('google', 'gemini-3.5-flash', 'Gemini 3.5 Flash', 1_000 * K, 65_536, WORKHORSE_PPM),
  chat('google', 'gemini-3.5-flash-lite', 'Gemini 3.5 Flash Lite', 1_000 * K, 65_536, SMALL_PPM),
  chat('google', 'gemini-2.5-pro', 'Gemini 2.5 Pro', 1_048_576, 65_536, FLAGSHIP_PPM),
  chat('google', 'gemini-2.5-flash', 'Gemini 2.5 Flash', 1_048_576, 65_536, WORKHORSE_PPM),
  chat('google', 'gemini-2.5-flash-lite', 'Gemini 2.5 Flash Lite', 1_000 * K, 65_536, SMALL_PPM),
  embedding('google', 'gemini-embedding-001', 'Gemini Embedding 001', 2_048),
];

function chat(
  provider: OfferedModel['provider'],
  id: string,
  displayName: string,
  contextTokens: number,
  maxOutputTokens: number,
  multiplierPpm: number,
): OfferedModel {
  // What the plan Free includes (D68).
  const basic = multiplierPpm === SMALL_PPM ? { basic: true } : {};
  const sold = { kind: 'chat', ...basic, bytesPerToken: 4 } as const;
  return { provider, id, displayName, ...sold, contextTokens, maxOutputTokens, multiplierPpm };
}

function embedding(
  provider: OfferedModel['provider'],
  id: string,
  displayName: string,
  contextTokens: number,
): OfferedModel {
  const sold = {
    kind: 'embedding',
    basic: true,
    bytesPerToken: 4,
    maxOutputTokens: 0,
    multiplierPpm: EMBEDDING_PPM,
  } as const;
  return { provider, id, displayName, contextTokens, ...sold };
}
