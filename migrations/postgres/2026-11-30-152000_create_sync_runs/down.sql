DROP TABLE reconciliation_days;
DROP TABLE sync_gaps;
DROP TABLE sync_half_hours;
DROP TABLE sync_cursors;
DROP TABLE sync_runs;
DELETE FROM alerts WHERE kind NOT IN ('dead', 'disconnected', 'late');
ALTER TABLE alerts ADD CONSTRAINT alerts_kind_check CHECK (kind IN ('dead', 'disconnected', 'late'));
