// The text of every answer. Each word is a whole number of tokens long: its UTF-8 length is a multiple of the model's bytes
// per token, so the bytes that reached a client say exactly how many tokens it was given. The lists are hostile on purpose:
// characters of two, three and four bytes, quotes and line ends that JSON must escape, and text that looks like protocol.
import { sequence } from './chance.ts';

export interface Piece {
  readonly text: string;
  readonly outputTokens: number;
}

const HOSTILE: Readonly<Record<number, readonly string[]>> = {
  3: ['"q"', 'a.\n', '🙂 \n', '[DONE]', '"usage": '],
  4: ['"a" ', 'ok.\n', '\\n\t ', '"usage":', '[DONE]\n\n'],
};

const PLAIN: Readonly<Record<number, readonly string[]>> = {
  3: ['to ', 'we ', 'is ', 'no ', '中', '€', 'é ', 'meter ', 'price ', 'süß ', 'кот', '数量', 'upstream ', '计费表'],
  4: [
    'the ',
    'and ',
    'for ',
    'où ',
    'да',
    '中 ',
    '💶',
    'gateway ',
    'billing ',
    'channel ',
    '文字, ',
    'naïve, ',
    'данные',
  ],
};

/** Pieces of one to a few tokens that together are exactly outputTokens long. */
export function* words(choice: WordChoice): Generator<Piece> {
  const next = sequence(choice.seed);
  let left = choice.outputTokens;
  while (left > 0) {
    const size = Math.min(left, 1 + (next() % choice.pieceTokensMax));
    yield { text: phrase(choice, size, next), outputTokens: size };
    left -= size;
  }
}

export interface WordChoice {
  readonly seed: number;
  readonly bytesPerToken: number;
  readonly outputTokens: number;
  readonly pieceTokensMax: number;
  /** Words that stand in a JSON string as they are. */
  readonly plain: boolean;
}

function phrase(choice: WordChoice, size: number, next: () => number): string {
  let text = '';
  for (let left = size; left > 0; ) {
    const fitting = vocabulary(choice.bytesPerToken, choice.plain)[Math.min(left, LONGEST_WORD_TOKENS)] ?? [];
    const word = fitting[next() % fitting.length] ?? '';
    text += word;
    left -= Buffer.byteLength(word) / choice.bytesPerToken;
  }
  return text;
}

export const LONGEST_WORD_TOKENS = 3;

/** For each number of tokens the words that are at most that long. */
export function vocabulary(bytesPerToken: number, plain: boolean): readonly (readonly string[])[] {
  const known = (plain ? PLAIN_BY_SIZE : ALL_BY_SIZE)[bytesPerToken];
  if (known === undefined) throw new RangeError(`no words for ${bytesPerToken} bytes per token`);
  return known;
}

const PLAIN_BY_SIZE = bySize(PLAIN, {});
const ALL_BY_SIZE = bySize(PLAIN, HOSTILE);

function bySize(lists: typeof PLAIN, more: typeof PLAIN): Record<number, string[][]> {
  const sorted: Record<number, string[][]> = {};
  for (const [bytesPerToken, list] of Object.entries(lists)) {
    const all = [...list, ...(more[Number(bytesPerToken)] ?? [])];
    const fits = (size: number) => all.filter((word) => Buffer.byteLength(word) <= size * Number(bytesPerToken));
    sorted[Number(bytesPerToken)] = Array.from({ length: LONGEST_WORD_TOKENS + 1 }, (_, size) => fits(size));
  }
  return sorted;
}
