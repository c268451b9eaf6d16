-- What comes in, moves and is counted: a receipt, a transfer, a count. Of a transfer `location_id` is where it leaves.
CREATE TABLE stock_documents (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    kind TEXT NOT NULL CONSTRAINT stock_documents_kind CHECK (kind IN ('receipt', 'transfer', 'count')),
    number BIGINT NOT NULL,
    state TEXT NOT NULL DEFAULT 'open' CONSTRAINT stock_documents_state CHECK (state IN ('open', 'sent', 'done', 'cancelled')),
    location_id BIGINT NOT NULL REFERENCES locations (id),
    other_location_id BIGINT REFERENCES locations (id),
    reference TEXT,
    expected_on TEXT,
    note TEXT,
    blind BOOLEAN NOT NULL DEFAULT FALSE,
    whole BOOLEAN NOT NULL DEFAULT FALSE,
    version BIGINT NOT NULL DEFAULT 1,
    pieces BIGINT NOT NULL DEFAULT 0,
    arrived BIGINT NOT NULL DEFAULT 0,
    bookings BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    created_by BIGINT REFERENCES users (id),
    changed_at BIGINT NOT NULL,
    sent_at BIGINT,
    ended_at BIGINT,
    ended_by BIGINT REFERENCES users (id),
    end_reason TEXT,
    CONSTRAINT stock_documents_number UNIQUE (kind, number),
    CONSTRAINT stock_documents_places CHECK ((kind = 'transfer') = (other_location_id IS NOT NULL))
);
CREATE INDEX stock_documents_list ON stock_documents (kind, state, id);

-- `pending` is what a line still brings: it makes the sum of what is expected of an item as short as its open lines.
CREATE TABLE stock_document_lines (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    document_id BIGINT NOT NULL REFERENCES stock_documents (id),
    product_id BIGINT NOT NULL REFERENCES products (id),
    lot_id BIGINT REFERENCES lots (id),
    level_id BIGINT,
    quantity BIGINT NOT NULL DEFAULT 0 CHECK (quantity >= 0),
    done BIGINT NOT NULL DEFAULT 0 CHECK (done >= 0),
    pending BIGINT NOT NULL DEFAULT 0 CHECK (pending >= 0),
    counted BIGINT CHECK (counted >= 0),
    seen BIGINT,
    counted_at BIGINT,
    counted_by BIGINT REFERENCES users (id)
);
CREATE UNIQUE INDEX stock_document_lines_place ON stock_document_lines (document_id, product_id, coalesce(lot_id, 0));
CREATE INDEX stock_document_lines_document ON stock_document_lines (document_id, id);
CREATE UNIQUE INDEX stock_document_lines_level ON stock_document_lines (document_id, level_id) WHERE level_id IS NOT NULL;
CREATE INDEX stock_document_lines_pending ON stock_document_lines (product_id) WHERE pending > 0;

-- What was booked of a document, booking by booking: it can be taken back.
CREATE TABLE stock_bookings (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    document_id BIGINT NOT NULL REFERENCES stock_documents (id),
    booking BIGINT NOT NULL,
    line_id BIGINT NOT NULL REFERENCES stock_document_lines (id),
    location_id BIGINT NOT NULL REFERENCES locations (id),
    lot_id BIGINT REFERENCES lots (id),
    quantity BIGINT NOT NULL,
    reason TEXT NOT NULL,
    at BIGINT NOT NULL,
    user_id BIGINT REFERENCES users (id),
    undone_at BIGINT
);
CREATE INDEX stock_bookings_document ON stock_bookings (document_id, booking, id);

-- The last number of each kind.
CREATE TABLE stock_document_numbers (
    kind TEXT PRIMARY KEY NOT NULL,
    last BIGINT NOT NULL
);
INSERT INTO stock_document_numbers (kind, last) VALUES ('receipt', 1000), ('transfer', 1000), ('count', 1000);

-- A count walks through what lies at a location.
CREATE INDEX stock_levels_location ON stock_levels (location_id, product_id, id);
