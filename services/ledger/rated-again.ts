// Prices every record again from its meters and the price version that it names: the rules of domain/prices.ts a second time, in
// SQL, so that an error in either shows. Records without usage were not priced.
import type { Invariant } from './invariant.ts';

export const RATED_AGAIN: Invariant = {
  id: 'rated',
  title: 'each request is rated at its meters times the price in force when it was admitted',
  // A tier prices the whole request when its input is strictly above the tier's threshold; a meter without a price of its own is
  // sold as the plainer one.
  faults: `
    with metered as (
      select u.request_id, u.rated_nano, p.price, m.*, coalesce(m.input, 0) + coalesce(m."cachedInput", 0) + coalesce(m."cacheWrite5m", 0)
             + coalesce(m."cacheWrite1h", 0) + coalesce(m."inputAudio", 0) + coalesce(m."inputImage", 0) as tokens_in
        from usage_records u
        join price_versions p on p.id = u.price_version_id and p.price -> 'tiers' is not null
       cross join jsonb_to_record(u.meters) as m(
         input bigint, "cachedInput" bigint, "cacheWrite5m" bigint, "cacheWrite1h" bigint, "inputAudio" bigint, "inputImage" bigint,
         output bigint, reasoning bigint, "outputAudio" bigint)
       where u.usage_source <> 'none'
    ), priced as (
      select m.*, (m.price ->> 'perCallNano')::numeric as per_call, s.*
        from metered m
       cross join lateral (
         select t.value -> 'microUsdPerMillion' as unit from jsonb_array_elements(m.price -> 'tiers') with ordinality t
          where t.ordinality = 1 or m.tokens_in > coalesce((t.value ->> 'aboveInputTokens')::bigint, 0)
          order by t.ordinality desc limit 1) tier
       cross join lateral (
         select sum(coalesce(x.quantity, 0) * coalesce((tier.unit ->> x.own)::numeric, (tier.unit ->> x.next)::numeric, (tier.unit ->> x.last)::numeric, 0)) as pico
           from (values (m.input, 'input', null, null), (m."cachedInput", 'cachedInput', 'input', null),
                        (m."cacheWrite5m", 'cacheWrite5m', 'input', null), (m."cacheWrite1h", 'cacheWrite1h', 'cacheWrite5m', 'input'),
                        (m."inputAudio", 'inputAudio', 'input', null), (m."inputImage", 'inputImage', 'input', null),
                        (m.output, 'output', null, null), (m.reasoning, 'reasoning', 'output', null),
                        (m."outputAudio", 'outputAudio', 'output', null)) x(quantity, own, next, last)) s
    )
    select format('request %s: rated %s, its price makes it %s', request_id, rated_nano, ceil(coalesce(per_call, 0) + pico / 1000)) as what
      from priced where rated_nano <> ceil(coalesce(per_call, 0) + pico / 1000)`,
};
