// Errors outside the hot path, told in the format that the caller's client reads: by its path and its headers.
import type { IncomingHttpHeaders } from 'node:http';
import type { TollgateError } from '../../domain/errors.ts';
import { anthropicMessages } from './dialects/anthropic-messages.ts';
import { openaiChat } from './dialects/openai-chat.ts';

export function errorAnswerFor(
  headers: IncomingHttpHeaders,
  path: string,
  error: TollgateError,
  requestId: string,
): { status: number; headers: Record<string, string>; body: string } {
  const isAnthropic = headers['anthropic-version'] !== undefined || path.includes('/messages');
  return (isAnthropic ? anthropicMessages : openaiChat).errorAnswer(error, requestId);
}
