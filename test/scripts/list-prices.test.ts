// The recorded list prices: where they come from, what is added to them, and what requests cost by them, computed by hand.
import { expect, test } from '@jest/globals';
import type { Dialect } from '../../api/proxy/dialect.ts';
import { anthropicMessages } from '../../api/proxy/dialects/anthropic-messages.ts';
import { openaiChat } from '../../api/proxy/dialects/openai-chat.ts';
import type { Usage } from '../../domain/meters.ts';
import { charge, grossMarginPpm, type Price, sellingPrice } from '../../domain/prices.ts';
import { type ListedModel, listPrices, sourceOf } from '../../scripts/list-prices.ts';
import { OFFERED } from '../../scripts/offered-models.ts';
import { tiersOf } from '../../scripts/upstream-price.ts';

const upstream = listPrices('upstream');
const everything = [...upstream.models, ...listPrices('demo').models];

function costOf({ costPrice }: ListedModel): Price {
  return { ...costPrice, perCallNano: 0 };
}

function sold(id: string): Price {
  const listed = upstream.models.find((candidate) => candidate.id === id);
  if (listed === undefined) throw new Error(`${id} is not recorded`);
  return sellingPrice(costOf(listed), listed.multiplierPpm);
}

function usageOf(dialect: Dialect, answer: object): Usage {
  const { usage } = dialect.readAnswer(Buffer.from(JSON.stringify(answer)));
  if (usage === null) throw new Error('the answer has no usage');
  return usage;
}

test('the list names the archive it was read from, so that anybody can make it again', () => {
  expect(upstream.source).toMatchObject({ name: '@pydantic/genai-prices', version: '0.1.8', license: 'MIT' });
  expect(sourceOf(upstream)).toBe(
    `@pydantic/genai-prices 0.1.8 (sha256 ${upstream.source.sha256}), recorded on 2026-11-23`,
  );
});

test('every model that is offered is recorded as it is offered, once, with a price for what goes in and what comes out', () => {
  const ids = upstream.models.map(({ id }) => id);
  expect(ids).toEqual(OFFERED.map(({ id }) => id));
  expect(new Set(everything.map(({ id }) => id)).size).toBe(everything.length);
  for (const { provider, ...offered } of OFFERED) {
    const listed = upstream.models.find(({ id }) => id === offered.id);
    expect(listed).toMatchObject({ ...offered, ownedBy: provider });
    for (const { microUsdPerMillion } of listed?.costPrice.tiers ?? []) {
      expect(microUsdPerMillion.input).toBeGreaterThan(0);
      if (offered.kind === 'chat') expect(microUsdPerMillion.output).toBeGreaterThan(0);
    }
  }
});

test.each(upstream.models.map((listed) => [listed.id, listed] as const))(
  '%s keeps the margin of the plan on its worst meter, 20 to 40 %',
  (_id, listed) => {
    const marginPpm = grossMarginPpm(sellingPrice(costOf(listed), listed.multiplierPpm), costOf(listed));

    expect(marginPpm).toBeGreaterThanOrEqual(200_000);
    expect(marginPpm).toBeLessThanOrEqual(400_000);
  },
);

// Cost $0.75, $0.075 cached, $4.50 out; sold at x 1.3: $0.975, $0.0975, $5.85.
// 4,000 x 975 + 6,000 x 97.5 + 1,200 x 5,850 nano, of which the 800 reasoning tokens are inside the 1,200 (T26, T29).
test('OpenAI counts what was cached and what was reasoned inside its totals: 11,505,000 nano', () => {
  const usage = usageOf(openaiChat, {
    choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }],
    usage: {
      prompt_tokens: 10_000,
      completion_tokens: 1_200,
      prompt_tokens_details: { cached_tokens: 6_000 },
      completion_tokens_details: { reasoning_tokens: 800 },
    },
  });

  expect(charge(sold('gpt-5.4-mini'), usage)).toBe(11_505_000n);
});

// Cost $3, read $0.30, written $3.75 and $6, $15 out; sold at x 1.3: $3.90, $0.39, $4.875, $7.80, $19.50.
// 1,000 x 3,900 + 50,000 x 390 + 2,000 x 4,875 + 500 x 7,800 + 700 x 19,500 nano (T26, T27).
test('Anthropic counts what was read from and written to the cache beside its input: 50,700,000 nano', () => {
  const usage = usageOf(anthropicMessages, {
    type: 'message',
    content: [{ type: 'text', text: 'hi' }],
    stop_reason: 'end_turn',
    usage: {
      input_tokens: 1_000,
      cache_read_input_tokens: 50_000,
      cache_creation_input_tokens: 2_500,
      cache_creation: { ephemeral_5m_input_tokens: 2_000, ephemeral_1h_input_tokens: 500 },
      output_tokens: 700,
    },
  });

  expect(charge(sold('claude-sonnet-4-5'), usage)).toBe(50_700_000n);
});

// Cost $0.30, $0.03 cached, $2.50 out; sold at x 1.3: $0.39, $0.039, $3.25. Thoughts are counted apart from the answer and
// cost what the answer costs: 3,000 x 390 + 1,000 x 39 + 300 x 3,250 + 900 x 3,250 nano (T26).
test('Gemini counts thoughts apart from the answer, at the price of the answer: 5,109,000 nano', () => {
  const usage: Usage = { input: 3_000, cachedInput: 1_000, output: 300, reasoning: 900 };

  expect(charge(sold('gemini-2.5-flash'), usage)).toBe(5_109_000n);
});

// Cost $1.25 and $10, above 200,000 tokens of input $2.50 and $15; sold at x 1.25: $1.5625, $12.50, $3.125, $18.75.
test.each([
  [199_999, 324_998_438n], // 199,999 x 1,562.5 + 1,000 x 12,500 = 324,998,437.5
  [200_000, 325_000_000n],
  [200_001, 643_753_125n], // 200,001 x 3,125 + 1,000 x 18,750
])('Gemini 2.5 Pro with %i input tokens changes its price exactly above 200,000 (T28)', (input, nano) => {
  expect(charge(sold('gemini-2.5-pro'), { input, output: 1_000 })).toBe(nano);
});

test('cached tokens count towards the tier of a long context (T28)', () => {
  const long = { input: 1, cachedInput: 200_000, output: 0 };

  expect(charge(sold('gemini-2.5-pro'), long)).toBe(62_503_125n); // 1 x 3,125 + 200,000 x 312.5
});

test('a price with a beginning is recorded as it stands on the day of the record', () => {
  const dated = [
    { prices: { input_mtok: 10, output_mtok: 40 } },
    { constraint: { type: 'start_date', start_date: '2026-11-23' }, prices: { input_mtok: 2, output_mtok: 8 } },
    { constraint: { type: 'start_date', start_date: '2027-01-01' }, prices: { input_mtok: 1, output_mtok: 4 } },
  ];

  expect(tiersOf(dated, '2026-11-22')[0]?.microUsdPerMillion).toEqual({ input: 10_000_000, output: 40_000_000 });
  expect(tiersOf(dated, '2026-11-23')[0]?.microUsdPerMillion).toEqual({ input: 2_000_000, output: 8_000_000 });
});

test('tiers of single meters become tiers of the whole price', () => {
  const price = { input_mtok: { base: 2, tiers: [{ start: 200_000, price: 4 }] }, output_mtok: 12 };

  expect(tiersOf(price, '2026-11-23')).toEqual([
    { aboveInputTokens: 0, microUsdPerMillion: { input: 2_000_000, output: 12_000_000 } },
    { aboveInputTokens: 200_000, microUsdPerMillion: { input: 4_000_000, output: 12_000_000 } },
  ]);
});

test('what the record does not know is refused, because a price left out sells for nothing', () => {
  expect(() => tiersOf({ input_mtok: 1, output_smell_mtok: 3 }, '2026-11-23')).toThrow('output_smell_mtok');
  expect(() => tiersOf({ input_mtok: 0.000_000_5 }, '2026-11-23')).toThrow(RangeError);
  const nightly = [{ constraint: { type: 'time_of_date' }, prices: { input_mtok: 1 } }];
  expect(() => tiersOf(nightly, '2026-11-23')).toThrow('time_of_date');
});
