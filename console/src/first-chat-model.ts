// The model of the first request, which is one of OpenAI's chat: what is sold under other names or for other ends does not answer it.

export interface ListedModel {
  readonly id: string;
  readonly supported_endpoint_types: readonly string[];
}

/** Null: none of them is asked so. */
export function firstChatModel(listed: readonly ListedModel[]): string | null {
  return listed.find(({ supported_endpoint_types: endpoints }) => endpoints.includes('openai'))?.id ?? null;
}
