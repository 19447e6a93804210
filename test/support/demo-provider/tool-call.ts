// Calls of the client's own tools, with arguments that fit its schema well enough to be run: JSON that is streamed in pieces.
import type { ToolOffer } from './ask.ts';
import { draw, drawBetween } from './chance.ts';
import { type JsonObject, listOf, objectOf } from './json-body.ts';
import { type Piece, words } from './words.ts';

export interface ToolSegment {
  readonly kind: 'tool';
  readonly meter: 'output';
  readonly callId: string;
  readonly name: string;
  /** Tokens of the name, generated with the opening event. */
  readonly openingTokens: number;
  readonly outputTokens: number;
  readonly pieces: () => Iterable<Piece>;
}

/** room: the output tokens left; a call that needs more is cut short, as a model stopped by its cap leaves it. */
export function toolCall(
  callId: string,
  offer: ToolOffer,
  bytesPerToken: number,
  room: number,
  singleTokens: boolean,
): { segment: ToolSegment; cutShort: boolean } {
  const openingTokens = Math.min(room, Math.ceil(Buffer.byteLength(offer.name) / bytesPerToken));
  const whole = [...slices(padded(sampleArguments(callId, offer.schema), bytesPerToken), bytesPerToken, singleTokens)];
  const pieces: Piece[] = [];
  let left = room - openingTokens;
  for (const piece of whole) {
    if (piece.outputTokens > left) break;
    left -= piece.outputTokens;
    pieces.push(piece);
  }
  const segment: ToolSegment = {
    kind: 'tool',
    meter: 'output',
    callId: draw(callId, 'id').toString(36) + draw(callId, 'id2').toString(36),
    name: offer.name,
    openingTokens,
    outputTokens: room - left,
    pieces: () => pieces,
  };
  return { segment, cutShort: pieces.length < whole.length };
}

function sampleArguments(callId: string, schema: JsonObject): string {
  const properties = Object.entries(objectOf(schema.properties) ?? {});
  return JSON.stringify(
    Object.fromEntries(properties.map(([name, kind]) => [name, sample(`${callId}:${name}`, kind)])),
  );
}

function sample(valueId: string, kind: unknown): unknown {
  const schema = objectOf(kind) ?? {};
  const [first] = listOf(schema.enum);
  if (first !== undefined) return first;
  if (schema.type === 'integer' || schema.type === 'number') return drawBetween(valueId, 'number', 1, 9);
  if (schema.type === 'boolean') return draw(valueId, 'boolean') % 2 === 0;
  if (schema.type === 'array') return [];
  if (schema.type === 'object') return {};
  return phrase(valueId);
}

function phrase(valueId: string): string {
  const outputTokens = drawBetween(valueId, 'words', 2, 9);
  const choice = { seed: draw(valueId, 'text'), bytesPerToken: 4, outputTokens, pieceTokensMax: 3, plain: true };
  return Array.from(words(choice), (piece) => piece.text)
    .join('')
    .trim();
}

/** Spaces before the last brace make the JSON a whole number of tokens long. */
function padded(json: string, bytesPerToken: number): string {
  const lacking = (bytesPerToken - (Buffer.byteLength(json) % bytesPerToken)) % bytesPerToken;
  return `${json.slice(0, -1)}${' '.repeat(lacking)}}`;
}

/** Cut between any two characters, so that the bytes of a piece are not whole tokens; their running sum is rounded up. */
function* slices(json: string, bytesPerToken: number, singleTokens: boolean): Generator<Piece> {
  const sliceBytes = bytesPerToken * (singleTokens ? 1 : 3);
  const wholeBytes = Buffer.byteLength(json);
  let text = '';
  let bytes = 0;
  let counted = 0;
  for (const character of json) {
    text += character;
    bytes += Buffer.byteLength(character);
    const outputTokens = Math.ceil(bytes / bytesPerToken) - counted;
    if (Buffer.byteLength(text) < sliceBytes && bytes < wholeBytes) continue;
    yield { text, outputTokens };
    counted += outputTokens;
    text = '';
  }
}
