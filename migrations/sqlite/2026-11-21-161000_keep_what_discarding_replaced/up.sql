-- What stood in a row before somebody discarded it, so that it can be taken back.
CREATE TABLE discards (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    queue TEXT NOT NULL,
    row_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    status SMALLINT NOT NULL CHECK (status IN (0, 2, 5)),
    reason TEXT,
    finished_at BIGINT,
    CONSTRAINT discards_row UNIQUE (queue, row_id)
);
