DROP INDEX jobs_dead;
DROP INDEX webhook_events_dead;
DROP INDEX jobs_list;
CREATE INDEX jobs_list ON jobs (status, id, attempts);
DROP INDEX webhook_events_list;
CREATE INDEX webhook_events_list ON webhook_events (status, id, attempts);
