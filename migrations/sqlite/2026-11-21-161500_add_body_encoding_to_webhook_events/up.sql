-- How a stored body lies there: 0 as it came, 1 compressed, 2 dropped, and then since when.
ALTER TABLE webhook_events ADD COLUMN body_encoding SMALLINT NOT NULL DEFAULT 0
    CONSTRAINT webhook_events_body_encoding CHECK (body_encoding BETWEEN 0 AND 2);
ALTER TABLE webhook_events ADD COLUMN body_dropped_at BIGINT;
-- What is finished and still has its body. Compressing and dropping take it from one end to the other: what is
-- dropped leaves the index, so that a batch is found as fast among a million old rows as among ten.
CREATE INDEX webhook_events_bodies ON webhook_events (body_encoding, finished_at, id)
    WHERE status IN (3, 4, 6) AND body_encoding < 2;
CREATE INDEX jobs_finished ON jobs (status, finished_at, id) WHERE status IN (3, 4, 6);
