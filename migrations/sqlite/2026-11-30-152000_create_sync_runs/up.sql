-- Work on a store as a whole, step by step: a row outlives the job that does it, and says where to go on.
CREATE TABLE sync_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    shop_id BIGINT NOT NULL REFERENCES shopify_shops (id),
    stream TEXT NOT NULL,
    kind TEXT NOT NULL,
    from_at BIGINT NOT NULL,
    to_at BIGINT NOT NULL,
    status TEXT NOT NULL,
    dry_run BOOLEAN NOT NULL,
    job_id BIGINT,
    started_by BIGINT REFERENCES users (id),
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    cancel_asked_at BIGINT,
    state TEXT NOT NULL,
    phase TEXT NOT NULL,
    total BIGINT NOT NULL,
    done BIGINT NOT NULL,
    here BIGINT NOT NULL,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    place TEXT,
    result TEXT,
    reason TEXT
);
CREATE UNIQUE INDEX sync_runs_open ON sync_runs (shop_id, stream) WHERE finished_at IS NULL;
CREATE INDEX sync_runs_latest ON sync_runs (shop_id, stream, id);

-- How far a stream of a store has been looked at, and how often it is to be.
CREATE TABLE sync_cursors (
    shop_id BIGINT NOT NULL REFERENCES shopify_shops (id),
    stream TEXT NOT NULL,
    every_minutes BIGINT NOT NULL,
    known_from BIGINT NOT NULL,
    looked_to BIGINT NOT NULL,
    looked_at BIGINT,
    failed_at BIGINT,
    error TEXT,
    backup_to BIGINT NOT NULL,
    backup_at BIGINT,
    passed_on TEXT,
    pass_from BIGINT,
    CONSTRAINT sync_cursors_pkey PRIMARY KEY (shop_id, stream)
);

-- The last 24 hours of a stream, in half-hours since 1970.
CREATE TABLE sync_half_hours (
    shop_id BIGINT NOT NULL REFERENCES shopify_shops (id),
    stream TEXT NOT NULL,
    half_hour BIGINT NOT NULL,
    looks BIGINT NOT NULL,
    gaps BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    CONSTRAINT sync_half_hours_pkey PRIMARY KEY (shop_id, stream, half_hour)
);

-- An order that the store tells otherwise than we know it. Healed once we know what it told.
CREATE TABLE sync_gaps (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    shop_id BIGINT NOT NULL REFERENCES shopify_shops (id),
    external_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    day TEXT NOT NULL,
    changed_there_at BIGINT NOT NULL,
    found_at BIGINT NOT NULL,
    healed_at BIGINT,
    reason TEXT
);
CREATE UNIQUE INDEX sync_gaps_open ON sync_gaps (shop_id, external_id) WHERE healed_at IS NULL;
CREATE INDEX sync_gaps_day ON sync_gaps (shop_id, day, id);

-- What the store and we had of one day, in the store's time zone, when it was last compared whole.
CREATE TABLE reconciliation_days (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    shop_id BIGINT NOT NULL REFERENCES shopify_shops (id),
    day TEXT NOT NULL,
    theirs BIGINT NOT NULL,
    theirs_digest TEXT NOT NULL,
    ours BIGINT NOT NULL,
    ours_digest TEXT NOT NULL,
    states TEXT NOT NULL,
    missing BIGINT NOT NULL,
    outdated BIGINT NOT NULL,
    gone BIGINT NOT NULL,
    checked_at BIGINT NOT NULL,
    CONSTRAINT reconciliation_days_day UNIQUE (shop_id, day)
);

-- The kinds of alerts grow with the program: its enum keeps the set.
ALTER TABLE alerts RENAME TO alerts_before;
CREATE TABLE alerts (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    cause TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    resolved_at BIGINT,
    told_at BIGINT,
    end_told_at BIGINT
);
INSERT INTO alerts SELECT * FROM alerts_before;
DROP TABLE alerts_before;
CREATE UNIQUE INDEX alerts_open ON alerts (kind, subject) WHERE resolved_at IS NULL;
CREATE INDEX alerts_resolved ON alerts (resolved_at);
