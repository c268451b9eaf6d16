DROP INDEX jobs_waits;
DROP INDEX webhook_events_waits;
ALTER TABLE queues ADD COLUMN paused BOOLEAN NOT NULL DEFAULT FALSE;
DROP TABLE pauses;
