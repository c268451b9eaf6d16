-- What an edit of the channel proposes after something had left: a person decides, once.
CREATE TABLE order_edits (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    version BIGINT NOT NULL,
    subject TEXT NOT NULL,
    order_line_id BIGINT REFERENCES order_lines (id),
    before TEXT NOT NULL,
    proposal TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'accepted', 'rejected', 'withdrawn')),
    opened_at BIGINT NOT NULL,
    decided_at BIGINT,
    decided_by BIGINT REFERENCES users (id)
);
CREATE UNIQUE INDEX order_edits_pending ON order_edits (order_id, subject) WHERE state = 'pending';
CREATE INDEX order_edits_order ON order_edits (order_id);
