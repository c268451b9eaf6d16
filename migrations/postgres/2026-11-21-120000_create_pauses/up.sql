-- What a person stopped. A row stays when it is over: the queue gives back what waited, and alerts count from then.
CREATE TABLE pauses (
    cause TEXT NOT NULL PRIMARY KEY,
    shop_domain TEXT,
    reason TEXT,
    paused_at BIGINT NOT NULL,
    paused_by BIGINT REFERENCES users (id),
    resumed_at BIGINT,
    settled BOOLEAN NOT NULL DEFAULT TRUE,
    CONSTRAINT pauses_scope CHECK (shop_domain IS NOT NULL OR cause IN ('pause/incoming', 'pause/outgoing'))
);
ALTER TABLE queues DROP COLUMN paused;
CREATE INDEX webhook_events_waits ON webhook_events (waits_for, id) WHERE status = 2;
CREATE INDEX jobs_waits ON jobs (waits_for, id) WHERE status = 2;
