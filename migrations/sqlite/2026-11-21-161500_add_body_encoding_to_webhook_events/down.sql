-- Bodies that are compressed or dropped by now stay so: the version before cannot read them.
DROP INDEX jobs_finished;
DROP INDEX webhook_events_bodies;
ALTER TABLE webhook_events DROP COLUMN body_dropped_at;
ALTER TABLE webhook_events DROP COLUMN body_encoding;
