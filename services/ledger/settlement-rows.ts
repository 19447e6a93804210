// What a finished request hands to PostgreSQL: the two arguments of settle_batch (migrations/0003), column by column.
// Amounts are decimal strings, times milliseconds of PostgreSQL's clock.
import type { Usage } from '../../domain/meters.ts';

export type RequestOutcome =
  | 'complete'
  | 'client_gone'
  | 'cut'
  | 'credit_exhausted'
  | 'empty'
  | 'failed'
  | 'quarantined';
export type AttemptOutcome =
  | 'won'
  | 'failed_over'
  | 'failed'
  | 'timed_out'
  | 'cut'
  | 'client_gone'
  | 'empty'
  | 'refused';

export interface UsageRow {
  readonly request_id: string;
  readonly org_id: string;
  readonly project_id: string;
  readonly member_id: string | null;
  readonly api_key_id: string;
  readonly lease_id: string | null;
  readonly model_id: string;
  readonly dialect: string;
  readonly streamed: boolean;
  readonly price_version_id: string;
  readonly meters: Usage;
  readonly usage_source: 'provider' | 'estimate' | 'none';
  readonly delivered_bytes: number;
  readonly rated_nano: string;
  readonly outcome: RequestOutcome;
  readonly winner: number | null;
  readonly admitted_ms: number;
}

export interface AttemptRow {
  readonly request_id: string;
  readonly n: number;
  readonly org_id: string;
  readonly channel_id: string;
  readonly channel_key_id: string;
  readonly model_id: string;
  readonly upstream_model: string;
  readonly cost_version_id: string | null;
  readonly outcome: AttemptOutcome;
  readonly failure_class: string | null;
  readonly status: number | null;
  readonly sent_ms: number;
  readonly first_byte_ms: number | null;
  readonly duration_ms: number | null;
  readonly cost_nano: string | null;
}
