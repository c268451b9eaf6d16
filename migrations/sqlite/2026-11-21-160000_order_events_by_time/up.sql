-- The events screen lists both tables in one order of time. Every page is a walk along these indexes, from its first
-- row to its last, however much is finished; `attempts` tells the retried rows from the fresh ones on the way.
DROP INDEX webhook_events_list;
CREATE INDEX webhook_events_list ON webhook_events (status, received_at, id, attempts);
DROP INDEX jobs_list;
CREATE INDEX jobs_list ON jobs (status, created_at, id, attempts);

-- What died, by reason. A peer's words may be longer than an index takes: reasons are told apart by their beginning.
CREATE INDEX webhook_events_dead ON webhook_events (substr(reason, 1, 200), id, topic) WHERE status = 5;
CREATE INDEX jobs_dead ON jobs (substr(reason, 1, 200), id, kind) WHERE status = 5;
