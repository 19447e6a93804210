-- By what our staff finds an organization, and what it went through, newest first (services/customers). Each index is for one question.

-- Up Migration

-- By the beginning of a text, whatever the collation of the database is.
create index on organizations (lower(name) text_pattern_ops);
create index on persons (email text_pattern_ops);
create index on api_keys (prefix);
-- Where somebody belongs.
create index on memberships (person_id);
-- In the time of billing, as all else that is told there.
create index on audit_log (org_id, (coalesce(billing_at, at)) desc, id desc) where org_id is not null;
