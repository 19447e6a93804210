// Every byte of a request that may not change arrives as it was sent (golden, and as a property of random bodies).
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Dialect, RewriteOrder } from '../../../../api/proxy/dialect.ts';
import { anthropicMessages } from '../../../../api/proxy/dialects/anthropic-messages.ts';
import { openaiChat } from '../../../../api/proxy/dialects/openai-chat.ts';
import { openaiCompletions } from '../../../../api/proxy/dialects/openai-completions.ts';
import { openaiEmbeddings } from '../../../../api/proxy/dialects/openai-embeddings.ts';
import { openaiResponses } from '../../../../api/proxy/dialects/openai-responses.ts';

// A body is generated as the texts of its members, so that what a rewrite must give can be written down from the same
// texts, without looking for anything in the bytes.
interface Member {
  readonly name: string;
  readonly value: string;
}

const space = fc.constantFrom('', '', ' ', '\n\t', '\r\n  ');
const json = fc.oneof(
  fc.json({ maxDepth: 4, stringUnit: 'binary' }),
  fc.constantFrom('"}],\\"model\\":\\\\"', '[1.5,-2e9,[]]'),
);
const otherName = fc
  .string({ unit: 'binary', maxLength: 12 })
  .map((name) => `x-${name}`)
  .filter((name) => name.length > 2);
const others = fc.uniqueArray(fc.record({ name: otherName, value: json }), {
  maxLength: 5,
  selector: ({ name }) => name,
});
const modelId = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 });

function written(members: readonly Member[], gaps: readonly string[], inserted = ''): string {
  const gap = (i: number) => gaps[i % gaps.length] ?? '';
  const texts = members.map(
    ({ name, value }, i) => `${gap(i)}${JSON.stringify(name)}${gap(i + 1)}:${gap(i + 2)}${value}${gap(i + 3)}`,
  );
  return `${gap(7)}{${inserted}${texts.join(',')}}${gap(8)}`;
}

function replaced(members: readonly Member[], values: Readonly<Record<string, string>>): Member[] {
  return members.map((member) => ({ ...member, value: values[member.name] ?? member.value }));
}

const ORDER: RewriteOrder = { upstreamModel: 'up', outputCap: null, outputCapField: null };
const MESSAGES: Member = { name: 'messages', value: '[{"role":"user","content":"hi \\"model\\":\\"x\\" 船"}]' };

const SURFACES: readonly (readonly [string, Dialect, string, readonly Member[]])[] = [
  ['chat', openaiChat, 'max_tokens', [MESSAGES]],
  ['completions', openaiCompletions, 'max_tokens', [{ name: 'prompt', value: '"a"' }]],
  ['responses', openaiResponses, 'max_output_tokens', [{ name: 'input', value: '"a"' }]],
  ['messages', anthropicMessages, 'max_tokens', [MESSAGES]],
];

describe.each(SURFACES)('on %s', (_name, dialect, capName, required) => {
  test('a rewrite changes the model and the cap, and not another byte', () => {
    fc.assert(
      fc.property(
        others,
        modelId,
        modelId,
        fc.array(space, { minLength: 9, maxLength: 9 }),
        fc.nat(),
        (more, asked, sold, gaps, seed) => {
          const own = [{ name: 'model', value: JSON.stringify(asked) }, { name: capName, value: '400' }, ...required];
          const members = shuffled([...own, ...more], seed);
          const body = Buffer.from(written(members, gaps));

          const rewritten = dialect.rewriteRequest(body, dialect.readRequest(body), {
            ...ORDER,
            upstreamModel: sold,
            outputCap: 123,
          });

          const expected = written(
            replaced(members, {
              model: sold === asked ? JSON.stringify(asked) : JSON.stringify(sold),
              [capName]: '123',
            }),
            gaps,
          );
          expect(rewritten.toString()).toBe(expected);
          expect(JSON.parse(rewritten.toString())).toEqual({
            ...JSON.parse(body.toString()),
            model: sold,
            [capName]: 123,
          });
        },
      ),
      { numRuns: 200 },
    );
  });

  test('a body that is right already is the very same Buffer', () => {
    const own = [{ name: 'model', value: '"m"' }, { name: capName, value: '400' }, ...required];
    const body = Buffer.from(written(own, [' ']));

    expect(dialect.rewriteRequest(body, dialect.readRequest(body), { ...ORDER, upstreamModel: 'm' })).toBe(body);
    expect(
      dialect.rewriteRequest(body, dialect.readRequest(body), { ...ORDER, upstreamModel: 'm', outputCap: 400 }),
    ).toBe(body);
  });
});

test.each([
  [openaiChat, null, 'max_tokens'],
  [openaiChat, 'max_completion_tokens', 'max_completion_tokens'],
  [openaiCompletions, 'max_completion_tokens', 'max_tokens'],
  [openaiResponses, 'max_tokens', 'max_output_tokens'],
] as const)(
  'a missing cap is inserted under the name that the channel and the surface know',
  (dialect, outputCapField, name) => {
    const body = Buffer.from('{ "messages":[{}],"input":"a","prompt":"a","model":"m" }');

    const rewritten = dialect.rewriteRequest(body, dialect.readRequest(body), {
      ...ORDER,
      outputCap: 50,
      outputCapField,
    });

    expect(rewritten.toString()).toBe(`{"${name}":50, "messages":[{}],"input":"a","prompt":"a","model":"up" }`);
  },
);

test('a cap that the client sent keeps its name, also where it sent null', () => {
  const rewrite = (cap: string) => {
    const body = Buffer.from(`{"model":"up",${cap},"messages":[{}]}`);
    return openaiChat
      .rewriteRequest(body, openaiChat.readRequest(body), { ...ORDER, outputCap: 50, outputCapField: 'max_tokens' })
      .toString();
  };
  expect(rewrite('"max_completion_tokens":90')).toBe('{"model":"up","max_completion_tokens":50,"messages":[{}]}');
  expect(rewrite('"max_completion_tokens": null')).toBe('{"model":"up","max_completion_tokens": 50,"messages":[{}]}');
  expect(rewrite('"max_tokens":null,"max_completion_tokens":7')).toBe(
    '{"model":"up","max_tokens":null,"max_completion_tokens":50,"messages":[{}]}',
  );
});

test('embeddings have no cap to change', () => {
  const body = Buffer.from('{"model":"m","input":"a"}');
  const rewritten = openaiEmbeddings.rewriteRequest(body, openaiEmbeddings.readRequest(body), {
    ...ORDER,
    outputCap: 5,
  });
  expect(rewritten.toString()).toBe('{"model":"up","input":"a"}');
});

describe.each([
  ['chat', openaiChat, '"messages":[{}]'],
  ['completions', openaiCompletions, '"prompt":"a"'],
] as const)('a streamed request on %s asks the provider for usage', (_name, dialect, prompt) => {
  test.each([
    ['absent', '', '"stream_options":{"include_usage":true},', ''],
    ['null', ',"stream_options": null', '', ',"stream_options": {"include_usage":true}'],
    ['empty', ',"stream_options":{ }', '', ',"stream_options":{"include_usage":true }'],
    ['without it', ',"stream_options":{"a":[1]}', '', ',"stream_options":{"include_usage":true,"a":[1]}'],
    [
      'false',
      ',"stream_options":{"include_usage" : false,"a":1}',
      '',
      ',"stream_options":{"include_usage" : true,"a":1}',
    ],
    [
      'of its own as null',
      ',"stream_options":{"a":1,"include_usage":null}',
      '',
      ',"stream_options":{"a":1,"include_usage":true}',
    ],
    ['true', ',"stream_options":{"include_usage":true}', '', ',"stream_options":{"include_usage":true}'],
  ])('where its options are %s', (_how, options, inserted, expected) => {
    const body = Buffer.from(`{"stream":true,${prompt}${options},"model":"m"}`);
    const facts = dialect.readRequest(body);

    const rewritten = dialect.rewriteRequest(body, facts, { ...ORDER, outputCap: 9 }).toString();

    expect(rewritten).toBe(`{"max_tokens":9,${inserted}"stream":true,${prompt}${expected},"model":"up"}`);
    expect(facts.wantsUsageChunk).toBe(options.includes('true'));
  });

  test('and an unstreamed one keeps its options, which then mean nothing', () => {
    const body = Buffer.from(`{${prompt},"stream_options":{"include_usage":false},"model":"m"}`);
    const facts = dialect.readRequest(body);
    expect(dialect.rewriteRequest(body, facts, { ...ORDER, upstreamModel: 'm' })).toBe(body);
  });
});

function shuffled<T>(values: readonly T[], seed: number): T[] {
  const rest = [...values];
  const out: T[] = [];
  for (let state = seed; rest.length > 0; state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) {
    out.push(...rest.splice(state % rest.length, 1));
  }
  return out;
}
