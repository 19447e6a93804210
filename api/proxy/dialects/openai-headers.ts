// The headers that every OpenAI-like server takes. Nothing of the caller's goes along: OpenAI-Organization and
// OpenAI-Project would choose among our accounts.
export function openaiHeaders(credential: string): string[] {
  return [
    'authorization',
    `Bearer ${credential}`,
    'content-type',
    'application/json',
    'accept',
    'application/json, text/event-stream',
    // Without it a provider's edge may compress, and a compressed stream cannot be read along with.
    'accept-encoding',
    'identity',
  ];
}
