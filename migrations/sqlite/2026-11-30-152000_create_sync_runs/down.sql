DROP TABLE reconciliation_days;
DROP TABLE sync_gaps;
DROP TABLE sync_half_hours;
DROP TABLE sync_cursors;
DROP TABLE sync_runs;
ALTER TABLE alerts RENAME TO alerts_after;
CREATE TABLE alerts (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('dead', 'disconnected', 'late')),
    subject TEXT NOT NULL,
    cause TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    resolved_at BIGINT,
    told_at BIGINT,
    end_told_at BIGINT
);
INSERT INTO alerts SELECT * FROM alerts_after WHERE kind IN ('dead', 'disconnected', 'late');
DROP TABLE alerts_after;
CREATE UNIQUE INDEX alerts_open ON alerts (kind, subject) WHERE resolved_at IS NULL;
CREATE INDEX alerts_resolved ON alerts (resolved_at);
