-- Views of the order list that people keep.
CREATE TABLE saved_views (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id),
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    shared BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT saved_views_name UNIQUE (user_id, name)
);

-- What orders are found by: lower-case words, found by how they begin.
CREATE TABLE order_terms (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    term TEXT NOT NULL
);
CREATE INDEX order_terms_term ON order_terms (term, order_id);
CREATE INDEX order_terms_order ON order_terms (order_id);
INSERT INTO order_terms (order_id, term)
    SELECT id, ltrim(lower(name), '#') FROM orders
    UNION SELECT id, external_id FROM orders
    UNION SELECT id, lower(email) FROM orders WHERE email IS NOT NULL
    UNION SELECT id, lower(customer_name) FROM orders WHERE customer_name IS NOT NULL
    UNION SELECT order_id, lower(sku) FROM order_lines WHERE sku IS NOT NULL;

CREATE INDEX orders_channel ON orders (channel_id, placed_at, id);
CREATE INDEX orders_payment ON orders (payment_state, placed_at, id);
