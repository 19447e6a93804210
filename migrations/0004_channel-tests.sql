-- A test call of a channel costs us money like any attempt, and belongs to no customer (gateways.md T52). It is an attempt of
-- nobody's organization; its cost is posted to ops_loss under a reason of its own, as soon as it is known.

-- Up Migration

alter table attempts alter column org_id drop not null;
alter domain attempt_outcome drop constraint attempt_outcome_check;
alter domain attempt_outcome add constraint attempt_outcome_check check
  (value in ('won', 'failed_over', 'failed', 'timed_out', 'cut', 'client_gone', 'empty', 'refused', 'orphaned', 'channel_test'));
alter table attempts add constraint attempts_org_check check ((org_id is null) = (outcome = 'channel_test'));
alter table ops_losses drop constraint ops_losses_reason_check;
alter table ops_losses add constraint ops_losses_reason_check check
  (reason in ('orphaned', 'failed_over', 'failed', 'timed_out', 'cut', 'client_gone', 'empty', 'refused', 'unclaimed', 'usage_mismatch',
              'estimate_rest', 'quarantined', 'overshoot', 'late', 'channel_test'));

-- Before the call is sent. Returns the cost price in force, the channel's own where it has one; null: none is known.
create function begin_channel_test(p_request uuid, p_channel uuid, p_channel_key uuid, p_model text, p_upstream_model text) returns jsonb
language plpgsql security definer set search_path = public, pg_temp as $$
declare v_cost price_versions;
begin
  select * into v_cost from price_versions v
   where v.model_id = p_model and v.side = 'cost' and (v.channel_id = p_channel or v.channel_id is null) and v.effective_at <= billing_now()
   order by v.channel_id is null, v.effective_at desc limit 1;
  insert into attempts (request_id, n, channel_id, channel_key_id, model_id, upstream_model, cost_version_id, outcome, sent_at)
    values (p_request, 1, p_channel, p_channel_key, p_model, p_upstream_model, v_cost.id, 'channel_test', clock_timestamp());
  return v_cost.price;
end $$;

revoke execute on function begin_channel_test(uuid, uuid, uuid, text, text) from public;
grant execute on function begin_channel_test(uuid, uuid, uuid, text, text) to tollgate_worker;
