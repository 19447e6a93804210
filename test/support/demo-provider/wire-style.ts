// Real providers write the same event in different ways: Python's JSON with a space after each colon, escaped non-ASCII, CRLF,
// comments in front, usage at other places. Each attempt id has one style, so a scanner of the gateway meets all of them.
import { draw } from './chance.ts';

export interface WireStyle {
  readonly spaced: boolean;
  readonly escaped: boolean;
  readonly crlf: boolean;
  readonly comment: boolean;
  /** Where a streamed OpenAI chat answer states its usage, if it was asked to. */
  readonly usage: 'last-chunk' | 'running' | 'with-finish';
}

const USAGE_STYLES = ['last-chunk', 'last-chunk', 'running', 'with-finish'] as const;

export function wireStyle(attemptId: string): WireStyle {
  const dice = draw(attemptId, 'style');
  return {
    spaced: dice % 4 === 0,
    escaped: (dice >>> 4) % 4 === 0,
    crlf: (dice >>> 8) % 4 === 0,
    comment: (dice >>> 12) % 4 === 0,
    usage: USAGE_STYLES[(dice >>> 16) % 4] ?? 'last-chunk',
  };
}

export function encode(value: unknown, style: WireStyle): string {
  const json = style.spaced ? spacedJson(value) : JSON.stringify(value);
  return style.escaped ? json.replace(/[\u0080-\uffff]/g, escapeUnit) : json;
}

function spacedJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(', ')}]`;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}: ${spacedJson(member)}`).join(', ')}}`;
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** One server-sent event; name null: OpenAI's chat events have none. */
export function frame(name: string | null, data: string, style: WireStyle): string {
  const end = style.crlf ? '\r\n' : '\n';
  return `${name === null ? '' : `event: ${name}${end}`}data: ${data}${end}${end}`;
}

export function comment(style: WireStyle): string {
  return style.crlf ? ': processing\r\n\r\n' : ': processing\n\n';
}
