-- Whether somebody said what a variant is, kept beside it: a view is a walk along one index, however many there are.
ALTER TABLE shopify_variants ADD COLUMN state TEXT NOT NULL DEFAULT 'unmapped' CHECK (state IN ('unmapped', 'mapped', 'ignored'));
UPDATE shopify_variants SET state = CASE WHEN ignored_at IS NULL THEN 'mapped' ELSE 'ignored' END
    WHERE EXISTS (SELECT 1 FROM shopify_product_mappings m WHERE m.variant_id = shopify_variants.id AND m.removed_at IS NULL);
DROP INDEX shopify_variants_title;
CREATE INDEX shopify_variants_list ON shopify_variants (state, shop_id, product_title, id) WHERE deleted_at IS NULL;
CREATE INDEX shopify_variants_state ON shopify_variants (shop_id, state, id, deleted_at) WHERE deleted_at IS NULL;
CREATE INDEX shopify_variants_sold ON shopify_variants (shop_id, id) WHERE deleted_at IS NULL;
-- The last holds of a kind: the variants that hold most orders are looked for among them.
CREATE INDEX holds_latest ON holds (channel_id, kind, id) WHERE released_at IS NULL;

-- What items and variants are found by: lower-case words, found by how they begin.
CREATE TABLE product_terms (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    product_id BIGINT NOT NULL REFERENCES products (id),
    term TEXT NOT NULL
);
CREATE INDEX product_terms_term ON product_terms (term, product_id);
CREATE INDEX product_terms_product ON product_terms (product_id, term);
CREATE TABLE shopify_variant_terms (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    shop_id BIGINT NOT NULL REFERENCES shopify_shops (id),
    variant_id BIGINT NOT NULL REFERENCES shopify_variants (id),
    term TEXT NOT NULL
);
CREATE INDEX shopify_variant_terms_term ON shopify_variant_terms (shop_id, term, variant_id);
CREATE INDEX shopify_variant_terms_variant ON shopify_variant_terms (variant_id, term);
-- SQLite knows no letter but the plain ones: the accents that a catalogue is likely to have are named.
CREATE TABLE words_of_items_texts AS SELECT id, lower(name) || ' ' AS text FROM products;
UPDATE words_of_items_texts SET text = replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(text, 'À', 'a'), 'Á', 'a'), 'Â', 'a'), 'Ã', 'a'), 'Ä', 'a'), 'Å', 'a'), 'à', 'a'), 'á', 'a'), 'â', 'a'), 'ã', 'a'), 'ä', 'a'), 'å', 'a');
UPDATE words_of_items_texts SET text = replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(text, 'Ç', 'c'), 'ç', 'c'), 'È', 'e'), 'É', 'e'), 'Ê', 'e'), 'Ë', 'e'), 'è', 'e'), 'é', 'e'), 'ê', 'e'), 'ë', 'e'), 'Ì', 'i'), 'Í', 'i');
UPDATE words_of_items_texts SET text = replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(text, 'Î', 'i'), 'Ï', 'i'), 'ì', 'i'), 'í', 'i'), 'î', 'i'), 'ï', 'i'), 'Ñ', 'n'), 'ñ', 'n'), 'Ò', 'o'), 'Ó', 'o'), 'Ô', 'o'), 'Õ', 'o');
UPDATE words_of_items_texts SET text = replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(text, 'Ö', 'o'), 'ò', 'o'), 'ó', 'o'), 'ô', 'o'), 'õ', 'o'), 'ö', 'o'), 'Ù', 'u'), 'Ú', 'u'), 'Û', 'u'), 'Ü', 'u'), 'ù', 'u'), 'ú', 'u');
UPDATE words_of_items_texts SET text = replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(text, 'û', 'u'), 'ü', 'u'), 'Ý', 'y'), 'ý', 'y'), 'ÿ', 'y'), 'Š', 's'), 'š', 's'), 'Ž', 'z'), 'ž', 'z'), 'Æ', 'æ'), 'Ø', 'ø'), ',', ' ');
UPDATE words_of_items_texts SET text = replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(text, '.', ' '), ';', ' '), ':', ' '), '/', ' '), '(', ' '), ')', ' '), '-', ' '), '_', ' '), '"', ' '), '&', ' '), '+', ' '), '#', ' ');
UPDATE words_of_items_texts SET text = replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(text, '*', ' '), '!', ' '), '?', ' '), '[', ' '), ']', ' '), '|', ' '), '–', ' '), '—', ' '), '×', ' '), '·', ' '), '''', ' '), '’', ' ');
UPDATE words_of_items_texts SET text = replace(replace(replace(replace(replace(replace(text, '“', ' '), '”', ' '), '„', ' '), '%', ' '), '@', ' '), '=', ' ');
CREATE TABLE words_of_items (id BIGINT NOT NULL, word TEXT NOT NULL);
WITH RECURSIVE split(id, word, rest) AS (
    SELECT id, '', text FROM words_of_items_texts
    UNION ALL SELECT id, substr(rest, 1, instr(rest, ' ') - 1), substr(rest, instr(rest, ' ') + 1) FROM split WHERE rest <> ''
)
INSERT INTO words_of_items SELECT id, word FROM split WHERE word <> '';
DROP TABLE words_of_items_texts;
CREATE TABLE words_of_variants_texts AS SELECT id, lower(product_title || ' ' || coalesce(variant_title, '') || ' ' || coalesce(sku, '')) || ' ' AS text FROM shopify_variants;
UPDATE words_of_variants_texts SET text = replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(text, 'À', 'a'), 'Á', 'a'), 'Â', 'a'), 'Ã', 'a'), 'Ä', 'a'), 'Å', 'a'), 'à', 'a'), 'á', 'a'), 'â', 'a'), 'ã', 'a'), 'ä', 'a'), 'å', 'a');
UPDATE words_of_variants_texts SET text = replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(text, 'Ç', 'c'), 'ç', 'c'), 'È', 'e'), 'É', 'e'), 'Ê', 'e'), 'Ë', 'e'), 'è', 'e'), 'é', 'e'), 'ê', 'e'), 'ë', 'e'), 'Ì', 'i'), 'Í', 'i');
UPDATE words_of_variants_texts SET text = replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(text, 'Î', 'i'), 'Ï', 'i'), 'ì', 'i'), 'í', 'i'), 'î', 'i'), 'ï', 'i'), 'Ñ', 'n'), 'ñ', 'n'), 'Ò', 'o'), 'Ó', 'o'), 'Ô', 'o'), 'Õ', 'o');
UPDATE words_of_variants_texts SET text = replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(text, 'Ö', 'o'), 'ò', 'o'), 'ó', 'o'), 'ô', 'o'), 'õ', 'o'), 'ö', 'o'), 'Ù', 'u'), 'Ú', 'u'), 'Û', 'u'), 'Ü', 'u'), 'ù', 'u'), 'ú', 'u');
UPDATE words_of_variants_texts SET text = replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(text, 'û', 'u'), 'ü', 'u'), 'Ý', 'y'), 'ý', 'y'), 'ÿ', 'y'), 'Š', 's'), 'š', 's'), 'Ž', 'z'), 'ž', 'z'), 'Æ', 'æ'), 'Ø', 'ø'), ',', ' ');
UPDATE words_of_variants_texts SET text = replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(text, '.', ' '), ';', ' '), ':', ' '), '/', ' '), '(', ' '), ')', ' '), '-', ' '), '_', ' '), '"', ' '), '&', ' '), '+', ' '), '#', ' ');
UPDATE words_of_variants_texts SET text = replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(text, '*', ' '), '!', ' '), '?', ' '), '[', ' '), ']', ' '), '|', ' '), '–', ' '), '—', ' '), '×', ' '), '·', ' '), '''', ' '), '’', ' ');
UPDATE words_of_variants_texts SET text = replace(replace(replace(replace(replace(replace(text, '“', ' '), '”', ' '), '„', ' '), '%', ' '), '@', ' '), '=', ' ');
CREATE TABLE words_of_variants (id BIGINT NOT NULL, word TEXT NOT NULL);
WITH RECURSIVE split(id, word, rest) AS (
    SELECT id, '', text FROM words_of_variants_texts
    UNION ALL SELECT id, substr(rest, 1, instr(rest, ' ') - 1), substr(rest, instr(rest, ' ') + 1) FROM split WHERE rest <> ''
)
INSERT INTO words_of_variants SELECT id, word FROM split WHERE word <> '';
DROP TABLE words_of_variants_texts;
INSERT INTO product_terms (product_id, term)
    SELECT id, word FROM words_of_items
    UNION SELECT id, sku_normal FROM products
    UNION SELECT id, barcode_normal FROM products WHERE barcode_normal IS NOT NULL;
-- All words of a name in order, from the first and from the last: like names stand side by side.
INSERT INTO product_terms (product_id, term) SELECT id, '>' || substr(group_concat(word, ' '), 1, 200) FROM (SELECT id, word FROM words_of_items ORDER BY id, word ASC) words GROUP BY id;
INSERT INTO product_terms (product_id, term) SELECT id, '<' || substr(group_concat(word, ' '), 1, 200) FROM (SELECT id, word FROM words_of_items ORDER BY id, word DESC) words GROUP BY id;
INSERT INTO shopify_variant_terms (shop_id, variant_id, term)
    SELECT v.shop_id, v.id, w.word FROM words_of_variants w JOIN shopify_variants v ON v.id = w.id
    UNION SELECT shop_id, id, sku_normal FROM shopify_variants WHERE sku_normal IS NOT NULL
    UNION SELECT shop_id, id, barcode_normal FROM shopify_variants WHERE barcode_normal IS NOT NULL;
DROP TABLE words_of_items;
DROP TABLE words_of_variants;

-- Without figures SQLite takes it that few variants share a store and a state, and reads all of them to find one. Fixed
-- figures, as for the queues: they are of a large store.
ANALYZE sqlite_schema;
DELETE FROM sqlite_stat1 WHERE tbl = 'shopify_variants';
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('shopify_variants', 'sqlite_autoindex_shopify_variants_1', '1000000 500000 1'),
    ('shopify_variants', 'shopify_variants_list', '1000000 300000 200000 3 1'),
    ('shopify_variants', 'shopify_variants_state', '1000000 500000 200000 1 1'),
    ('shopify_variants', 'shopify_variants_sold', '1000000 500000 1'),
    ('shopify_variants', 'shopify_variants_product', '1000000 500000 3'),
    ('shopify_variants', 'shopify_variants_sku', '1000000 500000 2'),
    ('shopify_variants', 'shopify_variants_barcode', '1000000 500000 2'),
    ('shopify_variants', 'shopify_variants_question', '1000 500 3 1'),
    ('shopify_variants', 'shopify_variants_inventory_item', '1000000 500000 1');
ANALYZE sqlite_schema;
