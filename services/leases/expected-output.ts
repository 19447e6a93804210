// How many output tokens a key usually gets from a model: the 95th percentile, so that a reserve is right 19 times of 20.
// A running estimate (stochastic approximation): a constant step per answer, no stored samples.

const QUANTILE = 0.95;
const MOST_TRACKED = 100_000;

export class ExpectedOutput {
  readonly #p95 = new Map<string, number>();

  /** Null before the key's first answer from this model. */
  of(apiKeyId: string, modelId: string): number | null {
    const p95 = this.#p95.get(apiKeyId + modelId);
    return p95 === undefined ? null : Math.ceil(p95);
  }

  learn(apiKeyId: string, modelId: string, outputTokens: number): void {
    const id = apiKeyId + modelId;
    const p95 = this.#p95.get(id);
    if (p95 === undefined) {
      if (this.#p95.size >= MOST_TRACKED) this.#p95.clear(); // forgetting costs a default estimate, nothing else
      this.#p95.set(id, Math.max(outputTokens * 2, 16));
      return;
    }
    const step = Math.max(1, p95 * 0.1);
    this.#p95.set(id, Math.max(1, outputTokens > p95 ? p95 + step * QUANTILE : p95 - step * (1 - QUANTILE)));
  }
}
