-- What is open is nothing in one hour and everything in the next. Statistics gathered while the queue was idle made
-- the claim walk through all open rows once for each of them: a minute for ten thousand. Naming the type anew
-- forgets those that were gathered already.
ALTER TABLE webhook_events ALTER COLUMN status TYPE SMALLINT, ALTER COLUMN status SET STATISTICS 0;
ALTER TABLE jobs ALTER COLUMN status TYPE SMALLINT, ALTER COLUMN status SET STATISTICS 0;
