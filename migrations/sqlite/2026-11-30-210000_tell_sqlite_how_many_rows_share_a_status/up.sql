-- Without figures SQLite takes it that ten rows share a status, reads all that wait with every claim and sorts them: a
-- queue of 30,000 was worked off at a seventh of the speed. Fixed figures rather than ANALYZE: what is open
-- is nothing in one hour and everything in the next, and a plan must fit both. They are read when the schema is.
ANALYZE sqlite_schema;
DELETE FROM sqlite_stat1 WHERE tbl IN ('webhook_events', 'jobs');
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('webhook_events', 'webhook_events_list', '1000000 100000 2 1 1'),
    ('webhook_events', 'webhook_events_due', '20000 1 1'),
    ('webhook_events', 'webhook_events_key', '1000000 100 1'),
    ('jobs', 'jobs_list', '1000000 100000 2 1 1'),
    ('jobs', 'jobs_due', '20000 1 1');
ANALYZE sqlite_schema;
